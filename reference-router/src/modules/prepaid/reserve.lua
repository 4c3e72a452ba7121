local call, pending, account = KEYS[1], KEYS[2], KEYS[3]
local id, name = ARGV[2], ARGV[3]
local rate, increment = tonumber(ARGV[4]), tonumber(ARGV[5])
local wanted, minimum, setup = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local known = redis.call('HMGET', call, 'state', 'max_ms')
if known[1] == 'reserved' or known[1] == 'answered' then return {'made', known[2]} end
if known[1] and known[1] ~= 'expired' then return {'over', '0'} end

local money = redis.call('HMGET', account, 'balance', 'reserved')
if not money[1] then return {'unknown', '0'} end
local free = tonumber(money[1]) - (tonumber(money[2]) or 0)

local max = wanted
if cost(max, rate, increment) > free then
  local increments = rate > 0 and math.floor(math.max(free, 0) * 60000 / (rate * increment)) or 0
  while increments > 0 and cost(increments * increment, rate, increment) > free do
    increments = increments - 1
  end
  max = math.min(increments * increment, wanted)
end
if max <= 0 or max < math.min(minimum, wanted) then return {'poor', '0'} end

local amount = cost(max, rate, increment)
change(account, 'reserved', amount)
redis.call('HSET', call, 'state', 'reserved', 'account', name, 'rate', whole(rate),
  'increment', whole(increment), 'max_ms', whole(max), 'reserved', whole(amount), 'charged', '0')
redis.call('PERSIST', call)
redis.call('ZADD', pending, whole(now() + setup), id)
return {'made', whole(max)}
