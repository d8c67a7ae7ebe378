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

  ARGV[1] cause      cancelled or lapsed
  ARGV[2] fence      1: if nothing else is written, write something, so that a WAIT or WAITAOF
                     after this script covers what it repeats (cancelled only)
  ARGV[3] cancelled: orders, JSON: [serial, token, serial, token, ...], 1 to 1000 orders
          lapsed:    most, no further batch is begun once so many orders were looked at, 1 to 1000

  Returns { status, left, epoch, results, released, more }
    status    0; -1 no such sale (nothing written)
    results   JSON; cancelled: one item an order: record it is released, -1 no such order,
              -3 it is paid; lapsed: []
    released  orders that changed
    more      1 if there may be more that are overdue
  Errors (nothing written): BADARG ...
  O(orders looked at); one stream entry an order that changed: released = record.
]]
local stock_key, orders_key, buyers_key = KEYS[1], KEYS[2], KEYS[3]
local deadlines_key, events_key = KEYS[4], KEYS[5]
local cause, fence = ARGV[1], ARGV[2] == '1'
local rcall, format = redis.call, string.format

local serials, tokens, ranges, more = {}, {}, {}, 0
local time = rcall('TIME')
local now_ms = format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
if cause == 'cancelled' then
  local parsed, orders = pcall(cjson.decode, ARGV[3])
  if not parsed or type(orders) ~= 'table' or #orders < 2 or #orders > 2000 or #orders % 2 ~= 0 then
    return redis.error_reply('BADARG release: 1 to 1000 orders of serial and token')
  end
  for i = 1, #orders, 2 do
    if type(orders[i]) ~= 'number' or orders[i] % 1 ~= 0 or type(orders[i + 1]) ~= 'string' then
      return redis.error_reply('BADARG release: order ' .. (i + 1) / 2 .. ' is not serial and token')
    end
    serials[#serials + 1] = format('%.0f', orders[i])
    tokens[#serials] = orders[i + 1]
  end
elseif cause == 'lapsed' then
  local most = tonumber(ARGV[3])
  if not most or most < 1 or most > 1000 or most % 1 ~= 0 then
    return redis.error_reply('BADARG release: most is from 1 to 1000')
  end
  local overdue = rcall('ZRANGEBYSCORE', deadlines_key, '-inf', now_ms, 'LIMIT', 0, most)
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
  return redis.error_reply('BADARG release: cause is cancelled or lapsed, got ' .. tostring(cause))
end

local info = rcall('HMGET', stock_key, 'total', 'held', 'paid', 'epoch')
if not info[1] then
  return { -1, 0, 0, '[]', 0, 0 }
end
local total, held, paid, epoch = tonumber(info[1]), tonumber(info[2]), tonumber(info[3]), tonumber(info[4])
local left = total - held - paid
assert(left >= 0 and held >= 0 and paid >= 0, 'the sale is oversold')
if #serials == 0 then
  return { 0, left, epoch, '[]', 0, 0 }
end
-- These fail here, before the first write, if a key is of another type.
rcall('HLEN', buyers_key)
rcall('XLEN', events_key)

local records = rcall('HMGET', orders_key, unpack(serials))
local changed_here, results, changed, given_back, back = {}, {}, {}, {}, 0
for i = 1, #serials do
  local serial = serials[i]
  local record = changed_here[serial] or records[i]
  local state, core, quantity, pay_by, token, buyer
  if record then
    state, core, quantity, pay_by, token, buyer =
      string.match(record, '^(%a+)\t(%d+\t(%d+)\t%d+\t(%d+)\t(%x+)\t([^\t]*)\t[^\t]*)')
  end
  local due = cause == 'cancelled' or (pay_by and tonumber(pay_by) <= tonumber(now_ms))
  if not state or (tokens[i] and token ~= tokens[i]) then
    results[i] = -1
  elseif state == 'paid' then
    results[i] = -3
  elseif state == 'released' then
    results[i] = record
  elseif due then
    quantity = tonumber(quantity)
    -- A held order was never changed, so this is its second revision.
    record = 'released\t' .. core .. '\t2\t' .. now_ms .. '\t' .. cause
    back = back + quantity
    given_back[buyer] = (given_back[buyer] or 0) + quantity
    changed_here[serial] = record
    changed[#changed + 1] = serial
    changed[#changed + 1] = record
    results[i] = record
  end
end

if #changed > 0 then
  assert(back <= held, 'more would be released than is held')
  if left == 0 then
    epoch = epoch + 1
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
  rcall('HSET', stock_key, 'fencedAtMs', now_ms)
end
if #ranges > 0 then
  rcall('ZREM', deadlines_key, unpack(ranges))
end
return { 0, left, epoch, cause == 'lapsed' and '[]' or cjson.encode(results), #changed / 2, more }
