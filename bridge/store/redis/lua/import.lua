-- import.lua gives the namespace another epoch, if it still has the one the caller knows: of two
-- imports only the later one goes on.
--
-- KEYS[1]   prefix of the namespace
-- ARGV[1]   epoch it must have
-- ARGV[2]   epoch it gets
-- ARGV[3]   counter
-- ARGV[4]   version of the key layout
-- returns   {"1"}, or {"0"} if it has another epoch
local meta = KEYS[1] .. 'meta'
if redis.call('HGET', meta, 'epoch') ~= ARGV[1] then return { '0' } end
redis.call('HSET', meta, 'epoch', ARGV[2], 'counter', ARGV[3], 'schema', ARGV[4])
return { '1' }
