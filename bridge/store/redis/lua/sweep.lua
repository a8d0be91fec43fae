-- sweep.lua makes time visible: leases of dead sessions become unknown, waiting events whose time
-- is over go to quarantine, old settled events shrink, old claims and writings are forgotten.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- ARGV[8]              how long events wait, microseconds
-- ARGV[9]              how long they wait after the open of their reference was delivered, microseconds
-- ARGV[10..11]         how long an open waits for the reference of another ticket, microseconds; what is
--                      said to people after that
-- ARGV[12]             how long claims live, microseconds
-- ARGV[13]             batch: how many events one sweep shrinks
-- ARGV[14]             number of retentions; then for each: provider ('' for the default), what
--                      stays ("full", "text", "digest"), for how long, microseconds
-- returns              {"counter:writes", woke, expired, quarantined, shrunk, forgotten}
local memo = t.begin()
if memo then return memo end
local waiting_limit, open_wait, open_hold, open_held, claim_life, batch = num(), num(), num(), arg(), num(), num()
local keep = {}
for _ = 1, num() do
  local provider = arg()
  keep[provider] = { what = arg(), life = num() }
end

local function sweep_leases()
  local n, alive = 0, {}
  local all = call('HGETALL', P .. 'leased')
  for i = 1, #all, 2 do
    local session = all[i + 1]
    if alive[session] == nil then alive[session] = t.alive(session) or false end
    local l = not alive[session] and t.lane_by(all[i])
    if l and l.state == 'leased' then
      local head, d = t.head_of(l), t.dest(l.dest)
      if d.probe == l.token then
        d.probe = ''
        t.touch_dest(d)
      end
      local detail = 'the replica that delivered this died or stalled; whether it was applied is not known'
      t.attempt(head, l.attempt, l.token, fmt('{"n":%d,"started":%s,"ended":%s,"outcome":"unknown","reason":"lease_expired","then":"wait","detail":%s,"session":%s}',
        l.attempt, text(l.leased_at), text(now), cjson.encode(detail), cjson.encode(l.session)), false)
      t.unlease(l)
      l.unknown, l.unknown_at = true, now
      n = n + 1
      if l.evidence then
        t.done(l, head, t.bond(l.provider, l.task), 'evidence', l.evidence_ref, l.evidence_key)
        t.settled_open(head)
        t.returned(head)
        t.recheck(l)
      else
        l.due = now
        t.set_event(head, 'queued', 'lease_expired')
        t.set_lane(l, 'ready', 'lease_expired', detail)
      end
    end
  end
  return n
end

-- sweep_opens decides again the opens of which no other event may have made the ticket any more, and
-- gives those to people that waited too long for that.
local function sweep_opens()
  local n, quarantined, busy, from = 0, 0, {}, 0
  repeat
    local page = call('ZRANGE', P .. 'opening', from, from + 999)
    from = from + #page
    for _, s in ipairs(page) do
      local e = n < batch and t.event(tonumber(s))
      if e and e.state == 'waiting' then
        busy[e.provider] = busy[e.provider] or t.making(e) -- what one waits for, the later ones wait for as well
        if not busy[e.provider] then
          t.decide(e)
          n = n + 1
        elseif e.received < now - open_hold then
          e.detail = open_held
          t.touch_event(e)
          t.set_event(e, 'quarantined', e.reason)
          n, quarantined = n + 1, quarantined + 1
        end
      end
    end
  until #page < 1000 or n >= batch
  return quarantined
end

-- opening reports whether the open of a reference may still bring its task.
local function opening(e)
  local o = t.opened(e.provider, e.ref_key)
  return o and (o.state ~= 'done' or o.ended > now - open_wait)
end

-- sweep_waiting quarantines what waited too long, unless an unsettled submit may bring its bond, or the
-- open of its reference the task.
local function sweep_waiting()
  local n, busy, from = 0, {}, 0
  while n < batch do
    local page = call('ZRANGEBYSCORE', P .. 'waiting', '-inf', now - waiting_limit, 'LIMIT', from, batch)
    from = from + #page
    for _, s in ipairs(page) do
      local e = t.event(tonumber(s))
      if busy[e.provider] == nil then busy[e.provider] = tonumber(call('HGET', P .. 'tally', 'submit|' .. e.provider) or 0) > 0 end
      if not busy[e.provider] and n < batch and e.kind ~= 'open' and not opening(e) then
        e.detail = 'nobody knew its ' .. (e.ref_key ~= '' and 'reference "' .. e.reference .. '"' or 'task "' .. e.task .. '"') ..
          ' in time; it goes on by itself when the bond appears, or assign it'
        t.set_event(e, 'quarantined', e.reason)
        n = n + 1
      end
    end
    if #page < batch or from >= 10 * batch then break end
  end
  return n
