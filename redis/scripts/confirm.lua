#!lua
--[[
  Confirms orders as paid. Repeating it is harmless: an order that is paid stays as it is.
  A late payment revives what has lapsed, for as long as there is stock for it. What was cancelled
  stays released: its buyer has given it back.

  KEYS[1] stock      hash    the sale
  KEYS[2] orders     hash    token -> record
  KEYS[3] batches    hash    ref -> what the records of one batch have in common
  KEYS[4] buyers     hash    buyer id -> tickets held or paid, where the sale has a limit
  KEYS[5] deadlines  zset    "b" + ref, or "o" + token of an order without a batch, by payBy (ms)
  KEYS[6] events     stream  the outbox

  ARGV[1] fence    1: if nothing else is written, write something, so that a WAIT or WAITAOF after
                   this script covers what it repeats
  ARGV[2] orders   JSON: [serial, token, serial, token, ...], 1 to 1000 orders

  Returns { status, left, epoch, results }
    status   DONE; NO_SALE (nothing written)
    results  JSON, one item an order:
               record  it is paid
               NO_ORDER; UNREADABLE, there is one and nobody can tell what it is; REFUND, it is released: cancelled, or nothing is left for it
  Errors (nothing written): BADARG ...
  O(orders); one stream entry.
]]
-- include: arguments.lua
-- include: entry.lua
-- include: order-refs.lua
-- include: record.lua
-- include: status.lua
-- include: stock.lua
-- include: time.lua
local stock_key, orders_key, batches_key = KEYS[1], KEYS[2], KEYS[3]
local buyers_key, deadlines_key, events_key = KEYS[4], KEYS[5], KEYS[6]
local fence = ARGV[1] == '1'
local rcall, format = redis.call, string.format

local serials, tokens = read_order_refs(ARGV[2])
if not serials then
  return bad_argument('confirm: ' .. tokens)
end
local left, held, paid, epoch, records = read_stock(stock_key)
if not left then
  return { NO_SALE, 0, 0, '[]' }
end
local limited = rcall('HGET', stock_key, 'limit') ~= '0'
local now_ms = clock_ms()
-- These fail here, before the first write, if a key is of another type.
rcall('HLEN', buyers_key)
rcall('HLEN', batches_key)
rcall('ZCARD', deadlines_key)
rcall('XLEN', events_key)

local found = rcall('HMGET', orders_key, unpack(tokens))
local changed_here, results, changed, revived, gone = {}, {}, {}, {}, {}
for i = 1, #serials do
  local token = tokens[i]
  local record = changed_here[token] or found[i]
  local order = record and read_record(batches_key, record)
  if record and not order then
    results[i] = UNREADABLE
  elseif not order or order.serial ~= serials[i] then
    results[i] = NO_ORDER
  elseif order.state == 'paid' then
    results[i] = record
  else
    local cause, quantity, buyer = 'paid', order.quantity, order.buyer
    if order.state ~= 'held' then
      cause = 'revived'
    end
    local paid_record = (cause == 'paid' or quantity <= left)
      and change_record(order, token, cause, now_ms, gone)
    if not paid_record then
      results[i] = REFUND
    else
      if cause == 'paid' then
        held = held - quantity
      else
        left = left - quantity
        revived[buyer] = (revived[buyer] or 0) + quantity
      end
      paid = paid + quantity
      changed_here[token] = paid_record
      changed[#changed + 1] = token
      changed[#changed + 1] = paid_record
      results[i] = paid_record
    end
  end
end

if #changed > 0 then
  records = records + #changed / 2
  rcall(
    'HSET', stock_key, 'held', format('%.0f', held), 'paid', format('%.0f', paid), 'records',
    format('%.0f', records)
  )
  rcall('HSET', orders_key, unpack(changed))
  write_batches(batches_key, deadlines_key, gone)
  if limited then
    for buyer, tickets in pairs(revived) do
      rcall('HINCRBY', buyers_key, buyer, tickets)
    end
  end
  add_orders(events_key, records, '', changed)
elseif fence then
  rcall('HSET', stock_key, 'fencedAtMs', format('%.0f', now_ms))
end
return { DONE, left, epoch, cjson.encode(results) }
