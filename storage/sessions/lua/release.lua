-- Give a claim back without an answer. KEYS[1] the openid's hash. ARGV: message, fence.
local h = redis.call('HMGET', KEYS[1], 'r', 'f')
if h[1] and h[1] ~= '' and h[2] == ARGV[2] then
  local _, size = struct.unpack('>dI2', h[1])
  if string.sub(h[1], 11 + size) == ARGV[1] then redis.call('HDEL', KEYS[1], 'r') end
end
return 1
