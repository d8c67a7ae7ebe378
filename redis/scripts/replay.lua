#!lua
--[[
  Sends dead letters back to the workers. Repeating it is harmless: one that is gone is skipped.
  The entry of the outbox becomes pending again, as if it had been delivered to a worker that died
  long ago, so that the next worker takes it over; thus the outbox still has each event once.
  An entry that was trimmed meanwhile is added anew.

  KEYS[1] events    stream  the outbox
  KEYS[2] dead      stream  the dead letters

  ARGV[1] group     the consumer group of the workers
  ARGV[2] consumer  a name that no worker has
  ARGV[3...]        ids of dead letters, 1 to 1000

  Returns how many were sent back
  Errors (nothing written): BADARG ...
  O(dead letters).
]]
-- include: arguments.lua
local events_key, dead_key = KEYS[1], KEYS[2]
local group, consumer = ARGV[1], ARGV[2]
local rcall = redis.call
-- Longer than any worker waits before it takes an entry over: a day, in milliseconds.
local idle_ms = 86400000
-- Fields that dead-letter.lua put before those of the entry: id, reason and tries.
local first = 7

if #ARGV < 3 or #ARGV > 1002 then
  return bad_argument('replay: 1 to 1000 ids, got ' .. #ARGV - 2)
end
local letters, known = {}, {}
for i = 3, #ARGV do
  local letter = rcall('XRANGE', dead_key, ARGV[i], ARGV[i])[1]
  if letter and not known[letter[1]] then
    known[letter[1]] = true
    letters[#letters + 1] = letter
  end
end
for i = 1, #letters do
  local id, fields = letters[i][2][2], letters[i][2]
  if #rcall('XRANGE', events_key, id, id) == 1 then
    rcall('XCLAIM', events_key, group, consumer, 0, id, 'IDLE', idle_ms, 'RETRYCOUNT', 0, 'FORCE', 'JUSTID')
  else
    rcall('XADD', events_key, '*', unpack(fields, first))
  end
  rcall('XDEL', dead_key, letters[i][1])
end
return #letters
