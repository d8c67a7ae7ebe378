#!lua
--[[
  Forgets the oldest entries of the outbox: only those that every group has acknowledged, only as far
  as enough records stay, and none whose batch has held orders, since they are found by it.

  KEYS[1] stock    hash    the sale
  KEYS[2] events   stream  the outbox
  KEYS[3] batches  hash    ref -> what the records of one batch have in common

  ARGV[1] keep    records that stay in any case, at least 1
  ARGV[2] most    no further entry is looked at once so many records were, 1 to 10000

  Returns { forgotten, pinned }
    forgotten  how many entries went
    pinned     1 if a batch with held orders keeps what is left
  Errors (nothing written): BADARG ...
  O(most). Without a group nothing is known to be stored, so nothing is forgotten.
]]
-- include: arguments.lua
local stock_key, events_key, batches_key = KEYS[1], KEYS[2], KEYS[3]
local keep, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local rcall = redis.call
-- Entries read at a time: they may be long.
local PAGE = 32

if not whole(keep, 1, 1e15) or not whole(most, 1, 10000) then
  return bad_argument('trim-events: keep is at least 1, most from 1 to 10000')
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
for _, info in ipairs(rcall('EXISTS', events_key) == 1 and rcall('XINFO', 'GROUPS', events_key) or {}) do
  local group, delivered = nil, nil
  for i = 1, #info, 2 do
    if info[i] == 'name' then
      group = info[i + 1]
    elseif info[i] == 'last-delivered-id' then
      delivered = info[i + 1]
    end
  end
  local needed = rcall('XPENDING', events_key, group)[2] or delivered
  if not stored or is_before(needed, stored) then
    stored = needed
  end
end
if not stored then
  return { 0, 0 }
end

-- An entry may go if so many records have come after it that enough stay without it.
local last_count = tonumber(rcall('HGET', stock_key, 'records') or 0) - keep
local bound, pinned, count, first_count = nil, 0, 0, nil
local from = '-'
while not bound do
  local page = rcall('XRANGE', events_key, from, stored, 'COUNT', PAGE)
  for _, entry in ipairs(page) do
    local id, fields = entry[1], entry[2]
    -- One that nobody can read counts for nothing.
    local counted = fields[1] == 'n' and tonumber(fields[2])
    count, first_count = counted or count, first_count or counted
    local looked_at = count - (first_count or count)
    local ref = string.match(fields[4] or '', '^([^\t\n]+)\t[^\n]*\n')
    local lives = ref and fields[3] == 'orders' and rcall('HEXISTS', batches_key, ref) == 1
    if id == stored or not is_before(id, stored) or count > last_count or looked_at > most or lives then
      pinned = lives and 1 or 0
      bound = id
      break
    end
    from = '(' .. id
  end
  if #page < PAGE then
    bound = bound or stored
  end
end
return { rcall('XTRIM', events_key, 'MINID', '=', bound), pinned }
