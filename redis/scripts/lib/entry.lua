--[[
  The outbox gets one entry a call of a script. Its first field counts the sale's records up to and
  with it, so that how far a worker is behind is known without reading. src/ledger/outbox/entry.ts
  reads them:
    n COUNT orders TEXT   a line for the batch (ref, first, held at, pay by), empty without one; then
                          for each order a line with its token and one with its record
    n COUNT sale TEXT     the sale's definition, after each change of it
]]

-- Adds an entry with the records of orders; `lines` are token, record, token, record, ..., from the
-- given one on. Returns its id.
local function add_orders(events_key, count, head, lines, from)
  local text = head .. '\n' .. table.concat(lines, '\n', from or 1)
  return redis.call('XADD', events_key, '*', 'n', string.format('%.0f', count), 'orders', text)
end
