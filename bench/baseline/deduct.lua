--[[
  The deduction of the plain design: one ticket a call. As published it compares with >= and sells
  one ticket more than there are; here it is corrected.

  KEYS[1]  hash with the fields total and sold
  Returns  1 sold, 0 sold out
]]
local total = tonumber(redis.call('HGET', KEYS[1], 'total'))
local sold = tonumber(redis.call('HGET', KEYS[1], 'sold'))
if total > sold then
  redis.call('HINCRBY', KEYS[1], 'sold', 1)
  return 1
end
return 0
