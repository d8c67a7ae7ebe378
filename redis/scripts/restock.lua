#!lua
--[[
  Adds tickets to a sale, once for each operation key. Begins an epoch if nothing was left.

  KEYS[1] stock       hash     the sale
  KEYS[2] operations  hash     operation key -> quantity
  KEYS[3] events      stream   the outbox
  KEYS[4] changed     counter  see lib/changed.lua

  ARGV[1] operation   key made by the caller, once for what it wants done
  ARGV[2] quantity    tickets to add, 1 to 1e9; the total stays at most 1e9

  Returns DONE; REPEATED, added before by the same operation; NO_SALE; SALE_CLOSED;
          TOTAL_TOO_LARGE, it would exceed 1e9
  Errors (nothing written): BADARG ...
  O(1).
]]
-- include: arguments.lua
-- include: changed.lua
-- include: definition.lua
-- include: status.lua
-- include: stock.lua
-- include: time.lua
local stock_key, operations_key, events_key, changed_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local operation, quantity = ARGV[1], tonumber(ARGV[2])
local rcall, format = redis.call, string.format

if not whole(quantity, 1, 1e9) then
  return bad_argument('restock: quantity is a whole number from 1 to 1e9')
end
local info = rcall('HMGET', stock_key, 'total', 'held', 'paid', 'state')
if not info[1] then
  return NO_SALE
end
if rcall('HEXISTS', operations_key, operation) == 1 then
  return REPEATED
end
if info[4] == 'closed' then
  return SALE_CLOSED
end
local total = tonumber(info[1])
if total + quantity > 1e9 then
  return TOTAL_TOO_LARGE
end
local left = total - tonumber(info[2]) - tonumber(info[3])
-- These fail here, before the first write, if a key is of another type.
rcall('XLEN', events_key)
rcall('GET', changed_key)
rcall('HSET', operations_key, operation, format('%.0f', quantity))
rcall('HINCRBY', stock_key, 'total', format('%.0f', quantity))
if left == 0 then
  begin_epoch(stock_key, changed_key)
end
announce_definition(stock_key, events_key, changed_key, 'restocked', clock_ms())
return DONE
