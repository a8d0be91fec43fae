-- notice.lua marks a namespace as reset, so that all replicas stand still.
--
-- KEYS[1]   prefix of the namespace
-- ARGV[1]   epoch that the caller misses
-- ARGV[2]   highest counter the caller has seen under it
-- returns   1 if it is marked now; 0 if the caller misses nothing (any more), or somebody resumed
local meta = KEYS[1] .. 'meta'
local m = redis.call('HMGET', meta, 'epoch', 'counter', 'reset', 'before')
if m[3] then return 1 end
if m[1] == ARGV[1] and tonumber(m[2] or '0') >= tonumber(ARGV[2]) then return 0 end
if m[4] and (',' .. m[4] .. ','):find(',' .. ARGV[1] .. ',', 1, true) then return 0 end
redis.call('HSET', meta, 'reset', ARGV[1])
return 1
