local call, pending = KEYS[1], KEYS[2]
local prefix, id, event, duration = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local grace, remember = tonumber(ARGV[5]), ARGV[6]

local known = redis.call('HMGET', call, 'state', 'account', 'rate', 'increment', 'max_ms',
  'reserved', 'charged')
local state = known[1]

if not state then
  -- Redis has lost the call; its tags say what it costs.
  if ARGV[7] == '' or event ~= 'ended' then return 'unknown' end
  local charge = cost(duration, tonumber(ARGV[8]), math.max(tonumber(ARGV[9]), 1))
  change(account_key(prefix, ARGV[7]), 'balance', -charge)
  redis.call('HSET', call, 'state', 'ended', 'account', ARGV[7], 'charged', whole(charge),
    'duration_ms', whole(duration))
  redis.call('PEXPIRE', call, remember)
  return 'charged'
end

if state == 'ended' or state == 'failed' then return 'repeated' end

local account = account_key(prefix, known[2])
local reserved, charged = tonumber(known[6]), tonumber(known[7])

if event == 'answered' then
  if state == 'answered' then return 'repeated' end
  if state == 'expired' then
    -- It rang for longer than a call is waited for.
    change(account, 'reserved', reserved)
    change(account, 'balance', charged)
  end
  redis.call('HSET', call, 'state', 'answered', 'charged', '0')
  redis.call('PERSIST', call)
  redis.call('ZADD', pending, whole(now() + tonumber(known[5]) + grace), id)
  return 'answered'
end

if state ~= 'expired' then change(account, 'reserved', -reserved) end
local charge = 0
if event == 'ended' then
  charge = math.min(cost(duration, tonumber(known[3]), tonumber(known[4])), reserved)
end
change(account, 'balance', charged - charge)
redis.call('HSET', call, 'state', event, 'charged', whole(charge), 'duration_ms', whole(duration))
redis.call('ZREM', pending, id)
redis.call('PEXPIRE', call, remember)
return event == 'ended' and 'charged' or 'released'
