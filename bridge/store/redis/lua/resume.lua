-- resume.lua makes a namespace that was wiped or restored the one to work with.
--
-- KEYS[1]   prefix of the namespace
-- ARGV[1]   epoch that was lost
-- ARGV[2]   a new epoch
-- ARGV[3]   highest counter the caller has seen: numbers go on behind it
-- ARGV[4]   version of the key layout
-- returns   {epoch, counter}: the new epoch, or that which another replica, or a new start, has
--           given the namespace already
local meta = KEYS[1] .. 'meta'
local m = redis.call('HMGET', meta, 'epoch', 'counter')
local epoch = m[1] and m[1] ~= ARGV[1] and m[1] or ARGV[2]
local counter = string.format('%.0f', math.max(tonumber(m[2] or '0'), tonumber(ARGV[3])))
redis.call('HSET', meta, 'epoch', epoch, 'counter', counter, 'schema', ARGV[4])
return { epoch, counter }
