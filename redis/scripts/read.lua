#!lua flags=no-writes
--[[
  Reads a sale.

  KEYS[1] stock  hash  the sale

  Returns { status, total, held, paid, limit, holdMs, opensAtMs, state, epoch, serial, nowMs }
    status  0; -1 no such sale
  O(1).
]]
local info = redis.call(
  'HMGET', KEYS[1], 'total', 'held', 'paid', 'limit', 'holdMs', 'opensAtMs', 'state', 'epoch', 'serial'
)
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
if not info[1] then
  return { -1, '0', '0', '0', '0', '0', '0', '', '0', '0', now_ms }
end
return { 0, info[1], info[2], info[3], info[4], info[5], info[6], info[7], info[8], info[9], now_ms }
