#!lua flags=no-writes
--[[
  Reads a sale.

  KEYS[1] stock  hash  the sale

  Returns { status, total, held, paid, limit, holdMs, opensAtMs, state, epoch, serial, nowMs,
            secretId }
    status  DONE; NO_SALE
  O(1).
]]
-- include: status.lua
-- include: time.lua
local info = redis.call(
  'HMGET', KEYS[1], 'total', 'held', 'paid', 'limit', 'holdMs', 'opensAtMs', 'state', 'epoch', 'serial',
  'secretId'
)
local now_ms = clock_ms()
if not info[1] then
  return { NO_SALE, '0', '0', '0', '0', '0', '0', '', '0', '0', now_ms, '' }
end
return { DONE, info[1], info[2], info[3], info[4], info[5], info[6], info[7], info[8], info[9], now_ms, info[10] }
