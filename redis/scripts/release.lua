#!lua
--[[
  Releases held orders: those named (cancelled, or lapsed), or those that are overdue (lapsed).
  Gives stock and the buyer's count back, once; begins an epoch if nothing was left before.
  Repeating it is harmless: an order that is released stays as it is.

  KEYS[1] stock      hash     the sale
  KEYS[2] orders     hash     token -> record
  KEYS[3] batches    hash     ref -> what the records of one batch have in common
  KEYS[4] buyers     hash     buyer id -> tickets held or paid, where the sale has a limit
  KEYS[5] deadlines  zset     "b" + ref, or "o" + token of an order without a batch, by payBy (ms)
  KEYS[6] events     stream   the outbox
  KEYS[7] changed    counter  see lib/changed.lua

  ARGV[1] cause   cancelled or lapsed
  ARGV[2] fence   1: if nothing else is written, write something, so that a WAIT or WAITAOF after
                  this script covers what it repeats (cancelled only)
  ARGV[3] which   JSON: [serial, token, serial, token, ...], 1 to 1000 orders; lapsed: or a number,
                  no further batch is begun once so many orders were read, 1 to 1000
  ARGV[4] byMs    lapsed: the caller's time; a hold is overdue if it is by the ledger's time and by
                  this one, so that neither clock lapses anything by a jump

  Returns { status, left, epoch, results, released, more, broken }
    status    DONE; NO_SALE (nothing written)
    results   JSON, one item a named order: record it is released, NO_ORDER, UNREADABLE,
              ALREADY_PAID, NOT_DUE (lapsed only); [] if none was named
    released  orders that changed
    more      1 if there may be more that are overdue
    broken    JSON: refs of batches that have held orders which their entry does not name, no
              entry, or no row; they are put off by a minute, and whoever asks is to look for them
  Errors (nothing written): BADARG ...
  O(orders read); one stream entry.
]]
-- include: arguments.lua
-- include: changed.lua
-- include: entry.lua
-- include: order-refs.lua
-- include: record.lua
-- include: status.lua
-- include: stock.lua
-- include: time.lua
local stock_key, orders_key, batches_key, buyers_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local deadlines_key, events_key, changed_key = KEYS[5], KEYS[6], KEYS[7]
local cause, fence, most = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])
local rcall, format = redis.call, string.format
local PUT_OFF_MS = 60000

if cause ~= 'cancelled' and cause ~= 'lapsed' then
  return bad_argument('release: cause is cancelled or lapsed, got ' .. tostring(cause))
end
local now_ms = clock_ms()
local due_ms = now_ms
if cause == 'lapsed' then
  local by_ms = tonumber(ARGV[4])
  if not whole(by_ms, 0, 1e15) then
    return bad_argument('release: byMs is a time in milliseconds')
  end
  due_ms = math.min(now_ms, by_ms)
end
local serials, tokens = {}, {}
local sweeps = cause == 'lapsed' and most ~= nil
if sweeps then
  if not whole(most, 1, 1000) then
    return bad_argument('release: most is from 1 to 1000')
  end
else
  serials, tokens = read_order_refs(ARGV[3])
  if not serials then
    return bad_argument('release: ' .. tokens)
  end
end
local left, held, _, epoch, records = read_stock(stock_key)
if not left then
  return { NO_SALE, 0, 0, '[]', 0, 0, '[]' }
end
local limited = rcall('HGET', stock_key, 'limit') ~= '0'
-- These fail here, before the first write, if a key is of another type.
rcall('HLEN', buyers_key)
rcall('HLEN', batches_key)
rcall('XLEN', events_key)
rcall('GET', changed_key)

