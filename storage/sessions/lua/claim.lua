-- Ask for the turn of a message. The same rules as waiting_line.py; the contract suite holds both.
-- Constants before this text: LEASE, ROOM, PATIENCE, KEEP (see on_redis.py). KEYS[1] the openid's hash.
-- ARGV: message, now, ticket, and, where a push window opens, its seconds and messages.
-- Answers {'claimed', fence, 1 where no news waits, session or nil}, {'answered', reply}, {'waiting'}, {'running'} or
-- {'full'}.
-- Fields: s session, se its end, f fence, r who runs (lease's end, ticket, message; '' nobody), l line of {message, last
-- asked}, w windows of {seconds, until, left}, n until when no news waits, x when all may vanish, a:<message> the answer
-- behind its fence, i index of answers {time, message}.
local key, message, ticket, now = KEYS[1], ARGV[1], ARGV[3], tonumber(ARGV[2])

local h = redis.call('HMGET', key, 'a:' .. message, 's', 'se', 'f', 'r', 'l', 'w', 'x', 'n')
if h[1] then return {'answered', string.sub(h[1], string.find(h[1], ':', 1, true) + 1)} end
local session, no_news = h[2], (h[9] and tonumber(h[9]) > now) and 1 or 0
if session and tonumber(h[3]) <= now then session = false end
local busy = false
if h[5] and h[5] ~= '' then
  local until_, size = struct.unpack('>dI2', h[5])
  busy = until_ > now
  if busy and string.sub(h[5], 11 + size) == message then
    if string.sub(h[5], 11, 10 + size) == ticket then return {'claimed', tonumber(h[4]), no_news, session} end
    return {'running'}
  end
end

local line, place = {}, nil
if h[6] then
  for _, waiter in ipairs(cmsgpack.unpack(h[6])) do
    if now - waiter[2] <= PATIENCE then
      line[#line + 1] = waiter
      if waiter[1] == message then place = #line end
    end
  end
end

local changes = {}
local expires = now + KEEP
if not place and ARGV[4] then
  local seconds, left = tonumber(ARGV[4]), tonumber(ARGV[5])
  local until_, others = now + seconds, ''
  expires = math.max(expires, until_)
  if h[7] then
    for at = 1, #h[7], 14 do
      local kind, ends, rest = struct.unpack('>I4dI2', h[7], at)
      if kind == seconds then
        until_, left = math.max(until_, ends), math.max(left, rest)
      elseif ends > now then
        others = others .. string.sub(h[7], at, at + 13)
      end
    end
  end
  changes = {'w', others .. struct.pack('>I4dI2', seconds, until_, left)}
end

local answer
if not busy and (#line == 0 or place == 1) then
  table.remove(line, 1)
  -- Never a number given before, even by a store that has lost its memory: so it follows the clock.
  local fence = math.max(tonumber(h[4] or 0) + 1, math.floor(now * 1000))
  local size = #changes
  changes[size + 1], changes[size + 2] = 'f', string.format('%.0f', fence)
  changes[size + 3], changes[size + 4] = 'r', struct.pack('>dI2', now + LEASE, #ticket) .. ticket .. message
  answer = {'claimed', fence, no_news, session}
elseif place then
  line[place][2] = now
  answer = {'waiting'}
elseif #line < ROOM then
  line[#line + 1] = {message, now}
  answer = {'waiting'}
else
  answer = {'full'}
end

if #line > 0 then
  changes[#changes + 1] = 'l'
  changes[#changes + 1] = cmsgpack.pack(line)
elseif h[6] then
  redis.call('HDEL', key, 'l')
end
-- The key's own end is moved only now and then; it lies an hour behind what is needed.
if expires > tonumber(h[8] or 0) + 1800 then
  changes[#changes + 1] = 'x'
  changes[#changes + 1] = string.format('%.17g', expires)
  redis.call('HSET', key, unpack(changes))
  redis.call('EXPIRE', key, math.ceil(expires - now) + 3600)
elseif #changes > 0 then
  redis.call('HSET', key, unpack(changes))
end
return answer
