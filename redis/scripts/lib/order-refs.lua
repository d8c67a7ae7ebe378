-- Reads orders as callers name them, JSON: [serial, token, serial, token, ...], 1 to 1000 orders.
-- Returns their serials and their tokens; or nil, and what is wrong with them.
local function read_order_refs(text)
  local parsed, refs = pcall(cjson.decode, text)
  if not parsed or type(refs) ~= 'table' or #refs < 2 or #refs > 2000 or #refs % 2 ~= 0 then
    return nil, '1 to 1000 orders of serial and token'
  end
  local serials, tokens = {}, {}
  for i = 1, #refs, 2 do
    local n = (i + 1) / 2
    if type(refs[i]) ~= 'number' or refs[i] % 1 ~= 0 or type(refs[i + 1]) ~= 'string' then
      return nil, 'order ' .. n .. ' is not serial and token'
    end
    serials[n], tokens[n] = refs[i], refs[i + 1]
  end
  return serials, tokens
end