-- The tokens of a batch, as its one entry in the outbox names them.
local function tokens_of(entry)
  local found = rcall('XRANGE', events_key, entry, entry)[1]
  local named = {}
  for token in string.gmatch(found and found[2][4] or '', '\n([^\n]+)\n[^\n]+') do
    named[#named + 1] = token
  end
  return named
end

-- Swept orders without a batch, by token; members of the deadlines that are of no use any more.
local alone, gone = {}, {}
local more, swept, rowless = 0, {}, {}
if sweeps then
  local overdue =
    rcall('ZRANGEBYSCORE', deadlines_key, '-inf', format('%.0f', due_ms), 'LIMIT', 0, most)
  for i = 1, #overdue do
    if #tokens >= most then
      more = 1
      break
    end
    local kind, name = string.sub(overdue[i], 1, 1), string.sub(overdue[i], 2)
    if kind == 'o' then
      tokens[#tokens + 1] = name
      alone[name] = true
    else
      local batch = read_batch(batches_key, name)
      if batch then
        swept[#swept + 1] = name
        for _, token in ipairs(tokens_of(batch.entry)) do
          tokens[#tokens + 1] = token
        end
      else
        -- Row and deadline go together, so this is damage: nothing is dropped, somebody is told.
        rowless[#rowless + 1] = name
      end
    end
  end
  if #overdue == most then
    more = 1
  end
else
  rcall('ZCARD', deadlines_key)
end

-- In parts: what a batch names comes on top of `most`, and `unpack` is bounded.
local found = {}
for from = 1, #tokens, 1000 do
  local part = rcall('HMGET', orders_key, unpack(tokens, from, math.min(from + 999, #tokens)))
  for i = 1, #part do
    found[from + i - 1] = part[i]
  end
end
local changed_here, results, changed, given_back, back = {}, {}, {}, {}, 0
for i = 1, #tokens do
  local token = tokens[i]
  local record = changed_here[token] or found[i]
  local order = record and read_record(batches_key, record)
  if alone[token] and not (order and order.state == 'held') then
    gone[#gone + 1] = 'o' .. token
  end
  if record and not order then
    results[i] = UNREADABLE
  elseif not order or (serials[i] and order.serial ~= serials[i]) then
    results[i] = NO_ORDER
  elseif order.state == 'paid' then
    results[i] = ALREADY_PAID
  elseif order.state == 'released' then
    results[i] = record
  elseif cause == 'lapsed' and order.pay_by_ms > due_ms then
    results[i] = NOT_DUE
  else
    local quantity, buyer = order.quantity, order.buyer
    local released = change_record(order, token, cause, now_ms, gone)
    if released then
      back = back + quantity
      given_back[buyer] = (given_back[buyer] or 0) + quantity
      changed_here[token] = released
      changed[#changed + 1] = token
      changed[#changed + 1] = released
    end
    results[i] = released or NO_ORDER
  end
end

if #changed > 0 then
  assert(back <= held, 'more would be released than is held')
  records = records + #changed / 2
  rcall('HSET', stock_key, 'held', format('%.0f', held - back), 'records', format('%.0f', records))
  if left == 0 then
    epoch = begin_epoch(stock_key, changed_key)
  end
  left = left + back
  for from = 1, #changed, 2000 do
    rcall('HSET', orders_key, unpack(changed, from, math.min(from + 1999, #changed)))
  end
  if limited then
    for buyer, tickets in pairs(given_back) do
      if rcall('HINCRBY', buyers_key, buyer, -tickets) == 0 then
        rcall('HDEL', buyers_key, buyer)
      end
    end
  end
  -- An entry has at most a thousand records, so that readers can bound what they take.
  local kept = #changed / 2
  for from = 1, #changed, 2000 do
    local lines = { unpack(changed, from, math.min(from + 1999, #changed)) }
    kept = kept - #lines / 2
    add_orders(events_key, records - kept, '', lines)
  end
elseif fence and not sweeps then
  rcall('HSET', stock_key, 'fencedAtMs', format('%.0f', now_ms))
end
write_batches(batches_key, deadlines_key, gone)
local broken = rowless
for _, ref in ipairs(swept) do
  if batches_read[ref].living > 0 then
    broken[#broken + 1] = ref
  end
end
for _, ref in ipairs(broken) do
  rcall('ZADD', deadlines_key, 'XX', format('%.0f', now_ms + PUT_OFF_MS), 'b' .. ref)
end
return {
  DONE, left, epoch, sweeps and '[]' or cjson.encode(results), #changed / 2, more,
  #broken > 0 and cjson.encode(broken) or '[]',
}
