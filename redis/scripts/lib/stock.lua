-- Counters of a sale, as numbers: left, held, paid, epoch, records. Nil: there is no such sale.
local function read_stock(stock_key)
  local info = redis.call('HMGET', stock_key, 'total', 'held', 'paid', 'epoch', 'records')
  if not info[1] then
    return nil
  end
  local held, paid = tonumber(info[2]), tonumber(info[3])
  local left = tonumber(info[1]) - held - paid
  assert(left >= 0 and held >= 0 and paid >= 0, 'the sale is oversold')
  return left, held, paid, tonumber(info[4]), tonumber(info[5])
end
