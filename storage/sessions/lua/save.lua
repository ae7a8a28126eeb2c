-- Store session and reply and release the claim, while the claim still holds.
-- Constants before this text: KEEP, MOST, KEPT_FOR (see on_redis.py). KEYS[1] the openid's hash.
-- ARGV: message, fence, reply, now, until when no news waits ('' as it was), and the session unless it ends.
-- Answers 1 (saved, now or by an earlier call with this fence) or 0 (lost).
local key, message, fence, now = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[4])

local h = redis.call('HMGET', key, 'r', 'f', 'i', 'x')
local mine = false
if h[1] and h[1] ~= '' and h[2] == fence then
  local _, size = struct.unpack('>dI2', h[1])
  mine = string.sub(h[1], 11 + size) == message
end
if not mine then
  local saved = redis.call('HGET', key, 'a:' .. message)
  return (saved and string.sub(saved, 1, #fence + 1) == fence .. ':') and 1 or 0
end

local count, at, gone = 0, 3, {}
if h[3] then
  count = struct.unpack('>I2', h[3])
  while count > 0 do
    local answered, size = struct.unpack('>dI2', h[3], at)
    if answered > now - KEPT_FOR and count < MOST then break end
    gone[#gone + 1] = 'a:' .. string.sub(h[3], at + 10, at + 9 + size)
    at, count = at + 10 + size, count - 1
  end
end
local index = struct.pack('>I2', count + 1) .. (h[3] and string.sub(h[3], at) or '')
  .. struct.pack('>dI2', now, #message) .. message
local changes = {'r', '', 'i', index, 'a:' .. message, fence .. ':' .. ARGV[3]}
if ARGV[5] ~= '' then
  changes[7], changes[8] = 'n', ARGV[5]
end
local expires = now + KEEP
if ARGV[6] then
  local size = #changes
  changes[size + 1], changes[size + 2] = 's', ARGV[6]
  changes[size + 3], changes[size + 4] = 'se', string.format('%.17g', expires)
else
  gone[#gone + 1] = 's'
  gone[#gone + 1] = 'se'
end
if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
local later = expires > tonumber(h[4] or 0) + 1800
if later then
  changes[#changes + 1] = 'x'
  changes[#changes + 1] = string.format('%.17g', expires)
end
redis.call('HSET', key, unpack(changes))
if later then redis.call('EXPIRE', key, math.ceil(expires - now) + 3600) end
return 1
