#!lua
--[[
  Decides a batch of purchase requests, in order, and takes the tickets of those that are sold.
  Safe to send again: a token that has an order gets it, first of all checks.

  KEYS[1] stock      hash    the sale
  KEYS[2] orders     hash    token -> record (lib/record.lua)
  KEYS[3] batches    hash    ref -> what the records of one batch have in common
  KEYS[4] buyers     hash    buyer id -> tickets held or paid, where the sale has a limit
  KEYS[5] deadlines  zset    "b" + ref, or "o" + token of an order without a batch, by payBy (ms)
  KEYS[6] events     stream  the outbox
  KEYS[7] nodes      hash    process -> "beatMs weight generation ..."

  ARGV[1] instance    the process that sends the batch
  ARGV[2] generation  number of its connection; a copy sent on an older connection is refused,
                      so that a delayed copy cannot sell what its sender has since called refused
  ARGV[3] fence       1: if anything is replayed, write something, so that a WAIT or WAITAOF after
                      this script covers the replayed order too
  ARGV[4] secretId    names the secret that the tokens are made with
  ARGV[5] ref         names the batch among all of the sale; the same when it is sent again
  ARGV[6...]          token, record, token, record, ...: 1 to 1000 requests, no token twice; records
                      of the short form, with places from 0 and this ref

  Returns { status, left, epoch, state, limit, opensAtMs, payByMs, first, rest }
    status   DONE, decided; NO_SALE, STALE_GENERATION, WRONG_SECRET (nothing written)
    first    serial of place 0; a request that is not in `rest` is sold, its serial is first + place
    rest     JSON: [place, result, place, result, ...]
               record  replay of a sold request, in its full form; UNREADABLE, it has a record, and
               nobody can tell what it says
               SOLD_OUT; NOT_ON_SALE; LIMIT_REACHED; FEWER_LEFT than asked for; BUYER_MISSING, the
               sale has a limit and the request names no buyer
  Errors (nothing written): BADARG ...
  O(requests); one stream entry. Records are stored as they were sent, without work for each, but
  where fewer than SMALL were sold, or the ref is known: those are written in their full form, so
  that few orders are not kept by the row of a batch.
]]
-- include: arguments.lua
-- include: entry.lua
-- include: record.lua
-- include: status.lua
-- include: time.lua
local stock_key, orders_key, batches_key = KEYS[1], KEYS[2], KEYS[3]
local buyers_key, deadlines_key, events_key, nodes_key = KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local instance, generation, fence = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local secret_id, ref = ARGV[4], ARGV[5]
local rcall, format = redis.call, string.format
local match, find, sub = string.match, string.find, string.sub
local SMALL = 4

-- Validate everything before the first write: a script that fails half way is not rolled back.
if not whole(generation, 0, 1e15) then
  return bad_argument('hold: generation is a whole number')
end
if #ref > 64 or not match(ref, '^[%w_.-]+$') then
  return bad_argument('hold: ref is 1 to 64 letters, digits and _ . -')
