-- Numbers of Lua are exact up to 2^53; what is written to Redis is written in full.
local function whole(number) return string.format('%.0f', number) end

-- The clock of Redis: those of the routers may differ.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Micro-units for a call of so many milliseconds: whole increments, and the sum rounded up.
local function cost(ms, rate, increment)
  local product = math.ceil(ms / increment) * increment * rate
  local rest = math.fmod(product, 60000)
  if rest == 0 then return product / 60000 end
  return (product - rest) / 60000 + 1
end

local function account_key(prefix, account) return prefix .. 'account:' .. account end

-- Changes an account, unless somebody has removed it.
local function change(account, field, amount)
  if amount ~= 0 and redis.call('EXISTS', account) == 1 then
    redis.call('HINCRBY', account, field, whole(amount))
  end
end

