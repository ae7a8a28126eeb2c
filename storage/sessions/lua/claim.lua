-- Ask for the turn of a message. The same rules as waiting_line.py; the contract suite holds both.
-- KEYS[1] the openid's hash. ARGV: message, now, ticket, lease, waiting, patience, session seconds, and, where a push
-- window opens, its seconds and messages.
-- Answers {'claimed', fence, session or nil}, {'answered', reply}, {'waiting'}, {'running'} or {'full'}.
-- Fields: s session, se its end, f fence, rm running message, rt its ticket, ru its lease's end, l line, w windows,
-- x when all may vanish, a:<message> {fence, reply}, i index of answers {message, time}.
local key, message, ticket = KEYS[1], ARGV[1], ARGV[3]
local now, lease, room, patience, keep =
  tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local function exact(number) return string.format('%.17g', number) end

local h = redis.call('HMGET', key, 'a:' .. message, 's', 'se', 'f', 'rm', 'rt', 'ru', 'l', 'w', 'x')
if h[1] then return {'answered', cmsgpack.unpack(h[1])[2]} end
local session = h[2]
if session and tonumber(h[3]) <= now then session = false end
local busy = h[5] and tonumber(h[7]) > now
if busy and h[5] == message then
  if h[6] == ticket then return {'claimed', tonumber(h[4]), session} end
  return {'running'}
end

local line, place = {}, nil
if h[8] then
  for _, waiter in ipairs(cmsgpack.unpack(h[8])) do
    if now - waiter[2] <= patience then
      line[#line + 1] = waiter
      if waiter[1] == message then place = #line end
    end
  end
end

local changes = {}
local expires = math.max(tonumber(h[10] or 0), now + keep)
if not place and ARGV[8] then
  local seconds, left = tonumber(ARGV[8]), tonumber(ARGV[9])
  local until_, windows = now + seconds, {}
  expires = math.max(expires, until_)
  if h[9] then
    for _, window in ipairs(cmsgpack.unpack(h[9])) do
      if window[1] == seconds then
        until_, left = math.max(until_, window[2]), math.max(left, window[3])
      elseif window[2] > now then
        windows[#windows + 1] = window
      end
    end
  end
  windows[#windows + 1] = {seconds, until_, left}
  changes = {'w', cmsgpack.pack(windows)}
end

local answer
if not busy and (#line == 0 or place == 1) then
  table.remove(line, 1)
  -- Never a number given before, even by a store that has lost its memory: so it follows the clock.
  local fence = math.max(tonumber(h[4] or 0) + 1, math.floor(now * 1000))
  for _, item in ipairs({'f', string.format('%.0f', fence), 'rm', message, 'rt', ticket, 'ru', exact(now + lease)}) do
    changes[#changes + 1] = item
  end
  answer = {'claimed', fence, session}
elseif place then
  line[place][2] = now
  answer = {'waiting'}
elseif #line < room then
  line[#line + 1] = {message, now}
  answer = {'waiting'}
else
  answer = {'full'}
end

changes[#changes + 1] = 'x'
changes[#changes + 1] = exact(expires)
if #line > 0 then
  changes[#changes + 1] = 'l'
  changes[#changes + 1] = cmsgpack.pack(line)
elseif h[8] then
  redis.call('HDEL', key, 'l')
end
redis.call('HSET', key, unpack(changes))
redis.call('EXPIRE', key, math.ceil(expires - now) + 3600)
return answer
