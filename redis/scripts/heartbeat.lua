#!lua
--[[
  A node reports that it lives, and its weight, and reads what it needs to size its local stock.

  KEYS[1] stock       hash  the sale
  KEYS[2] nodes       hash  instance -> "beatMs weight generation"

  ARGV[1] instance    the node process
  ARGV[2] weight      1 to 1000; 0 means that the node leaves
  ARGV[3] generation  number of its connection; raises the fence that hold.lua checks
  ARGV[4] livingMs    a node lives while its last beat is at most this old
  ARGV[5] forgetMs    a node silent for longer is removed; far longer than any reply can be late

  Returns { status, total, held, paid, limit, holdMs, opensAtMs, state, epoch, serial, nowMs,
            livingWeight, livingNodes }
    status  DONE; NO_SALE, STALE_GENERATION (nothing written)
  Errors (nothing written): BADARG ...
  O(nodes of the sale).
]]
-- include: arguments.lua
-- include: status.lua
-- include: time.lua
local stock_key, nodes_key = KEYS[1], KEYS[2]
local instance, weight, generation = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local living_ms, forget_ms = tonumber(ARGV[4]), tonumber(ARGV[5])
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
local info = rcall(
  'HMGET', stock_key, 'total', 'held', 'paid', 'limit', 'holdMs', 'opensAtMs', 'state', 'epoch', 'serial'
)
local now_ms = clock_ms()

local status, living_weight, living_nodes = DONE, 0, 0
local silent = {}
if not info[1] then
  status = NO_SALE
else
  local nodes = rcall('HGETALL', nodes_key)
  for i = 1, #nodes, 2 do
    local beat_ms, its_weight, its_generation = string.match(nodes[i + 1], '^(%d+) (%d+) (%d+)$')
    if nodes[i] == instance then
      if generation < tonumber(its_generation) then
        status = STALE_GENERATION
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
end
if status == DONE then
  for i = 1, #silent do
    rcall('HDEL', nodes_key, silent[i])
  end
  -- A node that leaves stays until it is forgotten, with weight 0: its fence must outlast whatever
  -- of its batches is still on the way.
  rcall('HSET', nodes_key, instance, format('%.0f %d %.0f', now_ms, weight, generation))
  if weight > 0 then
    living_weight = living_weight + weight
    living_nodes = living_nodes + 1
  end
end
return {
  status,
  info[1] or '0', info[2] or '0', info[3] or '0', info[4] or '0', info[5] or '0', info[6] or '0',
  info[7] or '', info[8] or '0', info[9] or '0',
  now_ms, living_weight, living_nodes,
}
