-- read_replicas.lua returns the living sessions with what they hold.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- returns              for each 5 texts: session, "since:name", end, leases, duties (LF-joined)
local out, leases, duties = {}, {}, {}
for _, session in ipairs(call('HVALS', P .. 'leased')) do leases[session] = (leases[session] or 0) + 1 end
local names = call('SMEMBERS', P .. 'duties')
table.sort(names)
for _, name in ipairs(names) do
  local session = call('HGET', P .. 'duty:' .. name, 'session')
  if session and session ~= '' then duties[session] = (duties[session] and duties[session] .. '\n' or '') .. name end
end
local all = call('HGETALL', P .. 'session')
for i = 1, #all, 2 do
  if tonumber(all[i + 1]) > now then
    local session = all[i]
    for _, v in ipairs({ session, call('HGET', P .. 'replica', session) or '0:', all[i + 1], text(leases[session] or 0), duties[session] or '' }) do
      out[#out + 1] = v
    end
  end
end
return out
