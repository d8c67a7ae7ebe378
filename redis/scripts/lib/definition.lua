--[[
  Announces a sale's definition after a change for `cause`: one revision more, an entry in the outbox,
  and the counter by which nodes and workers learn that they are to read the sale again.
    revision changedAtMs cause state total limit holdMs opensAtMs secretId
]]
local function announce_definition(stock_key, events_key, changed_key, cause, now_ms)
  local revision = redis.call('HINCRBY', stock_key, 'revision', 1)
  local info = redis.call(
    'HMGET', stock_key, 'state', 'total', 'limit', 'holdMs', 'opensAtMs', 'secretId', 'records'
  )
  local text = string.format('%.0f\t%.0f\t%s\t', revision, now_ms, cause)
  text = text .. table.concat(info, '\t', 1, 6)
  redis.call('XADD', events_key, '*', 'n', info[7], 'sale', text)
  note_change(changed_key)
end
