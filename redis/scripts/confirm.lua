#!lua
--[[
  Confirms orders as paid. Repeating it is harmless: an order that is paid stays as it is.
  A late payment revives what has lapsed, for as long as there is stock for it. What was cancelled
  stays released: its buyer has given it back.

  KEYS[1] stock    hash    the sale
  KEYS[2] orders   hash    serial -> record
  KEYS[3] buyers   hash    buyer id -> tickets held or paid
  KEYS[4] events   stream  the outbox

  ARGV[1] fence    1: if nothing else is written, write something, so that a WAIT or WAITAOF after
                   this script covers what it repeats
  ARGV[2] orders   JSON: [serial, token, serial, token, ...], 1 to 1000 orders

  Returns { status, left, epoch, results }
    status   DONE; NO_SALE (nothing written)
    results  JSON, one item an order:
               record  it is paid
               NO_ORDER; REFUND, it is released: cancelled, or nothing is left for it
  Errors (nothing written): BADARG ...
  O(orders); one stream entry an order that changed: paid = record.
]]
-- include: arguments.lua
-- include: order-refs.lua
-- include: record.lua
-- include: status.lua
-- include: stock.lua
-- include: time.lua
local stock_key, orders_key, buyers_key, events_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local fence = ARGV[1] == '1'
local rcall = redis.call

local serials, tokens = read_order_refs(ARGV[2])
if not serials then
  return bad_argument('confirm: ' .. tokens)
end
local left, held, paid, epoch = read_stock(stock_key)
if not left then
  return { NO_SALE, 0, 0, '[]' }
end
local now_ms = clock_ms()
-- These fail here, before the first write, if a key is of another type.
rcall('HLEN', buyers_key)
rcall('XLEN', events_key)

local records = rcall('HMGET', orders_key, unpack(serials))
local changed_here, results, changed, revived = {}, {}, {}, {}
for i = 1, #serials do
  local serial = serials[i]
  local record = changed_here[serial] or records[i]
  local order = record and read_record(record)
  if not order or order.token ~= tokens[i] then
    results[i] = NO_ORDER
  elseif order.state == 'paid' then
    results[i] = record
  else
    local cause = order.state == 'held' and 'paid' or 'revived'
    local paid_record = change_record(order, cause, now_ms)
    local quantity = order.quantity
    if not paid_record or (cause == 'revived' and quantity > left) then
      results[i] = REFUND
    else
      if cause == 'paid' then
        held = held - quantity
      else
        left = left - quantity
        revived[order.buyer] = (revived[order.buyer] or 0) + quantity
      end
      paid = paid + quantity
      changed_here[serial] = paid_record
      changed[#changed + 1] = serial
      changed[#changed + 1] = paid_record
      results[i] = paid_record
    end
  end
end

if #changed > 0 then
  rcall('HSET', stock_key, 'held', held, 'paid', paid)
  rcall('HSET', orders_key, unpack(changed))
  for buyer, tickets in pairs(revived) do
    rcall('HINCRBY', buyers_key, buyer, tickets)
  end
  for i = 2, #changed, 2 do
    rcall('XADD', events_key, '*', 'paid', changed[i])
  end
elseif fence then
  rcall('HSET', stock_key, 'fencedAtMs', string.format('%.0f', now_ms))
end
return { DONE, left, epoch, cjson.encode(results) }
