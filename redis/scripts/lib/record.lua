--[[
  An order's record, as hold.lua writes it, its fields separated by tabs, since keys and buyers are
  printable ASCII:
    state serial quantity heldAtMs payByMs token buyer key
  and, from its first change of state on, also
    revision changedAtMs cause
  src/sale/order.ts reads it.
]]

-- State and its cause -> causes of what may come next -> the state that they lead to. The same as
-- `transitions` in src/sale/order.ts; a test holds them equal.
local TRANSITIONS = {
  ['held held'] = { paid = 'paid', cancelled = 'released', lapsed = 'released' },
  ['released lapsed'] = { revived = 'paid' },
}

-- Takes a record apart; nil if it is none. `core` is what never changes: serial to key.
local function read_record(record)
  local state, core, quantity, pay_by, token, buyer, change =
    string.match(record, '^(%a+)\t(%d+\t(%d+)\t%d+\t(%d+)\t(%x+)\t([^\t]*)\t[^\t]*)(.*)$')
  if not state then
    return nil
  end
  local revision, cause = string.match(change, '^\t(%d+)\t%d+\t(%a+)$')
  return {
    state = state, core = core, quantity = tonumber(quantity), pay_by_ms = tonumber(pay_by),
    token = token, buyer = buyer, revision = tonumber(revision or 1), cause = cause or 'held',
  }
end

-- The record of an order after a change for `cause`; nil where it may not be changed so.
local function change_record(order, cause, now_ms)
  local state = (TRANSITIONS[order.state .. ' ' .. order.cause] or {})[cause]
  if not state then
    return nil
  end
  local change = string.format('\t%d\t%.0f\t', order.revision + 1, now_ms)
  return state .. '\t' .. order.core .. change .. cause
end
