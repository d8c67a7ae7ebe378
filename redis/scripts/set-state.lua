#!lua
--[[
  Opens, pauses or closes a sale. Setting the state that it has changes nothing.

  KEYS[1] stock   hash    the sale
  KEYS[2] events  stream  the outbox

  ARGV[1] state   open, paused or closed

  Returns 0 set or already so, -1 no such sale, -2 the sale is closed, which is final
  Errors (nothing written): BADARG ...
  O(1).
]]
local stock_key, events_key = KEYS[1], KEYS[2]
local state = ARGV[1]
local rcall = redis.call

if state ~= 'open' and state ~= 'paused' and state ~= 'closed' then
  return redis.error_reply('BADARG set-state: state is open, paused or closed, got ' .. tostring(state))
end
local before = rcall('HGET', stock_key, 'state')
if not before then
  return -1
end
if before == state then
  return 0
end
if before == 'closed' then
  return -2
end
rcall('XLEN', events_key) -- Fails here, before the first write, if this is no stream.
rcall('HSET', stock_key, 'state', state)
rcall('XADD', events_key, '*', 'event', state)
return 0
