#!lua
--[[
  Opens, pauses or closes a sale. Setting the state that it has changes nothing.

  KEYS[1] stock    hash     the sale
  KEYS[2] events   stream   the outbox
  KEYS[3] changed  counter  see lib/changed.lua

  ARGV[1] state   open, paused or closed

  Returns DONE, set or already so; NO_SALE; SALE_CLOSED, which is final
  Errors (nothing written): BADARG ...
  O(1).
]]
-- include: arguments.lua
-- include: changed.lua
-- include: definition.lua
-- include: status.lua
-- include: time.lua
local stock_key, events_key, changed_key = KEYS[1], KEYS[2], KEYS[3]
local state = ARGV[1]
local rcall = redis.call

if state ~= 'open' and state ~= 'paused' and state ~= 'closed' then
  return bad_argument('set-state: state is open, paused or closed, got ' .. tostring(state))
end
local before = rcall('HGET', stock_key, 'state')
if not before then
  return NO_SALE
end
if before == state then
  return DONE
end
if before == 'closed' then
  return SALE_CLOSED
end
-- These fail here, before the first write, if a key is of another type.
rcall('XLEN', events_key)
rcall('GET', changed_key)
rcall('HSET', stock_key, 'state', state)
announce_definition(stock_key, events_key, changed_key, state, clock_ms())
return DONE
