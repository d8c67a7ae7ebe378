#!lua
--[[
  Releases held orders: those named (cancelled), or those that are overdue (lapsed).
  Gives stock and the buyer's count back, once; raises the epoch if nothing was left before.
  Repeating it is harmless: an order that is released stays as it is.

  KEYS[1] stock      hash    the sale
  KEYS[2] orders     hash    serial -> record
  KEYS[3] buyers     hash    buyer id -> tickets held or paid
  KEYS[4] deadlines  zset    "first-last", the serials of a batch, by payBy (ms)
  KEYS[5] events     stream  the outbox
  KEYS[6] changed    string  counter, see lib/changed.lua

  ARGV[1] cause      cancelled or lapsed
  ARGV[2] fence      1: if nothing else is written, write something, so that a WAIT or WAITAOF
                     after this script covers what it repeats (cancelled only)
  ARGV[3] cancelled: orders, JSON: [serial, token, serial, token, ...], 1 to 1000 orders
          lapsed:    most, no further batch is begun once so many orders were read, 1 to 1000

  Returns { status, left, epoch, results, released, more }
    status    DONE; NO_SALE (nothing written)
    results   JSON; cancelled: one item an order: record it is released, NO_ORDER, ALREADY_PAID;
              lapsed: []
    released  orders that changed
    more      1 if there may be more that are overdue
  Errors (nothing written): BADARG ...
  O(orders read); one stream entry an order that changed: released = record.
]]
-- include: arguments.lua
-- include: changed.lua
-- include: order-refs.lua
-- include: record.lua
-- include: status.lua
-- include: stock.lua
-- include: time.lua
local stock_key, orders_key, buyers_key = KEYS[1], KEYS[2], KEYS[3]
local deadlines_key, events_key, changed_key = KEYS[4], KEYS[5], KEYS[6]
local cause, fence = ARGV[1], ARGV[2] == '1'
local rcall, format = redis.call, string.format

local serials, tokens, ranges, more = {}, {}, {}, 0
local now_ms = clock_ms()
if cause == 'cancelled' then
  serials, tokens = read_order_refs(ARGV[3])
  if not serials then
    return bad_argument('release: ' .. tokens)
  end
elseif cause == 'lapsed' then
  local most = tonumber(ARGV[3])
  if not whole(most, 1, 1000) then
    return bad_argument('release: most is from 1 to 1000')
  end
  local overdue =
    rcall('ZRANGEBYSCORE', deadlines_key, '-inf', format('%.0f', now_ms), 'LIMIT', 0, most)
  for i = 1, #overdue do
    if #serials >= most then
      more = 1
      break
    end
    local first, last = string.match(overdue[i], '^(%d+)-(%d+)$')
    for serial = tonumber(first), tonumber(last) do
      serials[#serials + 1] = format('%.0f', serial)
    end
    ranges[#ranges + 1] = overdue[i]
  end
  if #overdue == most then
    more = 1
  end
else
  return bad_argument('release: cause is cancelled or lapsed, got ' .. tostring(cause))
end

local left, held, _, epoch = read_stock(stock_key)
if not left then
  return { NO_SALE, 0, 0, '[]', 0, 0 }
end
if #serials == 0 then
  return { DONE, left, epoch, '[]', 0, 0 }
end
-- These fail here, before the first write, if a key is of another type.
rcall('HLEN', buyers_key)
rcall('XLEN', events_key)
rcall('GET', changed_key)

local records = rcall('HMGET', orders_key, unpack(serials))
local changed_here, results, changed, given_back, back = {}, {}, {}, {}, 0
for i = 1, #serials do
  local serial = serials[i]
  local record = changed_here[serial] or records[i]
  local order = record and read_record(record)
  if not order or (tokens[i] and order.token ~= tokens[i]) then
    results[i] = NO_ORDER
  elseif order.state == 'paid' then
    results[i] = ALREADY_PAID
  elseif order.state == 'released' then
    results[i] = record
  elseif cause == 'cancelled' or order.pay_by_ms <= now_ms then
    local released = change_record(order, cause, now_ms)
    if released then
      back = back + order.quantity
      given_back[order.buyer] = (given_back[order.buyer] or 0) + order.quantity
      changed_here[serial] = released
      changed[#changed + 1] = serial
      changed[#changed + 1] = released
    end
    results[i] = released or NO_ORDER
  end
end

if #changed > 0 then
  assert(back <= held, 'more would be released than is held')
  if left == 0 then
    epoch = epoch + 1
    note_change(changed_key)
  end
  left = left + back
  rcall('HSET', stock_key, 'held', held - back, 'epoch', format('%.0f', epoch))
  rcall('HSET', orders_key, unpack(changed))
  for buyer, tickets in pairs(given_back) do
    if rcall('HINCRBY', buyers_key, buyer, -tickets) == 0 then
      rcall('HDEL', buyers_key, buyer)
    end
  end
  for i = 2, #changed, 2 do
    rcall('XADD', events_key, '*', 'released', changed[i])
  end
elseif fence then
  rcall('HSET', stock_key, 'fencedAtMs', format('%.0f', now_ms))
end
if #ranges > 0 then
  rcall('ZREM', deadlines_key, unpack(ranges))
end
return { DONE, left, epoch, cause == 'lapsed' and '[]' or cjson.encode(results), #changed / 2, more }
