-- session.lua renews a session, and takes or releases duties. It writes nothing else.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- ARGV[8]              "renew", "take" or "release"
-- ARGV[9]              session id
-- ARGV[10]             renew: its new end, microseconds; take, release: name of the duty
-- ARGV[11]             renew: name of the replica; release: epoch of the duty; take: how long after a resume its
--                      date counts for duties that are new here, microseconds
-- returns              {"counter:writes", woke, ...}: take adds "1", epoch, cursor and where it begins after
--                      a reset ("0" if nobody says), or "0" if somebody alive holds it or a person paused it; or the error PBFENCED
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
  local name, late = arg(), num()
  if not t.alive(session) then return redis.error_reply('PBFENCED session ' .. session .. ' expired') end
  local key = P .. 'duty:' .. name
  local d = call('HMGET', key, 'session', 'cursor', 'paused', 'since')
  if d[3] == '1' or d[1] and d[1] ~= '' and d[1] ~= session and t.alive(d[1]) then
    out[3] = '0'
  else
    local since = d[4] or '0'
    if since == '0' and (d[2] or '') == '' then -- new here: as soon after a resume it may be one that was lost
      local m = call('HMGET', P .. 'meta', 'since', 'resumed')
      if m[1] and tonumber(m[2] or m[1]) > now - late then since = m[1] end
    end
    call('HSET', key, 'session', session, 'since', since)
    call('SADD', P .. 'duties', name)
    out[3], out[4], out[5], out[6] = '1', text(call('HINCRBY', key, 'epoch', 1)), d[2] or '', since
  end
else
  local name, epoch = arg(), arg()
  if not t.holds(name, session, epoch) then return redis.error_reply('PBFENCED duty ' .. name .. ' passed to another session') end
  call('HSET', P .. 'duty:' .. name, 'session', '')
end
return t.finish(out)
