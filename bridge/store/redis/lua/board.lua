-- board.lua pins notices (package bridge, Board). It writes nothing else.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- ARGV[8]              "new": only if there is none; then there is one notice. Else "".
-- ARGV[9]              number of notices; then for each: kind, key, value, until (microseconds)
-- returns              {"counter:writes", woke, ...}: new adds "1" if it was put up, or "0", and value and end
--                      of the one that is there
local memo = t.begin()
if memo then return memo end
local new = arg() == 'new'
local out = { '', '' }
for _ = 1, num() do
  local kind, key, value, till = arg(), arg(), arg(), num()
  local values, ends = P .. 'notice:' .. kind, P .. 'notices:' .. kind
  local over = call('ZRANGEBYSCORE', ends, '-inf', text(now), 'LIMIT', 0, 100)
  if #over > 0 then
    call('ZREM', ends, unpack(over))
    call('HDEL', values, unpack(over))
  end
  local there = new and call('ZSCORE', ends, key)
  if there and tonumber(there) > now then
    out[3], out[4], out[5] = '0', call('HGET', values, key), text(tonumber(there))
  else
    out[3] = '1'
    if till > now then
      call('HSET', values, key, value)
      call('ZADD', ends, text(till), key)
    else
      call('HDEL', values, key)
      call('ZREM', ends, key)
    end
  end
end
return t.finish(out)
