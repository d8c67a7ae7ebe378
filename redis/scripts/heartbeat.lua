#!lua
--[[
  A node reports that it lives, and its weight, once for all sales; and reads who else lives, and
  whether it has to read its sales again.

  KEYS[1] nodes    hash     instance -> "beatMs weight generation release"
  KEYS[2] changed  counter  see lib/changed.lua

  ARGV[1] instance    the node process
  ARGV[2] weight      1 to 1000; 0 means that the node leaves
  ARGV[3] generation  number of its connection; raises the fence that hold.lua checks
  ARGV[4] livingMs    a node lives while its last beat is at most this old
  ARGV[5] forgetMs    a node silent for longer is removed; far longer than any reply can be late
  ARGV[6] release     which build the node is: 1 to 64 of letters, digits and . _ + -

  Returns { status, nowMs, changed, livingWeight, livingNodes }
    status   DONE; STALE_GENERATION (nothing written)
    changed  another number than at the last beat: the definition of a sale changed, or an epoch
             began; 0 where nothing ever changed
  Errors (nothing written): BADARG ...
  O(nodes).
]]
-- include: arguments.lua
-- include: status.lua
-- include: time.lua
local nodes_key, changed_key = KEYS[1], KEYS[2]
local instance, weight, generation = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local living_ms, forget_ms, release = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local rcall, format = redis.call, string.format

if
  not (
    whole(weight, 0, 1000)
    and whole(generation, 0, 1e15)
    and whole(living_ms, 0, 1e15)
    and whole(forget_ms, 0, 1e15)
  )
then
  return bad_argument('heartbeat: weight, generation, livingMs or forgetMs is out of range')
end
if #release > 64 or not string.find(release, '^[%w._+-]+$') then
  return bad_argument('heartbeat: release is 1 to 64 of letters, digits and . _ + -')
end
local changed = tonumber(rcall('GET', changed_key) or 0)
local now_ms = clock_ms()

local living_weight, living_nodes = 0, 0
local silent = {}
local nodes = rcall('HGETALL', nodes_key)
for i = 1, #nodes, 2 do
  local beat_ms, its_weight, its_generation = string.match(nodes[i + 1], '^(%d+) (%d+) (%d+)')
  if nodes[i] == instance then
    if generation < tonumber(its_generation) then
      return { STALE_GENERATION, now_ms, changed, 0, 0 }
    end
  elseif now_ms - tonumber(beat_ms) <= living_ms then
    if its_weight ~= '0' then
      living_weight = living_weight + tonumber(its_weight)
      living_nodes = living_nodes + 1
    end
  elseif now_ms - tonumber(beat_ms) > forget_ms then
    silent[#silent + 1] = nodes[i]
  end
end
for i = 1, #silent do
  rcall('HDEL', nodes_key, silent[i])
end
-- A node that leaves stays until it is forgotten, with weight 0: its fence must outlast whatever
-- of its batches is still on the way.
rcall('HSET', nodes_key, instance, format('%.0f %d %.0f %s', now_ms, weight, generation, release))
if weight > 0 then
  living_weight = living_weight + weight
  living_nodes = living_nodes + 1
end
return { DONE, now_ms, changed, living_weight, living_nodes }
