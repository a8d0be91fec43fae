-- read_events.lua looks through one piece of the events for a filter. It writes nothing.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- ARGV[8]              seq behind which to go on, "0": from the end that the order starts with
-- ARGV[9]              "1": newest first
-- ARGV[10], ARGV[11]   how many events to return, and to look at, at most
-- ARGV[12..19]         filter: provider, task, dir, kind, states (comma-separated), reason, ref_key,
--                      received since (microseconds, "0": always); empty ones do not filter
-- returns              {next, n, 17 texts for each event (t.event_out)..., bodies}; next is the seq
--                      behind which the next piece starts, "0" if this was the last
local after, newest, limit, budget = num(), bool(), num(), num()
local f = { provider = arg(), task = arg(), dir = arg(), kind = arg(), states = arg(), reason = arg(), ref_key = arg(), since = num() }
counter = tonumber(call('HGET', P .. 'meta', 'counter') or 0)

local states, only_kept
if f.states ~= '' then
  states, only_kept = {}, true
  for s in f.states:gmatch('[^,]+') do
    states[s] = true
    only_kept = only_kept and keeps[s]
  end
end

local owned = {}
if f.ref_key ~= '' then
  for _, p in ipairs(call('SMEMBERS', P .. 'providers')) do
    local task = t.owner(p, f.ref_key)
    if task ~= '' then owned[p .. SEP .. task] = task end
  end
end

local function fits(e)
  return (f.provider == '' or e.provider == f.provider) and (f.task == '' or e.task == f.task) and (f.dir == '' or e.dir == f.dir) and
    (f.kind == '' or e.kind == f.kind) and (not states or states[e.state]) and (f.reason == '' or e.reason == f.reason) and
    (f.ref_key == '' or e.ref_key == f.ref_key or owned[e.provider .. SEP .. e.task]) and e.received >= f.since
end

-- listed gathers the candidates of an index, sorted; nil if there is none and all are candidates.
local function listed()
  local seen, seqs = {}, nil
  local function add(all)
    seqs = seqs or {}
    for _, s in ipairs(all) do
      local seq = tonumber(s)
      if not seen[seq] and (after == 0 or (newest and seq < after) or (not newest and seq > after)) then
        seen[seq] = true
        insert(seqs, seq)
      end
    end
  end
  if f.task ~= '' then
    add(call('LRANGE', P .. 'of:task:' .. f.task, 0, -1))
  elseif f.ref_key ~= '' then
    add(call('LRANGE', P .. 'of:ref:' .. f.ref_key, 0, -1))
    for _, task in pairs(owned) do add(call('LRANGE', P .. 'of:task:' .. task, 0, -1)) end
  elseif only_kept then
    add(call('ZRANGE', P .. 'kept', 0, -1))
  end
  if seqs then table.sort(seqs, newest and function(a, b) return a > b end or nil) end
  return seqs
end

local seqs, at = listed(), 1
local seq = newest and (after == 0 and counter or after - 1) or after + 1

-- page returns the next candidates, at most 200.
local function page()
  local out = {}
  if seqs then
    while seqs[at] and #out < 200 do
      out[#out + 1] = seqs[at]
      at = at + 1
    end
    return out
  end
  while #out < 200 and seq >= 1 and seq <= counter do
    out[#out + 1] = seq
    seq = seq + (newest and -1 or 1)
  end
  return out
end

local out, found, looked, last = { '0', '0' }, {}, 0, 0
while #found < limit and looked < budget do
  local these = page()
  if #these == 0 then
    last = 0
    break
  end
  local fates = call('HMGET', P .. 'fate', unpack(these))
  for i, s in ipairs(call('HMGET', P .. 'event', unpack(these))) do
    last, looked = these[i], looked + 1
    local e = s and fill(blank(these[i]), s, fates[i])
    if e and fits(e) then
      found[#found + 1] = e.seq
      t.event_out(e, out)
      if #found == limit then break end
    end
  end
end
out[1], out[2] = text(last), text(#found)
out[#out + 1] = #found > 0 and call('HMGET', P .. 'body', unpack(found)) or {}
return out
