-- Take or renew a lease. KEYS[1] a hash of owner and end. ARGV: owner, seconds, now. Answers 1 (yours) or 0.
local seconds, now = tonumber(ARGV[2]), tonumber(ARGV[3])
local h = redis.call('HMGET', KEYS[1], 'owner', 'until')
if h[1] and h[1] ~= ARGV[1] and tonumber(h[2]) > now then return 0 end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'until', string.format('%.17g', now + seconds))
redis.call('EXPIRE', KEYS[1], math.ceil(seconds) + 60)
return 1
