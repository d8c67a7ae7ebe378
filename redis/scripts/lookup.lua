#!lua
--[[
  What became of requests: the order of each request key, if it was ever sold.

  KEYS[1] stock     hash  the sale
  KEYS[2] requests  hash  request key -> serial
  KEYS[3] orders    hash  serial -> record

  ARGV[1] fence     1: if anything is found, write something, so that a WAIT or WAITAOF after this
                    script covers the orders that it names
  ARGV[2] keys      JSON: [key, ...], 1 to 1000

  Returns { status, results }
    status   DONE; NO_SALE
    results  JSON, one item a key: the record, or NO_ORDER
  Errors (nothing written): BADARG ...
  O(keys).
]]
-- include: arguments.lua
-- include: status.lua
-- include: time.lua
local stock_key, requests_key, orders_key = KEYS[1], KEYS[2], KEYS[3]
local fence = ARGV[1] == '1'
local rcall = redis.call

local parsed, keys = pcall(cjson.decode, ARGV[2])
if not parsed or type(keys) ~= 'table' or #keys < 1 or #keys > 1000 then
  return bad_argument('lookup: 1 to 1000 keys as a JSON array')
end
for i = 1, #keys do
  if type(keys[i]) ~= 'string' then
    return bad_argument('lookup: key ' .. i .. ' is not a string')
  end
end
if rcall('EXISTS', stock_key) == 0 then
  return { NO_SALE, '[]' }
end
local serials = rcall('HMGET', requests_key, unpack(keys))
local results, found = {}, false
for i = 1, #keys do
  if serials[i] then
    found = true
    results[i] = rcall('HGET', orders_key, serials[i])
  else
    results[i] = NO_ORDER
  end
end
if found and fence then
  rcall('HSET', stock_key, 'fencedAtMs', string.format('%.0f', clock_ms()))
end
return { DONE, cjson.encode(results) }
