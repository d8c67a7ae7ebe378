#!lua
--[[
  Forgets the oldest entries of the outbox: only those that every group has acknowledged, and only
  as far as enough of them stay.

  KEYS[1] events  stream  the outbox

  ARGV[1] keep    entries that stay in any case, at least 1
  ARGV[2] most    entries forgotten at a time, 1 to 10000

  Returns how many were forgotten
  Errors (nothing written): BADARG ...
  O(most). Without a group nothing is known to be stored, so nothing is forgotten.
]]
-- include: arguments.lua
local events_key = KEYS[1]
local keep, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local rcall = redis.call

if not whole(keep, 1, 1e15) or not whole(most, 1, 10000) then
  return bad_argument('trim-events: keep is at least 1, most from 1 to 10000')
end
local surplus = math.min(rcall('XLEN', events_key) - keep, most)
if surplus <= 0 then
  return 0
end

local function is_before(a, b)
  local a_ms, a_n = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_n = string.match(b, '^(%d+)-(%d+)$')
  a_ms, b_ms = tonumber(a_ms), tonumber(b_ms)
  return a_ms < b_ms or (a_ms == b_ms and tonumber(a_n) < tonumber(b_n))
end

-- Everything before the oldest entry that some group still needs. The last one delivered may go
-- too, but to keep it is simpler than to name the id after it.
local stored = nil
for _, info in ipairs(rcall('XINFO', 'GROUPS', events_key)) do
  local group, delivered = nil, nil
  for i = 1, #info, 2 do
    if info[i] == 'name' then
      group = info[i + 1]
    elseif info[i] == 'last-delivered-id' then
      delivered = info[i + 1]
    end
  end
  local pending = rcall('XPENDING', events_key, group)[2]
  local needed = pending or delivered
  if not stored or is_before(needed, stored) then
    stored = needed
  end
end
if not stored then
  return 0
end
local oldest = rcall('XRANGE', events_key, '-', '+', 'COUNT', surplus + 1)
local bound = oldest[surplus + 1][1]
if is_before(stored, bound) then
  bound = stored
end
return rcall('XTRIM', events_key, 'MINID', '=', bound)
