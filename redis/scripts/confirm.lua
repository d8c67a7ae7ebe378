#!lua
--[[
  Confirms orders as paid. Repeating it is harmless: an order that is paid stays as it is.
  A late payment revives a released order for as long as there is stock for it.

  KEYS[1] stock    hash    the sale
  KEYS[2] orders   hash    serial -> record
  KEYS[3] buyers   hash    buyer id -> tickets held or paid
  KEYS[4] events   stream  the outbox

  ARGV[1] fence    1: if nothing else is written, write something, so that a WAIT or WAITAOF after
                   this script covers what it repeats
  ARGV[2] orders   JSON: [serial, token, serial, token, ...], 1 to 1000 orders

  Returns { status, left, epoch, results }
    status   0; -1 no such sale (nothing written)
    results  JSON, one item an order:
               record  it is paid
               -1 no such order, -2 released and nothing left for it: refund
  Errors (nothing written): BADARG ...
  O(orders); one stream entry an order that changed: paid = record.
]]
local stock_key, orders_key, buyers_key, events_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local fence = ARGV[1] == '1'
local rcall, format = redis.call, string.format

local parsed, orders = pcall(cjson.decode, ARGV[2])
if not parsed or type(orders) ~= 'table' or #orders < 2 or #orders > 2000 or #orders % 2 ~= 0 then
  return redis.error_reply('BADARG confirm: 1 to 1000 orders of serial and token')
end
local serials = {}
for i = 1, #orders, 2 do
  if type(orders[i]) ~= 'number' or orders[i] % 1 ~= 0 or type(orders[i + 1]) ~= 'string' then
    return redis.error_reply('BADARG confirm: order ' .. (i + 1) / 2 .. ' is not serial and token')
  end
  serials[(i + 1) / 2] = format('%.0f', orders[i])
end

local info = rcall('HMGET', stock_key, 'total', 'held', 'paid', 'epoch')
if not info[1] then
  return { -1, 0, 0, '[]' }
end
local total, held, paid, epoch = tonumber(info[1]), tonumber(info[2]), tonumber(info[3]), tonumber(info[4])
local left = total - held - paid
assert(left >= 0 and held >= 0 and paid >= 0, 'the sale is oversold')
local time = rcall('TIME')
local now_ms = format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
-- These fail here, before the first write, if a key is of another type.
rcall('HLEN', buyers_key)
rcall('XLEN', events_key)

local records = rcall('HMGET', orders_key, unpack(serials))
local changed_here, results, changed, revived = {}, {}, {}, {}
for i = 1, #serials do
  local serial = serials[i]
  local record = changed_here[serial] or records[i]
  local state, core, quantity, token, buyer, rest
  if record then
    state, core, quantity, token, buyer, rest =
      string.match(record, '^(%a+)\t(%d+\t(%d+)\t%d+\t%d+\t(%x+)\t([^\t]*)\t[^\t]*)(.*)$')
  end
  if not state or token ~= orders[i * 2] then
    results[i] = -1
  elseif state == 'paid' then
    results[i] = record
  elseif state == 'released' and tonumber(quantity) > left then
    results[i] = -2
  else
    local revision = tonumber(string.match(rest, '^\t(%d+)') or 1) + 1
    quantity = tonumber(quantity)
    local cause = 'paid'
    if state == 'held' then
      held = held - quantity
    else
      cause = 'revived'
      left = left - quantity
      revived[buyer] = (revived[buyer] or 0) + quantity
    end
    paid = paid + quantity
    record = 'paid\t' .. core .. '\t' .. revision .. '\t' .. now_ms .. '\t' .. cause
    changed_here[serial] = record
    changed[#changed + 1] = serial
    changed[#changed + 1] = record
    results[i] = record
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
  rcall('HSET', stock_key, 'fencedAtMs', now_ms)
end
return { 0, left, epoch, cjson.encode(results) }
