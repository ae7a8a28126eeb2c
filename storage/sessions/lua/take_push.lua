-- Count one message down in the open push window that ends first. KEYS[1] the openid's hash. ARGV: now.
-- Answers 1, or 0 when no window allows one.
local now, packed = tonumber(ARGV[1]), redis.call('HGET', KEYS[1], 'w')
if not packed then return 0 end
local windows, first = {}, nil
for _, window in ipairs(cmsgpack.unpack(packed)) do
  if window[2] > now and window[3] > 0 then
    windows[#windows + 1] = window
    if not first or window[2] < first[2] then first = window end
  end
end
if not first then return 0 end
first[3] = first[3] - 1
redis.call('HSET', KEYS[1], 'w', cmsgpack.pack(windows))
return 1
