-- Count one hit. KEYS[1] a hash of hits and the window's end. ARGV: seconds, now. Answers the hits so far.
local seconds, now = tonumber(ARGV[1]), tonumber(ARGV[2])
local ends = redis.call('HGET', KEYS[1], 'until')
if ends and tonumber(ends) > now then return redis.call('HINCRBY', KEYS[1], 'hits', 1) end
redis.call('HSET', KEYS[1], 'hits', 1, 'until', string.format('%.17g', now + seconds))
redis.call('EXPIRE', KEYS[1], math.ceil(seconds) + 60)
return 1
