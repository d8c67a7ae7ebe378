#!lua
--[[
  Creates a sale. Repeating it with the same operation key is harmless.

  KEYS[1] stock       hash    the sale
  KEYS[2] events      stream  the outbox
  KEYS[3] changed     string  counter, see lib/changed.lua

  ARGV[1] operation   key made by the caller, once for what it wants done
  ARGV[2] total       tickets, 1 to 1e9
  ARGV[3] limit       tickets a buyer, 0 for none
  ARGV[4] holdMs      how long a hold lasts, at least 1000
  ARGV[5] opensAtMs   opening time, 0 to wait for an operator

  Returns DONE; REPEATED, created before by the same operation; SALE_EXISTS (nothing written)
  Errors (nothing written): BADARG ...
  O(1).
]]
-- include: arguments.lua
-- include: changed.lua
-- include: status.lua
-- include: time.lua
local stock_key, events_key, changed_key = KEYS[1], KEYS[2], KEYS[3]
local operation = ARGV[1]
local total, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local hold_ms, opens_at_ms = tonumber(ARGV[4]), tonumber(ARGV[5])
local rcall, format = redis.call, string.format

if
  not (
    whole(total, 1, 1e9)
    and whole(limit, 0, 1e9)
    and whole(hold_ms, 1000, 1e12)
    and whole(opens_at_ms, 0, 1e15)
  )
then
  return bad_argument('create: total, limit, holdMs or opensAtMs is out of range')
end
local creator = rcall('HGET', stock_key, 'createdBy')
if creator then
  return creator == operation and REPEATED or SALE_EXISTS
end
-- These fail here, before the first write, if a key is of another type.
rcall('XLEN', events_key)
rcall('GET', changed_key)
local now_ms = clock_ms()
rcall(
  'HSET', stock_key,
  'total', format('%.0f', total), 'held', 0, 'paid', 0, 'limit', format('%.0f', limit),
  'holdMs', format('%.0f', hold_ms), 'opensAtMs', format('%.0f', opens_at_ms),
  -- The epoch begins at the time of creation, so that a sale that is created anew under an old id
  -- is never taken by a node for the sold-out one that it replaces.
  'state', 'scheduled', 'epoch', format('%.0f', now_ms), 'serial', 0,
  'createdAtMs', format('%.0f', now_ms), 'createdBy', operation
)
rcall('XADD', events_key, '*', 'event', 'created', 'total', format('%.0f', total))
note_change(changed_key)
return DONE
