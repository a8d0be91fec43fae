-- session.lua renews a session, and takes or releases duties. It writes nothing else.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- ARGV[8]              "renew", "take" or "release"
-- ARGV[9]              session id
-- ARGV[10]             renew: its new end, microseconds; take, release: name of the duty
-- ARGV[11]             renew: name of the replica; release: epoch of the duty
-- returns              {"counter:writes", woke, ...}: take adds "1", epoch, cursor and the date of the last
--                      resume after a reset, or "0" if somebody alive holds it or a person paused it; or the error PBFENCED
local memo = t.begin()
if memo then return memo end
local what, session = arg(), arg()
local out = { '', '' }
if what == 'renew' then
  local till, replica = arg(), arg()
  local was = call('HGET', P .. 'session', session)
  if was and tonumber(was) <= now then return redis.error_reply('PBFENCED session ' .. session .. ' expired') end
  call('HSET', P .. 'session', session, till)
  if not was then call('HSET', P .. 'replica', session, text(now) .. ':' .. replica) end
elseif what == 'take' then
  local name = arg()
  if not t.alive(session) then return redis.error_reply('PBFENCED session ' .. session .. ' expired') end
  local key = P .. 'duty:' .. name
  local d = call('HMGET', key, 'session', 'cursor', 'paused')
  if d[3] == '1' or d[1] and d[1] ~= '' and d[1] ~= session and t.alive(d[1]) then
    out[3] = '0'
  else
    call('HSET', key, 'session', session)
    call('SADD', P .. 'duties', name)
    out[3], out[4], out[5] = '1', text(call('HINCRBY', key, 'epoch', 1)), d[2] or ''
    out[6] = call('HGET', P .. 'meta', 'since') or '0'
  end
else
  local name, epoch = arg(), arg()
  if not t.holds(name, session, epoch) then return redis.error_reply('PBFENCED duty ' .. name .. ' passed to another session') end
  call('HSET', P .. 'duty:' .. name, 'session', '')
end
return t.finish(out)
