-- read_lanes.lua looks through one piece of the lanes of a destination for a filter.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- ARGV[8]              destination
-- ARGV[9]              how many of its lanes, oldest head first, were looked at before
-- ARGV[10], ARGV[11]   how many lanes to return, and to look at, at most
-- ARGV[12..14]         filter: provider, task, states (comma-separated)
-- ARGV[15], ARGV[16]   the place to continue behind: head and lane; -1: from the first
-- returns              {how many were looked at in all, "0" at the end; n; 14 texts for each lane:
--                      provider, task, dir, state, reason, head id, head kind, queued, due, attempt,
--                      unknown, head received, detail, head seq}
local dest, from, limit, budget = arg(), num(), num(), num()
local f = { provider = arg(), task = arg(), states = arg() }
local after, after_lane = num(), arg()
-- is_behind: lanes come by head; those without one (paused ahead of their first event) by name.
local function is_behind(head, k) return head > after or head == after and k > after_lane end
local states
if f.states ~= '' then
  states = {}
  for s in f.states:gmatch('[^,]+') do states[s] = true end
end
local keys
if f.task ~= '' then
  keys = {}
  local at = f.task:sub(1, 4) == 'new:' and call('SMEMBERS', P .. 'providers') or t.bonded_at(f.task) -- an open has no bond
  for _, p in ipairs(at) do
    for _, dir in ipairs({ 'in', 'out' }) do
      local l = t.lane(p, dir, f.task)
      if l and l.dest == dest and is_behind(l.head, l.k) then insert(keys, l.k) end
    end
  end
  table.sort(keys, function(a, b)
    local x, y = t.lane_by(a).head, t.lane_by(b).head
    return x < y or x == y and a < b
  end)
else
  if from == 0 and after >= 0 then
    from = call('ZCOUNT', P .. 'live:' .. dest, '-inf', '(' .. text(after))
    for _, k in ipairs(call('ZRANGEBYSCORE', P .. 'live:' .. dest, text(after), text(after))) do
      if k <= after_lane then from = from + 1 end
    end
  end
  keys = call('ZRANGE', P .. 'live:' .. dest, from, from + budget - 1)
end
local out, n, looked = { '0', '0' }, 0, from
for _, k in ipairs(keys) do
  looked = looked + 1
  local l = t.lane_by(k)
  local state = l and shown(l)
  if l and (l.state ~= 'idle' or l.paused) and (f.provider == '' or l.provider == f.provider) and (not states or states[state]) then
    local head = t.head_of(l)
    for _, v in ipairs({ l.provider, l.task, l.dir, state, state == 'paused' and 'paused' or l.reason, head and head.id or '', head and head.kind or '',
      text(l.n), text(l.due), text(l.attempt), l.unknown and '1' or '0', text(head and head.received or 0), l.detail, text(l.head) }) do
      out[#out + 1] = v
    end
    n = n + 1
    if n == limit then break end
  end
end
if f.task == '' and (n == limit or #keys == budget) then out[1] = text(looked) end
out[2] = text(n)
return out
