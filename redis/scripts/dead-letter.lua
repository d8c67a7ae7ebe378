#!lua
--[[
  Moves an entry that no worker can store out of the way: notes it down among the dead letters and
  acknowledges it. The entry itself stays in the outbox, which is the history of the sale.
  Repeating it is harmless: an entry that is not pending is left alone.

  KEYS[1] events  stream  the outbox
  KEYS[2] dead    stream  the dead letters

  ARGV[1] group   the consumer group to which the entry was delivered
  ARGV[2] id      of the entry
  ARGV[3] reason  why it cannot be stored

  Returns 1 moved, 0 not pending any more (nothing written)
  O(log of entries). The dead letter has the fields id, reason and tries, then those of the entry.
]]
local events_key, dead_key = KEYS[1], KEYS[2]
local group, id, reason = ARGV[1], ARGV[2], ARGV[3]
local rcall = redis.call

local pending = rcall('XPENDING', events_key, group, id, id, 1)[1]
if not pending then
  return 0
end
local entry = rcall('XRANGE', events_key, id, id)[1]
rcall('XLEN', dead_key) -- Fails here, before the first write, if this is no stream.
if entry then
  rcall('XADD', dead_key, '*', 'id', id, 'reason', reason, 'tries', pending[4], unpack(entry[2]))
end
rcall('XACK', events_key, group, id)
return 1
