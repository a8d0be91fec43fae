-- read_counts.lua returns the numbers of the overview; it reads tallies and destinations only.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- returns              {tallies (key, n, ...), destinations: 7 texts each: name, paused, failures,
--                      open to, probing, received of the oldest event in its lanes (0: none), in flight}
local tallies = call('HGETALL', P .. 'tally')
local names = {}
for _, p in ipairs(call('SMEMBERS', P .. 'providers')) do names[p] = true end
for _, d in ipairs(call('HKEYS', P .. 'dest')) do names[d] = true end
names.ssp = true
local out = {}
for name in pairs(names) do
  local d = t.dest(name)
  local first = call('ZRANGEBYSCORE', P .. 'live:' .. name, '(0', '+inf', 'LIMIT', 0, 1)[1]
  local l = first and t.lane_by(first)
  local head = t.head_of(l)
  for _, v in ipairs({ name, d.paused and '1' or '0', text(d.failures), text(d.open_to), d.probe ~= '' and '1' or '0', text(head and head.received or 0), text(d.inflight) }) do
    out[#out + 1] = v
  end
end
return { tallies, out }
