local pending = KEYS[1]
local prefix, lost, remember, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local due = redis.call('ZRANGEBYSCORE', pending, '-inf', whole(now()), 'LIMIT', 0, most)
for _, id in ipairs(due) do
  local call = prefix .. 'call:' .. id
  local known = redis.call('HMGET', call, 'state', 'account', 'reserved')
  if known[1] == 'reserved' or known[1] == 'answered' then
    local account, reserved, charge = account_key(prefix, known[2]), tonumber(known[3]), 0
    if known[1] == 'answered' and lost == 'charge' then charge = reserved end
    change(account, 'reserved', -reserved)
    change(account, 'balance', -charge)
    redis.call('HSET', call, 'state', 'expired', 'charged', whole(charge))
    redis.call('PEXPIRE', call, remember)
  end
  redis.call('ZREM', pending, id)
end
return #due