end
local count = (#ARGV - 5) / 2
if count < 1 or count > 1000 or count % 1 ~= 0 then
  return bad_argument('hold: 1 to 1000 requests of token and record, got ' .. count)
end

local info = rcall(
  'HMGET', stock_key, 'total', 'held', 'paid', 'limit', 'holdMs', 'opensAtMs', 'state', 'epoch', 'serial',
  'secretId', 'records'
)
if not info[1] then
  return { NO_SALE, 0, 0, '', '0', '0', 0, 0, '[]' }
end
local total, held, paid = tonumber(info[1]), tonumber(info[2]), tonumber(info[3])
local limit, hold_ms, opens_at_ms = tonumber(info[4]), tonumber(info[5]), tonumber(info[6])
local state, epoch, serial = info[7], tonumber(info[8]), tonumber(info[9])
local left = total - held - paid
assert(left >= 0 and held >= 0, 'the sale is oversold')
if info[10] ~= secret_id then
  return { WRONG_SECRET, left, epoch, state, info[4], info[6], 0, 0, '[]' }
end

local _, weight, newest, about = match(rcall('HGET', nodes_key, instance) or '', '^(%d+) (%d+) (%d+)(.*)$')
newest = tonumber(newest or '-1')
if generation < newest then
  return { STALE_GENERATION, left, epoch, state, info[4], info[6], 0, 0, '[]' }
end

-- Each record is of this batch and of its place. Nobody could read one with anything else in it, and a
-- newline would be another line of the entry, so all of it is matched.
local form = '^(%d+)\t([1-9]%d*)\t()[ -~]*()\t' .. string.gsub(ref, '[.-]', '%%%0') .. '\t()[%w_-]+()$'
local tokens, quantities, buyers, seen = {}, {}, {}, {}
for i = 1, count do
  local token, record = ARGV[4 + 2 * i], ARGV[5 + 2 * i]
  local place, tickets, buyer, buyer_end, hash, hash_end = match(record, form)
  if
    tonumber(place) ~= i - 1
    or buyer_end - buyer > 128
    or hash_end - hash ~= 11
    or seen[token]
    or #token ~= 22
    or find(token, '[^%w_-]')
  then
    return bad_argument('hold: request ' .. i .. ' is not a new token and its record')
  end
  seen[token] = true
  tokens[i], quantities[i] = token, tonumber(tickets)
  if limit > 0 then
    buyers[i] = sub(record, buyer, buyer_end - 1)
  end
end

local now_ms = clock_ms()
local pay_by_ms = now_ms + hold_ms
local open = state == 'open' or (state == 'scheduled' and opens_at_ms > 0 and now_ms >= opens_at_ms)
local known = rcall('HMGET', orders_key, unpack(tokens))

-- What the buyers of a sale with a limit have by now: asked for once each.
local has, asked = {}, {}
if limit > 0 and open and left > 0 then
  for i = 1, count do
    local buyer = buyers[i]
    if not known[i] and buyer ~= '' and not has[buyer] then
      asked[#asked + 1] = buyer
      has[buyer] = 0
    end
  end
  local found = #asked > 0 and rcall('HMGET', buyers_key, unpack(asked)) or {}
  for i = 1, #asked do
    has[asked[i]] = tonumber(found[i] or 0)
  end
end

-- Places of what is sold, from 1.
local sold, sold_count = {}, 0
local rest, replayed, more_tickets = {}, false, {}
for i = 1, count do
  local quantity, buyer = quantities[i], buyers[i]
  local result
  if known[i] then
    replayed = true
    local order = read_record(batches_key, known[i])
    result = order and cjson.encode(write_record(order)) or UNREADABLE
  elseif not open then
    result = NOT_ON_SALE
  elseif left == 0 then
    result = SOLD_OUT
  elseif quantity > left then
    result = FEWER_LEFT
  elseif limit > 0 and buyer == '' then
    result = BUYER_MISSING
  elseif limit > 0 and has[buyer] + quantity > limit then
    result = LIMIT_REACHED
  else
    left = left - quantity
    held = held + quantity
    sold_count = sold_count + 1
    sold[sold_count] = i
    if limit > 0 then
      has[buyer] = has[buyer] + quantity
      more_tickets[buyer] = true
    end
  end
  if result then
    rest[#rest + 1] = i - 1
    rest[#rest + 1] = result
  end
end

local first, is_batch = serial + 1, false
if sold_count > 0 then
  -- These fail here, before the first write, if a key is of another type; the others were read.
  is_batch = rcall('HEXISTS', batches_key, ref) == 0 and sold_count >= SMALL
  rcall('ZCARD', deadlines_key)
  rcall('XLEN', events_key)
  rcall('HLEN', buyers_key)
end
if generation > newest then
  -- Dated now, else another node's heartbeat would forget this one, and the fence with it.
  rcall('HSET', nodes_key, instance, format('%.0f %s %.0f%s', now_ms, weight or 0, generation, about or ''))
elseif replayed and fence and sold_count == 0 then
  rcall('HSET', stock_key, 'fencedAtMs', format('%.0f', now_ms))
end
if sold_count > 0 then
  assert(held + paid <= total, 'the batch would oversell')
  local held_at, pay_by = format('%.0f', now_ms), format('%.0f', pay_by_ms)
  -- A request's record in its full form.
  local function full_record(record, its_serial)
    local quantity, buyer, hash = match(record, '^%d+\t(%d+)\t([^\t]*)\t[^\t]+\t(.+)$')
    return write_record({
      state = 'held', serial = its_serial, quantity = quantity, held_at_ms = held_at,
      pay_by_ms = pay_by_ms, buyer = buyer, revision = 1, changed_at_ms = held_at, cause = 'held',
      more = '', hash = hash,
    })
  end
  local records = tonumber(info[11]) + sold_count
  rcall(
    'HSET', stock_key, 'held', format('%.0f', held), 'serial', format('%.0f', serial + sold[sold_count]),
    'records', format('%.0f', records)
  )
  -- As they came, where all of them are sold.
  local lines, from = ARGV, 6
  if not is_batch or sold_count < count then
    lines, from = {}, 1
    for _, i in ipairs(sold) do
      local record = ARGV[5 + 2 * i]
      lines[#lines + 1] = tokens[i]
      lines[#lines + 1] = is_batch and record or full_record(record, serial + i)
    end
  end
  rcall('HSET', orders_key, unpack(lines, from))
  if is_batch then
    local head = format('%s\t%.0f\t%s\t%s', ref, first, held_at, pay_by)
    local entry = add_orders(events_key, records, head, lines, from)
    local batch = {
      entry = entry, first = first, held_at_ms = held_at, pay_by_ms = pay_by, living = sold_count,
    }
    rcall('HSET', batches_key, ref, batch_row(batch))
    rcall('ZADD', deadlines_key, pay_by, 'b' .. ref)
  else
    add_orders(events_key, records, '', lines)
    for i = 1, #lines, 2 do
      rcall('ZADD', deadlines_key, pay_by, 'o' .. lines[i])
    end
  end
  local changed = {}
  for i = 1, #asked do
    local buyer = asked[i]
    if more_tickets[buyer] then
      changed[#changed + 1] = buyer
      changed[#changed + 1] = has[buyer]
    end
  end
  if #changed > 0 then
    rcall('HSET', buyers_key, unpack(changed))
  end
end
return {
  DONE, left, epoch, state, info[4], info[6], pay_by_ms, first, '[' .. table.concat(rest, ',') .. ']',
}
