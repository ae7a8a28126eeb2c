-- Count one message down in the open push window that ends first. KEYS[1] the openid's hash. ARGV: now.
-- Answers 1, or 0 when no window allows one: then what was to be pushed waits for the next turn, which is to look for it.
local now, packed = tonumber(ARGV[1]), redis.call('HGET', KEYS[1], 'w')
local windows, first = {}, nil
for at = 1, packed and #packed or 0, 14 do
  local seconds, until_, left = struct.unpack('>I4dI2', packed, at)
  if until_ > now and left > 0 then
    windows[#windows + 1] = {seconds, until_, left}
    if not first or until_ < first[2] then first = windows[#windows] end
  end
end
if not first then
  redis.call('HDEL', KEYS[1], 'n')
  return 0
end
first[3] = first[3] - 1
local left = ''
for _, window in ipairs(windows) do left = left .. struct.pack('>I4dI2', unpack(window)) end
redis.call('HSET', KEYS[1], 'w', left)
return 1
