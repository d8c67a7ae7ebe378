#!lua
--[[
  Gives up what of an entry no worker can store: notes it down among the dead letters, a record
  each, and acknowledges the entry, whose other records are stored. The entry itself stays in the
  outbox, which is the history of the sale.
  Repeating it is harmless: an entry that is not pending is left alone.

  KEYS[1] events  stream  the outbox
  KEYS[2] dead    stream  the dead letters

  ARGV[1] group   the consumer group to which the entry was delivered
  ARGV[2] id      of the entry
  ARGV[3...]      of each record, 1 to 1000 of them: place in the entry, from 0; reason; token;
                  record. Place -1: the entry as a whole cannot be stored, and token and record are
                  empty.

  Returns how many dead letters there are more; 0: it is not pending any more (nothing written), or
          a whole entry is gone from the outbox (acknowledged)
  Errors (nothing written): BADARG ...
  O(records). A dead letter has the fields entry, place, reason, tries, token, record; and text, the
  fields of a whole entry as JSON.
]]
-- include: arguments.lua
local events_key, dead_key = KEYS[1], KEYS[2]
local group, id = ARGV[1], ARGV[2]
local rcall = redis.call

local count = (#ARGV - 2) / 4
if not whole(count, 1, 1000) then
  return bad_argument('dead-letter: 1 to 1000 records of place, reason, token and record')
end
for i = 3, #ARGV, 4 do
  if not whole(tonumber(ARGV[i]), -1, 999) then
    return bad_argument('dead-letter: a place is a whole number from -1 to 999')
  end
end
local pending = rcall('XPENDING', events_key, group, id, id, 1)[1]
if not pending then
  return 0
end
rcall('XLEN', dead_key) -- Fails here, before the first write, if this is no stream.
local entry, written = rcall('XRANGE', events_key, id, id)[1], 0
for i = 3, #ARGV, 4 do
  local place, reason, token, record = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local letter = { 'entry', id, 'place', place, 'reason', reason, 'tries', pending[4] }
  local what = { 'token', token, 'record', record }
  if place == '-1' and entry then
    what[5], what[6] = 'text', cjson.encode(entry[2])
  end
  if place ~= '-1' or entry then
    for j = 1, #what do
      letter[#letter + 1] = what[j]
    end
    rcall('XADD', dead_key, '*', unpack(letter))
    written = written + 1
  end
end
rcall('XACK', events_key, group, id)
return written