end

-- sweep_bodies goes through the providers one by one, so that one that keeps long does not stand
-- before the others. settled:PROVIDER lists seqs in the order in which they ended.
local function sweep_bodies()
  local n = 0
  for _, provider in ipairs(call('SMEMBERS', P .. 'providers')) do
    local k = keep[provider] or keep['']
    local key = P .. 'settled:' .. provider
    while k.what ~= 'full' and n < batch do
      local page = call('LRANGE', key, 0, min(batch - n, 200) - 1)
      local gone = 0
      for _, s in ipairs(page) do
        local e = t.event(tonumber(s))
        if e and final[e.state] and e.shrunk == 0 then
          if e.ended > now - k.life then break end
          t.shrink(e, k.what)
          n = n + 1
        end
        gone = gone + 1
      end
      if gone > 0 then call('LPOP', key, gone) end
      if gone < #page or gone == 0 then break end
    end
  end
  return n
end

-- sweep_claims forgets claims past their life whose events are settled, in the order of seq. What is
-- not settled when its turn comes is looked at again later.
local function sweep_claims()
  local n = 0
  local function forget(e)
    local held = {}
    for _, f in ipairs({ e.claim, e.kind == 'open' and t.open_field(e) or nil }) do
      local c = f ~= '' and t.claimed(f)
      if c and c.seq == e.seq then
        if c.at >= now - claim_life then
          if f == e.claim then return false end
          return nil -- an open may be claimed long after it was accepted
        end
        held[#held + 1] = f
      end
    end
    if #held > 0 and not final[e.state] then return nil end
    for _, f in ipairs(held) do t.unclaim(f) end
    n = n + #held
    return true
  end
  for _, s in ipairs(call('ZRANGE', P .. 'unforgotten', 0, batch - 1)) do
    local e = t.event(tonumber(s))
    if not e or forget(e) then call('ZREM', P .. 'unforgotten', s) end
  end
  local at = tonumber(call('HGET', P .. 'meta', 'forgotten') or 0)
  local from = at
  while n < batch and at < counter and at < from + 10 * batch do
    local e = t.event(at + 1)
    local gone = not e or forget(e)
    if gone == false then break end
    if gone == nil then call('ZADD', P .. 'unforgotten', at + 1, at + 1) end
    at = at + 1
  end
  if at ~= from then call('HSET', P .. 'meta', 'forgotten', at) end
  return n
end

-- sweep_wrote forgets writings that can no longer be told from somebody else's words, a piece of the
-- hash at a time.
local function sweep_wrote()
  local r = call('HSCAN', P .. 'wrote', call('HGET', P .. 'meta', 'wrote') or '0', 'COUNT', batch)
  local gone = {}
  for i = 1, #r[2], 2 do
    local life = r[2][i]:find(SEP .. 'c' .. SEP, 1, true) and 90 * text_life or text_life
    local at = tonumber(r[2][i + 1]:match('(%d+):[^:;]*$'))
    if not at or at < now - life then gone[#gone + 1] = r[2][i] end
  end
  for i = 1, #gone, 500 do call('HDEL', P .. 'wrote', unpack(gone, i, min(i + 499, #gone))) end
  call('HSET', P .. 'meta', 'wrote', r[1])
end

local out = { '', '', text(sweep_leases()) }
t.flush()
local held = sweep_opens()
t.flush()
out[4] = text(held + sweep_waiting())
out[5] = text(sweep_bodies())
out[6] = text(sweep_claims())
sweep_wrote()
local sessions = call('HGETALL', P .. 'session')
for i = 1, #sessions, 2 do
  if tonumber(sessions[i + 1]) < now - 3600e6 then
    call('HDEL', P .. 'session', sessions[i])
    call('HDEL', P .. 'replica', sessions[i])
  end
end
return t.finish(out)
