#!lua
--[[
  Sends dead letters back to the workers: each becomes an entry of the outbox, which names the
  letter, and the letter is gone. Repeating it is harmless: one that is gone is skipped.

  KEYS[1] events  stream  the outbox
  KEYS[2] dead    stream  the dead letters
  KEYS[3] stock   hash    the sale: `records` counts those that the outbox has had

  ARGV[1...]      ids of dead letters, 1 to 1000

  Returns how many were sent back; NO_SALE (nothing written)
  Errors (nothing written): BADARG ...
  O(dead letters). A record comes back alone, in its full form, and counts as one more. A whole
  entry comes back with the fields that it had, and counts as none, since nobody could tell what
  it has.
]]
-- include: arguments.lua
-- include: status.lua
local events_key, dead_key, stock_key = KEYS[1], KEYS[2], KEYS[3]
local rcall = redis.call

if #ARGV < 1 or #ARGV > 1000 then
  return bad_argument('replay: 1 to 1000 ids, got ' .. #ARGV)
end
local records = rcall('HMGET', stock_key, 'total', 'records')
if not records[1] then
  return NO_SALE
end
records = tonumber(records[2] or 0)
rcall('XLEN', events_key) -- Fails here, before the first write, if this is no stream.

local letters, known = {}, {}
for i = 1, #ARGV do
  local letter = rcall('XRANGE', dead_key, ARGV[i], ARGV[i])[1]
  if letter and not known[letter[1]] then
    known[letter[1]] = true
    local fields, names = {}, letter[2]
    for j = 1, #names, 2 do
      fields[names[j]] = names[j + 1]
    end
    local entry
    if fields.place == '-1' then
      entry = cjson.decode(fields.text)
      -- It was sent back before: it names the letter that it is now.
      if entry[#entry - 1] == 'letter' then
        entry[#entry], entry[#entry - 1] = nil, nil
      end
      if entry[1] == 'n' then
        entry[2] = string.format('%.0f', records)
      end
    else
      records = records + 1
      local text = '\n' .. fields.token .. '\n' .. fields.record
      entry = { 'n', string.format('%.0f', records), 'orders', text }
    end
    entry[#entry + 1], entry[#entry + 2] = 'letter', letter[1]
    letters[#letters + 1] = { letter[1], entry }
  end
end
if #letters > 0 then
  rcall('HSET', stock_key, 'records', string.format('%.0f', records))
end
for i = 1, #letters do
  rcall('XADD', events_key, '*', unpack(letters[i][2]))
  rcall('XDEL', dead_key, letters[i][1])
end
return #letters
