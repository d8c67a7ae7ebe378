#!lua
--[[
  Decides a batch of purchase requests, in order, and takes the tickets of those that are sold.
  Safe to send again: a request key that was sold before gets the same order, first of all checks.

  KEYS[1] stock       hash    the sale
  KEYS[2] requests    hash    request key -> serial
  KEYS[3] orders      hash    serial -> record
  KEYS[4] buyers      hash    buyer id -> tickets held or paid; "" counts the nameless
  KEYS[5] deadlines   zset    "first-last", the serials of a batch, by payBy (ms)
  KEYS[6] events      stream  the outbox
  KEYS[7] nodes       hash    instance -> "beatMs weight generation ...", see heartbeat.lua

  ARGV[1] instance    the node process that sends the batch
  ARGV[2] generation  number of its connection; a copy sent on an older connection is refused,
                      so that a delayed copy cannot sell what its sender has since called refused
  ARGV[3] fence       1: if anything is replayed, write something, so that a WAIT or WAITAOF after
                      this script covers the replayed order too
  ARGV[4] requests    JSON: [key, buyer, quantity, token, key, buyer, ...]; buyer "" means none;
                      1 to 1000 requests; the order id becomes SALE.SERIAL.TOKEN

  Returns { status, left, epoch, state, limit, opensAtMs, payByMs, results }
    status   DONE, decided; NO_SALE, STALE_GENERATION (nothing written)
    results  JSON, one item a request:
               n > 0   sold, n is the serial
               record  replay of a sold request
               SOLD_OUT; NOT_ON_SALE; LIMIT_REACHED; FEWER_LEFT than asked for; BUYER_MISSING, the
               sale has a limit and the request names no buyer
  Errors (nothing written): BADARG ...
  O(requests); one stream entry a sold request: held = record.
]]
-- include: arguments.lua
-- include: status.lua
-- include: time.lua
local stock_key, requests_key, orders_key = KEYS[1], KEYS[2], KEYS[3]
local buyers_key, deadlines_key, events_key, nodes_key = KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local instance, generation, fence = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local rcall, format = redis.call, string.format

-- Validate everything before the first write: a script that fails half way is not rolled back.
local parsed, requests = pcall(cjson.decode, ARGV[4])
if not parsed or type(requests) ~= 'table' then
  return bad_argument('hold: requests cannot be read')
end
if not whole(generation, 0, 1e15) then
  return bad_argument('hold: generation is a whole number')
end
local count = #requests / 4
if count < 1 or count > 1000 or count % 1 ~= 0 then
  return bad_argument('hold: 1 to 1000 requests of four items, got ' .. count)
end
local request_keys = {}
for i = 1, count do
  local at = i * 4
  local key, buyer, quantity = requests[at - 3], requests[at - 2], requests[at - 1]
  if
    type(key) ~= 'string'
    or type(buyer) ~= 'string'
    or type(quantity) ~= 'number'
    or quantity < 1
    or quantity % 1 ~= 0
    or type(requests[at]) ~= 'string'
  then
    return bad_argument('hold: request ' .. i .. ' is not key, buyer, quantity, token')
  end
  request_keys[i] = key
end

local info = rcall(
  'HMGET', stock_key, 'total', 'held', 'paid', 'limit', 'holdMs', 'opensAtMs', 'state', 'epoch', 'serial'
)
if not info[1] then
  return { NO_SALE, 0, 0, '', '0', '0', 0, '[]' }
end
local total, held, paid = tonumber(info[1]), tonumber(info[2]), tonumber(info[3])
local limit, hold_ms, opens_at_ms = tonumber(info[4]), tonumber(info[5]), tonumber(info[6])
local state, epoch, serial = info[7], tonumber(info[8]), tonumber(info[9])
local left = total - held - paid
assert(left >= 0 and held >= 0, 'the sale is oversold')

local weight, newest, rest = 0, -1, ''
local node = rcall('HGET', nodes_key, instance)
if node then
  -- Weight, generation, and what else a heartbeat left there.
  weight, newest, rest = string.match(node, '^%d+ (%d+) (%d+)(.*)$')
  newest = tonumber(newest)
end
if generation < newest then
  return { STALE_GENERATION, left, epoch, state, info[4], info[6], 0, '[]' }
end

local now_ms = clock_ms()
local pay_by_ms = now_ms + hold_ms
-- Of the record, whose form lib/record.lua describes: put together here, once for each sold request.
local times = format('\t%.0f\t%.0f\t', now_ms, pay_by_ms)
local open = state == 'open' or (state == 'scheduled' and opens_at_ms > 0 and now_ms >= opens_at_ms)

local known = rcall('HMGET', requests_key, unpack(request_keys))
local first = serial + 1
local results, replayed = {}, false
local new_requests, new_orders, sold_here, has_now = {}, {}, {}, {}
local n = 0

for i = 1, count do
  local at = i * 4
  local key, buyer, quantity = request_keys[i], requests[at - 2], requests[at - 1]
  local has = 0
  if open and quantity <= left and not known[i] then
    has = has_now[buyer] or tonumber(rcall('HGET', buyers_key, buyer) or 0)
  end
  if known[i] then
    replayed = true
    results[i] = cjson.encode(rcall('HGET', orders_key, known[i]))
  elseif sold_here[key] then
    results[i] = cjson.encode(sold_here[key])
  elseif not open then
    results[i] = NOT_ON_SALE
  elseif left == 0 then
    results[i] = SOLD_OUT
  elseif quantity > left then
    results[i] = FEWER_LEFT
  elseif limit > 0 and buyer == '' then
    results[i] = BUYER_MISSING
  elseif limit > 0 and has + quantity > limit then
    results[i] = LIMIT_REACHED
  else
    serial = serial + 1
    left = left - quantity
    held = held + quantity
    has_now[buyer] = has + quantity
    -- Made a string once: Lua and Redis would else each write the same digits several times.
    local text = format('%d', serial)
    local tickets = quantity == 1 and '1' or format('%d', quantity)
    local record = 'held\t' .. text .. '\t' .. tickets .. times .. requests[at] .. '\t' .. buyer .. '\t' .. key
    n = n + 2
    new_requests[n - 1], new_requests[n] = key, text
    new_orders[n - 1], new_orders[n] = text, record
    sold_here[key] = record
    results[i] = text
  end
end

if n > 0 then
  -- These fail here, before the first write, if a key is of another type; the others were read.
  rcall('HLEN', orders_key)
  rcall('ZCARD', deadlines_key)
  rcall('XLEN', events_key)
end
if generation > newest then
  -- Dated now, else the heartbeat of another node would forget this one, and the fence with it.
  rcall('HSET', nodes_key, instance, format('%.0f %s %.0f%s', now_ms, weight, generation, rest))
elseif replayed and fence and n == 0 then
  rcall('HSET', stock_key, 'fencedAtMs', format('%.0f', now_ms))
end
if n > 0 then
  assert(held + paid <= total, 'the batch would oversell')
  rcall('HSET', stock_key, 'held', held, 'serial', serial)
  rcall('HSET', requests_key, unpack(new_requests))
  rcall('HSET', orders_key, unpack(new_orders))
  rcall('ZADD', deadlines_key, pay_by_ms, first .. '-' .. serial)
  for buyer, tickets in pairs(has_now) do
    rcall('HSET', buyers_key, buyer, tickets)
  end
  for i = 2, n, 2 do
    rcall('XADD', events_key, '*', 'held', new_orders[i])
  end
end
return { DONE, left, epoch, state, info[4], info[6], pay_by_ms, '[' .. table.concat(results, ',') .. ']' }
