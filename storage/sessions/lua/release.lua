-- Give a claim back without an answer. KEYS[1] the openid's hash. ARGV: message, fence.
local h = redis.call('HMGET', KEYS[1], 'rm', 'f')
if h[1] == ARGV[1] and h[2] == ARGV[2] then redis.call('HDEL', KEYS[1], 'rm', 'rt', 'ru') end
return 1
