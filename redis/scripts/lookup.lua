#!lua
--[[
  What became of requests: the order of each token, if it was ever sold.

  KEYS[1] stock    hash  the sale
  KEYS[2] orders   hash  token -> record
  KEYS[3] batches  hash  ref -> what the records of one batch have in common

  ARGV[1] fence     1: if anything is found, write something, so that a WAIT or WAITAOF after this
                    script covers the orders that it names
  ARGV[2] secretId  names the secret that the tokens are made with
  ARGV[3...]        tokens, 1 to 1000

  Returns { status, results }
    status   DONE; NO_SALE, WRONG_SECRET
    results  JSON, one item a token: the record in its full form; NO_ORDER; UNREADABLE
  Errors (nothing written): BADARG ...
  O(tokens).
]]
-- include: arguments.lua
-- include: record.lua
-- include: status.lua
-- include: time.lua
local stock_key, orders_key, batches_key = KEYS[1], KEYS[2], KEYS[3]
local fence, secret_id = ARGV[1] == '1', ARGV[2]
local rcall = redis.call

if #ARGV < 3 or #ARGV > 1002 then
  return bad_argument('lookup: 1 to 1000 tokens, got ' .. #ARGV - 2)
end
local id = rcall('HGET', stock_key, 'secretId')
if not id then
  return { NO_SALE, '[]' }
end
if id ~= secret_id then
  return { WRONG_SECRET, '[]' }
end
local records = rcall('HMGET', orders_key, unpack(ARGV, 3))
local results, found = {}, false
for i = 1, #ARGV - 2 do
  local record = records[i]
  if record then
    found = true
    local order = read_record(batches_key, record)
    results[i] = order and write_record(order) or UNREADABLE
  else
    results[i] = NO_ORDER
  end
end
if found and fence then
  rcall('HSET', stock_key, 'fencedAtMs', string.format('%.0f', clock_ms()))
end
return { DONE, cjson.encode(results) }
