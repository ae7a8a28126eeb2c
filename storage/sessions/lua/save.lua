-- Store session and reply and release the claim, while the claim still holds.
-- KEYS[1] the openid's hash. ARGV: message, fence, reply, now, session seconds, answers kept, seconds an answer is
-- kept, and the session unless it ends. Answers 1 (saved, now or by an earlier call with this fence) or 0 (lost).
local key, message, fence = KEYS[1], ARGV[1], ARGV[2]
local now, keep, most, kept_for = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local h = redis.call('HMGET', key, 'rm', 'f', 'i', 'x', 'a:' .. message)
if h[1] ~= message or h[2] ~= fence then
  if h[5] and cmsgpack.unpack(h[5])[1] == fence then return 1 end
  return 0
end

local index, gone = {}, {'rm', 'rt', 'ru'}
if h[3] then
  local all = cmsgpack.unpack(h[3])
  for n, answer in ipairs(all) do
    if answer[2] <= now - kept_for or #all - n + 1 >= most then
      gone[#gone + 1] = 'a:' .. answer[1]
    else
      index[#index + 1] = answer
    end
  end
end
index[#index + 1] = {message, now}
if not ARGV[8] then
  gone[#gone + 1] = 's'
  gone[#gone + 1] = 'se'
end
redis.call('HDEL', key, unpack(gone))

local expires = math.max(tonumber(h[4] or 0), now + keep)
redis.call('HSET', key, 'a:' .. message, cmsgpack.pack({fence, ARGV[3]}), 'i', cmsgpack.pack(index),
  'x', string.format('%.17g', expires))
if ARGV[8] then redis.call('HSET', key, 's', ARGV[8], 'se', string.format('%.17g', now + keep)) end
redis.call('EXPIRE', key, math.ceil(expires - now) + 3600)
return 1
