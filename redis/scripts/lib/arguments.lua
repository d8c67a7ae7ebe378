-- Whether an argument, after tonumber, is a whole number within these bounds.
local function whole(number, least, most)
  return number and number >= least and number <= most and number % 1 == 0
end

-- To be returned before anything is written.
local function bad_argument(text)
  return redis.error_reply('BADARG ' .. text)
end
