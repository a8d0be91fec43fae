-- mark.lua writes a random mark of one store into the namespace, before that store's replica writes it down
-- on its own disk. A copy that is older than the mark does not have it, whatever was written to that copy
-- since. The last two marks are kept: the caller may end before the newer one is on its disk.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- ARGV[8]              name of the store's marks
-- ARGV[9]              its new mark
-- ARGV[10]             the mark it wrote last and that must be here, "" at the first
-- ARGV[11]             marks written before this (microseconds) are forgotten
-- returns              {"counter:writes", woke, base}
local memo = t.begin()
if memo then return memo end
local name, mark, last, old = arg(), arg(), arg(), arg()
if last ~= '' and not (' ' .. (call('HGET', P .. 'marks', name) or '') .. ' '):find(' ' .. last .. ' ', 1, true) then
  return t.gone(A[2], ' mark')
end
call('HSET', P .. 'marks', name, mark .. ' ' .. last)
call('ZADD', P .. 'marked', text(now), name)
for _, gone in ipairs(call('ZRANGEBYSCORE', P .. 'marked', '-inf', '(' .. old, 'LIMIT', 0, 100)) do
  call('HDEL', P .. 'marks', gone)
  call('ZREM', P .. 'marked', gone)
end
return t.finish({ '', '', call('HGET', P .. 'meta', 'base') or '' })
