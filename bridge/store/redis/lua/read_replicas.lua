-- read_replicas.lua returns who is alive and who has which duty.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- returns              {sessions: 4 texts each: id, end, leases, "since:name"; duties: 4 texts each: name, session
--                      ("" if nobody alive has it), paused, cursor}
local leases, sessions, duties = {}, {}, {}
for _, s in ipairs(call('HVALS', P .. 'leased')) do leases[s] = (leases[s] or 0) + 1 end
local all = call('HGETALL', P .. 'session')
for i = 1, #all, 2 do
  if tonumber(all[i + 1]) > now then
    for _, v in ipairs({ all[i], all[i + 1], text(leases[all[i]] or 0), call('HGET', P .. 'replica', all[i]) or '0:' }) do insert(sessions, v) end
  end
end
for _, name in ipairs(call('SMEMBERS', P .. 'duties')) do
  local d = call('HMGET', P .. 'duty:' .. name, 'session', 'paused', 'cursor')
  local session = d[1] and t.alive(d[1]) and d[1] or ''
  for _, v in ipairs({ name, session, d[2] or '0', d[3] or '' }) do insert(duties, v) end
end
return { sessions, duties }
