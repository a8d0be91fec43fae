-- settle.lua records results, applies what follows from them, then leases the heads of due lanes.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- ARGV[8]              session id
-- ARGV[9]              number of doubts; then for each the id of an earlier call of this store
--                      whose answer was lost: it is fenced off if it has not run yet, else its
--                      verdicts and leases are part of this answer
-- then                 number of results; then each, see t.read_result
-- then                 number of wants; then for each: dest, n, in flight, rate, burst, break,
--                      break for (microseconds), without reference
-- returns              {"counter:writes", woke, next, fenced, number of verdicts, verdicts (6 texts each, see
--                      t.settle), number of leases, leases (9 texts each, see t.lease_out)}; next is
--                      when the earliest lane becomes due, "0" if none; fenced is "1" if the session
--                      has expired and gets no leases. The bodies of the events are not part of it:
--                      who accepted them still has them, others read them
local leases, tokens, verdicts, again_at = {}, {}, {}, {}

-- remembered adds the leases that a remembered answer gave and that still stand. It is kept as the
-- verdicts and, for each lease, lane and token.
local function remembered(m)
  local at = 6 + 6 * tonumber(m[5])
  for i = at + 1, at + 2 * tonumber(m[at]), 2 do
    local l = t.lane_by(m[i])
    if l and l.state == 'leased' and l.token == m[i + 1] then
      t.lease_out(l, t.event(l.head), t.bond(l.provider, l.task) or t.no_bond(t.event(l.head)), t.dest(l.dest), leases)
      insert(tokens, m[i])
      insert(tokens, m[i + 1])
      again_at[l.dest] = (again_at[l.dest] or 0) + 1
    end
  end
end

local memo, known = t.begin()
if known then
  remembered(memo)
  local out = {}
  for i = 1, 5 + 6 * tonumber(memo[5]) do out[i] = memo[i] end
  out[#out + 1] = text(#tokens / 2)
  for _, v in ipairs(leases) do out[#out + 1] = v end
  return out
end
if memo then return memo end

local session = arg()
for _ = 1, num() do
  local doubt = P .. 'call:' .. arg()
  local s = call('GET', doubt)
  if not s then
    call('SET', doubt, 'void', 'PX', 600000)
  elseif s ~= 'void' then
    local m = munpack(s)
    for at = 5, 5 + 6 * (tonumber(m[5]) - 1), 6 do
      verdicts[m[at + 1]] = { m[at + 1], m[at + 2], m[at + 3], m[at + 4], m[at + 5], m[at + 6] }
    end
    remembered(m)
  end
end

local results = {}
for i = 1, num() do results[i] = t.read_result() end
local wants = {}
for i = 1, num() do
  local w = { dest = arg(), n = num(), in_flight = num(), rate = num(), burst = num(), brk = num(), brk_for = num(), without_reference = bool() }
  w.n = max(0, w.n - (again_at[w.dest] or 0))
  wants[i] = w
  local d = t.dest(w.dest)
  if d.brk ~= w.brk or d.brk_for ~= w.brk_for then
    d.brk, d.brk_for = w.brk, w.brk_for
    t.touch_dest(d)
  end
end

local lane_keys, seqs = {}, {}
for i, r in ipairs(results) do lane_keys[i], seqs[i] = r.lane, r.seq end
t.prefetch_lanes(lane_keys, false)
t.prefetch_attempts(seqs)
local out = { '', '', '0', '0', text(#results) }
for _, r in ipairs(results) do
  local v = verdicts[r.token]
  if not v or v[2] == '1' then v = t.settle(r) end
  for i = 1, 6 do out[#out + 1] = v[i] end
end
if #wants > 0 then
  if t.alive(session) then
    if #results > 0 then t.flush() end
    local earliest = 0
    for _, w in ipairs(wants) do
      local again = t.lease(session, w, leases, tokens)
      if again ~= 0 and (earliest == 0 or again < earliest) then earliest = again end
    end
    out[3] = text(earliest)
  else
    out[4] = '1'
  end
end
out[#out + 1] = text(#tokens / 2)
local short = {}
for i, v in ipairs(out) do short[i] = v end
for _, v in ipairs(tokens) do short[#short + 1] = v end
for _, v in ipairs(leases) do out[#out + 1] = v end
return t.finish(out, short)
