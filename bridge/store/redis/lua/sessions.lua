-- sessions.lua: who may hold leases and duties.

-- alive reports whether a session may hold leases and duties.
function t.alive(id)
  local till = call('HGET', P .. 'session', id)
  return till and tonumber(till) > now
end

-- holds reports whether a duty is still held by this session under this epoch.
function t.holds(duty, session, epoch)
  local d = call('HMGET', P .. 'duty:' .. duty, 'session', 'epoch')
  return d[1] == session and d[2] == epoch and t.alive(session)
end
