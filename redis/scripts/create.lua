#!lua
--[[
  Creates a sale. Repeating it with the same operation key is harmless.

  KEYS[1] stock    hash     the sale
  KEYS[2] secret   string   what its tokens are made from
  KEYS[3] events   stream   the outbox
  KEYS[4] changed  counter  see lib/changed.lua
  KEYS[5] format   string   number of the ledger's form, which the caller has set
  KEYS[6...]                whatever else a sale has: nothing of an earlier one may be there, since
                            its holds would lapse into this one's stock

  ARGV[1] operation  key made by the caller, once for what it wants done
  ARGV[2] total      tickets, 1 to 1e9
  ARGV[3] limit      tickets a buyer, 0 for none
  ARGV[4] holdMs     how long a hold lasts, at least 1000
  ARGV[5] opensAtMs  opening time, 0 to wait for an operator
  ARGV[6] secret     256 bits, made by the caller: Redis has no generator of random numbers
  ARGV[7] secretId   what names it
  ARGV[8] format     that the caller knows

  Returns DONE; REPEATED, created before by the same operation; SALE_EXISTS, SALE_REMAINS,
          WRONG_FORMAT (nothing written)
  Errors (nothing written): BADARG ...
  O(1).
]]
-- include: arguments.lua
-- include: changed.lua
-- include: definition.lua
-- include: status.lua
-- include: time.lua
local stock_key, secret_key, events_key = KEYS[1], KEYS[2], KEYS[3]
local changed_key, format_key = KEYS[4], KEYS[5]
local operation = ARGV[1]
local total, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local hold_ms, opens_at_ms = tonumber(ARGV[4]), tonumber(ARGV[5])
local secret, secret_id, form = ARGV[6], ARGV[7], ARGV[8]
local rcall, format = redis.call, string.format

if
  not (
    whole(total, 1, 1e9)
    and whole(limit, 0, 1e9)
    and whole(hold_ms, 1000, 1e12)
    and whole(opens_at_ms, 0, 1e15)
  )
then
  return bad_argument('create: total, limit, holdMs or opensAtMs is out of range')
end
if not string.match(secret, '^[%w_-]+$') or #secret ~= 43 or not string.match(secret_id, '^%x+$') then
  return bad_argument('create: secret is 43 characters of base64url, secretId is hexadecimal')
end
if rcall('GET', format_key) ~= form then
  return WRONG_FORMAT
end
local creator = rcall('HGET', stock_key, 'createdBy')
if creator then
  return creator == operation and REPEATED or SALE_EXISTS
end
-- These fail here, before the first write, if a key is of another type.
rcall('XLEN', events_key)
rcall('GET', changed_key)
if rcall('EXISTS', secret_key, events_key, unpack(KEYS, 6)) > 0 then
  return SALE_REMAINS
end
local now_ms = clock_ms()
rcall('SET', secret_key, secret)
rcall(
  'HSET', stock_key,
  'total', format('%.0f', total), 'held', 0, 'paid', 0, 'limit', format('%.0f', limit),
  'holdMs', format('%.0f', hold_ms), 'opensAtMs', format('%.0f', opens_at_ms),
  -- The epoch begins at the time of creation, so that a sale that is created anew under an old id
  -- is never taken by a node for the sold-out one that it replaces.
  'state', 'scheduled', 'epoch', format('%.0f', now_ms), 'serial', 0, 'records', 0, 'revision', 0,
  'secretId', secret_id, 'createdAtMs', format('%.0f', now_ms), 'createdBy', operation
)
announce_definition(stock_key, events_key, changed_key, 'created', now_ms)
return DONE
