--[[
  An order's record, fields separated by tabs, since keys and buyers are printable ASCII. Two forms:
    short  place quantity buyer ref hash
    full   state serial quantity heldAtMs payByMs buyer revision changedAtMs cause [name=value ..] hash
  A node makes the short one, for an order that is held; the rest stands once in its batch's row. Any
  change of state writes the full one. src/sale/order.ts reads both.
]]

-- State and its cause -> causes of what may come next -> the state that they lead to. The same as
-- `transitions` in src/sale/order.ts; a test holds them equal.
local TRANSITIONS = {
  ['held held'] = { paid = 'paid', cancelled = 'released', lapsed = 'released' },
  ['released lapsed'] = { revived = 'paid' },
}

-- The batches that this call has read, and those of them that changed: see write_batches.
local batches_read, batches_changed = {}, {}

-- A batch by its ref, or false: its entry in the outbox, the serial of its place 0, when it was held
-- and by when it is to be paid, and how many records name it.
local function read_batch(batches_key, ref)
  local batch = batches_read[ref]
  if batch == nil then
    local row = redis.call('HGET', batches_key, ref)
    local entry, first, held_at_ms, pay_by_ms, living =
      string.match(row or '', '^(%d+%-%d+)\t(%d+)\t(%d+)\t(%d+)\t(%d+)$')
    batch = entry
      and {
        entry = entry, first = tonumber(first), held_at_ms = held_at_ms, pay_by_ms = pay_by_ms,
        living = tonumber(living),
      }
    batches_read[ref] = batch or false
  end
  return batch or false
end

local function batch_row(batch)
  local row = '%s\t%.0f\t%s\t%s\t%d'
  return string.format(row, batch.entry, batch.first, batch.held_at_ms, batch.pay_by_ms, batch.living)
end

-- Takes a record apart, of either form; nil if it is none, or its batch is not there. Times stay
-- text but for pay_by_ms, which is compared.
local function read_record(batches_key, record)
  local place, quantity, buyer, ref, hash =
    string.match(record, '^(%d+)\t(%d+)\t([^\t]*)\t([^\t]+)\t([^\t]+)$')
  if place then
    local batch = read_batch(batches_key, ref)
    return batch
      and {
        state = 'held', serial = batch.first + tonumber(place), quantity = tonumber(quantity),
        held_at_ms = batch.held_at_ms, pay_by_ms = tonumber(batch.pay_by_ms), buyer = buyer,
        revision = 1, changed_at_ms = batch.held_at_ms, cause = 'held', more = '', hash = hash, ref = ref,
      }
  end
  local state, serial, tickets, held_at_ms, pay_by_ms, its_buyer, revision, changed_at_ms, cause, rest =
    string.match(
      record, '^(%a+)\t(%d+)\t(%d+)\t(%d+)\t(%d+)\t([^\t]*)\t(%d+)\t(%d+)\t(%a+)\t(.+)$'
    )
  local more, last = string.match(rest or '', '^(.-)([^\t]+)$')
  return state
    and {
      state = state, serial = tonumber(serial), quantity = tonumber(tickets), held_at_ms = held_at_ms,
      pay_by_ms = tonumber(pay_by_ms), buyer = its_buyer, revision = tonumber(revision),
      changed_at_ms = changed_at_ms, cause = cause, more = more, hash = last,
    }
end

-- The full form of a record. `more` are its pairs, each with a tab behind it.
local function write_record(order)
  return string.format(
    '%s\t%.0f\t%d\t%s\t%.0f\t%s\t%d\t%s\t%s\t%s%s',
    order.state, order.serial, order.quantity, order.held_at_ms, order.pay_by_ms, order.buyer,
    order.revision, order.changed_at_ms, order.cause, order.more, order.hash
  )
end

--[[
  The record of an order after a change for `cause`; nil where it may not be changed so. The one way
  of every change: what named a batch does so no longer, and the order has no deadline any more.
  `gone` collects members of the deadlines; write_batches is to be called after the last change.
]]
local function change_record(order, token, cause, now_ms, gone)
  local state = (TRANSITIONS[order.state .. ' ' .. order.cause] or {})[cause]
  if not state then
    return nil
  end
  if order.ref then
    local batch = batches_read[order.ref]
    batch.living = batch.living - 1
    batches_changed[order.ref] = batch
    order.ref = nil
  elseif order.state == 'held' then
    gone[#gone + 1] = 'o' .. token
  end
  order.state, order.cause, order.revision = state, cause, order.revision + 1
  order.changed_at_ms = string.format('%.0f', now_ms)
  return write_record(order)
end

-- Writes the batches that changed. A batch that no record names goes, and its deadline with it.
local function write_batches(batches_key, deadlines_key, gone)
  for ref, batch in pairs(batches_changed) do
    if batch.living > 0 then
      redis.call('HSET', batches_key, ref, batch_row(batch))
    else
      redis.call('HDEL', batches_key, ref)
      gone[#gone + 1] = 'b' .. ref
    end
  end
  if #gone > 0 then
    redis.call('ZREM', deadlines_key, unpack(gone))
  end
end
