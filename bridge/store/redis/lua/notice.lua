-- notice.lua marks a namespace as reset, so that all replicas stand still. What the namespace has by now
-- does not count: others that know nothing may have gone on with it since the caller found it behind.
--
-- KEYS[1]   prefix of the namespace
-- ARGV[1]   epoch that the caller misses
-- returns   1 if it is marked now; 0 if somebody resumed after that epoch, or an import is under way
local meta = KEYS[1] .. 'meta'
local m = redis.call('HMGET', meta, 'epoch', 'reset', 'before')
if m[2] then return 1 end
if m[1] and m[1]:sub(1, 7) == 'import:' then return 0 end
if m[3] and (',' .. m[3] .. ','):find(',' .. ARGV[1] .. ',', 1, true) then return 0 end
redis.call('HSET', meta, 'reset', ARGV[1])
return 1
