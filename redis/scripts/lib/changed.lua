-- To be called by every script that changes a sale's definition or begins an epoch of it, so that
-- nodes and workers need not read sales in which nothing happens. The counter begins at the time,
-- in microseconds, of which each call takes some: it never comes back to a number that somebody
-- remembers of a ledger that was emptied since.
local function note_change(changed_key)
  local by = 1
  if redis.call('EXISTS', changed_key) == 0 then
    local time = redis.call('TIME')
    by = time[1] .. string.format('%06d', time[2])
  end
  redis.call('INCRBY', changed_key, by)
end

-- Begins a new epoch, since tickets came back after "sold out": nodes that remember it are to read
-- the sale again. The one place where an epoch begins.
local function begin_epoch(stock_key, changed_key)
  note_change(changed_key)
  return redis.call('HINCRBY', stock_key, 'epoch', 1)
end
