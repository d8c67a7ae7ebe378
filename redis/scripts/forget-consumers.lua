#!lua
--[[
  Removes consumers of a group that have been silent for long and have nothing pending, in one
  step: between a check and a removal from outside, a consumer could wake up and be handed entries,
  which would be lost with it.

  KEYS[1] events  stream  the outbox

  ARGV[1] group   the consumer group
  ARGV[2] idleMs  a consumer is forgotten when it was silent for so long, at least 1

  Returns how many were forgotten
  Errors (nothing written): BADARG ...
  O(consumers).
]]
-- include: arguments.lua
local events_key = KEYS[1]
local group, idle_ms = ARGV[1], tonumber(ARGV[2])
local rcall = redis.call

if not whole(idle_ms, 1, 1e15) then
  return bad_argument('forget-consumers: idleMs is at least 1')
end
local forgotten = 0
for _, info in ipairs(rcall('XINFO', 'CONSUMERS', events_key, group)) do
  local consumer = {}
  for i = 1, #info, 2 do
    consumer[info[i]] = info[i + 1]
  end
  if consumer.pending == 0 and consumer.idle >= idle_ms then
    rcall('XGROUP', 'DELCONSUMER', events_key, group, consumer.name)
    forgotten = forgotten + 1
  end
end
return forgotten
