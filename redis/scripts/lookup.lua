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
    status   0; -1 no such sale
    results  JSON, one item a key: the record, or 0 where the key has no order
  Errors (nothing written): BADARG ...
  O(keys).
]]
local stock_key, requests_key, orders_key = KEYS[1], KEYS[2], KEYS[3]
local fence = ARGV[1] == '1'
local rcall, format = redis.call, string.format

local parsed, keys = pcall(cjson.decode, ARGV[2])
if not parsed or type(keys) ~= 'table' or #keys < 1 or #keys > 1000 then
  return redis.error_reply('BADARG lookup: 1 to 1000 keys as a JSON array')
end
for i = 1, #keys do
  if type(keys[i]) ~= 'string' then
    return redis.error_reply('BADARG lookup: key ' .. i .. ' is not a string')
  end
end
if rcall('EXISTS', stock_key) == 0 then
  return { -1, '[]' }
end
local serials = rcall('HMGET', requests_key, unpack(keys))
local results, found = {}, false
for i = 1, #keys do
  if serials[i] then
    found = true
    results[i] = rcall('HGET', orders_key, serials[i])
  else
    results[i] = 0
  end
end
if found and fence then
  local time = rcall('TIME')
  rcall('HSET', stock_key, 'fencedAtMs', format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)))
end
return { 0, cjson.encode(results) }
