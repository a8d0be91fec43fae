-- import.lua gives the namespace another epoch, if it still has the one the caller knows: of two
-- imports only the later one goes on.
--
-- KEYS[1]   prefix of the namespace
-- ARGV[1]   epoch it must have
-- ARGV[2]   epoch it gets
-- ARGV[3]   counter
-- ARGV[4]   version of the key layout
-- ARGV[5]   now, microseconds: the writes are counted from here, so that they are more than any that were
--           counted before the ledger came here; marks from before are not looked for ("base")
-- returns   {"1"}, also to a call that is repeated because its answer was lost; {"0"} if it has another epoch
local meta = KEYS[1] .. 'meta'
local is = redis.call('HGET', meta, 'epoch')
if is == ARGV[2] then return { '1' } end
if is ~= ARGV[1] then return { '0' } end
redis.call('HSET', meta, 'epoch', ARGV[2], 'counter', ARGV[3], 'schema', ARGV[4], 'writes', ARGV[5], 'base', ARGV[5])
return { '1' }
