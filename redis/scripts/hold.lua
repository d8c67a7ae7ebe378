#!lua
--[[
  Decides a batch of purchase requests, in order, and takes the tickets of those that are sold.
  Safe to send again: a request key that was sold before gets the same order, first of all checks.

  KEYS[1] stock       hash    the sale
  KEYS[2] requests    hash    request key -> order id
  KEYS[3] orders      hash    order id -> record
  KEYS[4] buyers      hash    buyer id -> tickets held or paid; "" counts the nameless
  KEYS[5] deadlines   zset    order id by payBy (ms)
  KEYS[6] events      stream  the outbox
  KEYS[7] nodes       hash    instance -> "beatMs weight generation"

  ARGV[1] instance    the node process that sends the batch
  ARGV[2] generation  number of its connection; a copy sent on an older connection is refused,
                      so that a delayed copy cannot sell what its sender has since called refused
  ARGV[3] fence       1: if anything is replayed, write something, so that a WAIT or WAITAOF after
                      this script covers the replayed order too
  ARGV[4] requests    JSON: [[key, buyer, quantity, token], ...]; buyer "" means none
                      1 to 1000 requests, the order id becomes SALE.SERIAL.TOKEN
  ARGV[5] sale        id of the sale

  Returns { status, left, epoch, nowMs, payByMs, results }
    status   0 decided; -1 no such sale; -2 stale generation. Nothing was written unless 0.
    results  JSON, one item a request:
               n > 0       sold, n is the serial
               [order, record]  replay of a sold request
               -1 sold out, -2 not on sale, -3 limit reached, -6 fewer left than asked for,
               -7 the sale has a limit and the request names no buyer
  Errors (nothing written): BADARG ...
  O(requests); one stream entry a sold request.
]]
local stock_key, requests_key, orders_key = KEYS[1], KEYS[2], KEYS[3]
local buyers_key, deadlines_key, events_key, nodes_key = KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local instance, generation, fence = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local sale = ARGV[5]
local rcall, format = redis.call, string.format

-- Validate everything before the first write: a script that fails half way is not rolled back.
local parsed, requests = pcall(cjson.decode, ARGV[4])
if not parsed or type(requests) ~= 'table' or not generation then
  return redis.error_reply('BADARG hold: generation or requests cannot be read')
end
local count = #requests
if count < 1 or count > 1000 then
  return redis.error_reply('BADARG hold: 1 to 1000 requests in a batch, got ' .. count)
end
local request_keys = {}
for i = 1, count do
  local request = requests[i]
  local quantity = type(request) == 'table' and request[3]
  if
    type(quantity) ~= 'number'
    or quantity < 1
    or quantity % 1 ~= 0
    or type(request[1]) ~= 'string'
    or type(request[2]) ~= 'string'
    or type(request[4]) ~= 'string'
  then
    return redis.error_reply('BADARG hold: request ' .. i .. ' is not [key, buyer, quantity, token]')
  end
  request_keys[i] = request[1]
end

local info = rcall(
  'HMGET', stock_key, 'total', 'held', 'paid', 'limit', 'holdMs', 'opensAtMs', 'state', 'epoch', 'serial'
)
if not info[1] then
  return { -1, 0, 0, 0, 0, '[]' }
end
local total, held, paid = tonumber(info[1]), tonumber(info[2]), tonumber(info[3])
local limit, hold_ms, opens_at_ms = tonumber(info[4]), tonumber(info[5]), tonumber(info[6])
local state, epoch, serial = info[7], tonumber(info[8]), tonumber(info[9])
local left = total - held - paid
assert(left >= 0 and held >= 0, 'the sale is oversold')

local beat_ms, weight, newest = 0, 0, -1
local node = rcall('HGET', nodes_key, instance)
if node then
  beat_ms, weight, newest = string.match(node, '^(%d+) (%d+) (%d+)$')
  newest = tonumber(newest)
end
if generation < newest then
  return { -2, left, epoch, 0, 0, '[]' }
end

local time = rcall('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local pay_by_ms = now_ms + hold_ms
local pay_by = format('%.0f', pay_by_ms)
local open = state == 'open' or (state == 'scheduled' and opens_at_ms > 0 and now_ms >= opens_at_ms)

local known = rcall('HMGET', requests_key, unpack(request_keys))
local sold_here = {}
local results, replayed = {}, false
local new_requests, new_orders, new_deadlines, new_counts = {}, {}, {}, {}
local held_before = held

local function decide(key, buyer, quantity, token)
  if not open then
    return -2
  end
  if left == 0 then
    return -1
  end
  if quantity > left then
    return -6
  end
  if limit > 0 and buyer == '' then
    return -7
  end
  local has = new_counts[buyer] or tonumber(rcall('HGET', buyers_key, buyer) or 0)
  if limit > 0 and has + quantity > limit then
    return -3
  end
  new_counts[buyer] = has + quantity
  serial = serial + 1
  left = left - quantity
  held = held + quantity
  local order = format('%s.%d.%s', sale, serial, token)
  -- Tabs separate, since keys and buyers are printable ASCII. order-record.ts reads this.
  local record = format('held\t%d\t%d\t%.0f\t%s\t%s\t%s', serial, quantity, now_ms, pay_by, buyer, key)
  local n = #new_requests
  new_requests[n + 1], new_requests[n + 2] = key, order
  new_orders[n + 1], new_orders[n + 2] = order, record
  new_deadlines[n + 1], new_deadlines[n + 2] = pay_by, order
  sold_here[key] = { order, record }
  return serial
end

for i = 1, count do
  local request = requests[i]
  local key = request[1]
  if known[i] then
    replayed = true
    results[i] = { known[i], rcall('HGET', orders_key, known[i]) }
  elseif sold_here[key] then
    results[i] = sold_here[key]
  else
    results[i] = decide(key, request[2], request[3], request[4])
  end
end

if generation > newest then
  rcall('HSET', nodes_key, instance, format('%s %s %d', beat_ms, weight, generation))
elseif replayed and fence and held == held_before then
  rcall('HSET', stock_key, 'fencedAtMs', format('%.0f', now_ms))
end
if held > held_before then
  assert(held + paid <= total, 'the batch would oversell')
  rcall('HSET', stock_key, 'held', held, 'serial', serial)
  rcall('HSET', requests_key, unpack(new_requests))
  rcall('HSET', orders_key, unpack(new_orders))
  rcall('ZADD', deadlines_key, unpack(new_deadlines))
  for buyer, tickets in pairs(new_counts) do
    rcall('HSET', buyers_key, buyer, tickets)
  end
  for i = 1, #new_orders, 2 do
    rcall('XADD', events_key, '*', 'event', 'held', 'order', new_orders[i], 'record', new_orders[i + 1])
  end
end
return { 0, left, epoch, now_ms, pay_by_ms, cjson.encode(results) }
