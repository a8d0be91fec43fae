-- apply.lua: what follows from the result of a try, and leases (package bridge, "Settle" and
-- "Lanes and leases").

local max_gap = 600e6

-- note keeps breaker and answered time of a destination after one result.
local function note(d, r)
  local probe = d.probe ~= '' and d.probe == r.token
  if probe then d.probe = '' end
  t.touch_dest(d)
  if not r.down and not r.contact then return end
  if not r.down then
    d.failures, d.open_to, d.open_for = 0, 0, 0
    if r.kind == 'done' or r.kind == 'refused' then
      if d.answered ~= 0 then d.up = d.up + min(max(now - d.answered, 0), max_gap) end
      d.answered = now
    end
    return
  end
  d.failures = d.failures + 1
  d.answered = 0
  if d.brk <= 0 or d.failures < d.brk then return end
  if d.open_for == 0 then
    d.open_for = d.brk_for
  elseif probe then
    d.open_for = min(d.open_for * 2, 16 * d.brk_for)
  else
    return -- a straggler from before it opened
  end
  d.open_to = now + d.open_for
end

-- set_unknown keeps since when it is unknown whether the head was applied. A later try that surely
-- wrote nothing does not take that back.
local function set_unknown(l, r)
  if r.kind == 'unknown' and (not l.unknown or r.wrote) then
    l.unknown, l.unknown_at = true, now
    t.touch(l)
  end
end

-- done ends the head as applied and gives its bond the reference the answer brought. It reports
-- whether the bond got one.
function t.done(l, head, b, why, reference, key)
  if b and reference == b.reference then key = b.ref_key end
  if why == 'observed' and b and b.state == 'pending' and b.submit == head.id then
    b.submit = '' -- nothing was sent: the next submit is the first
    t.save_bond(b)
  end
  if key == '' or not b or key == b.ref_key or (head.kind ~= 'submit' and head.kind ~= 'reject_solution') then
    t.end_head(l, head, 'done', why, '')
    return false
  end
  local owner = t.owner(head.provider, key)
  if owner ~= '' and owner ~= head.task then
    head.detail = 'the provider answered with reference "' .. reference .. '"'
    t.touch_event(head)
    t.park(l, head, 'reference_conflict', 'the provider answered with reference ' .. reference .. ', which belongs to task ' .. owner ..
      ': decide with `bonds move`, `bonds link` or `events settle`')
    return false
  end
  t.end_head(l, head, 'done', why, '')
  return t.bind(b, { reference = reference, ref_key = key, submit = head })
end

-- read_result takes one result from ARGV: provider, dir, task, seq, attempt, token, kind, reason,
-- detail, wrote, down, contact, reference, ref_key, comment, then, due, attempt (JSON), number of
-- follow-up events; then those.
function t.read_result()
  local i = ap
  ap = ap + 19
  local r = { lane = A[i + 1] .. '/' .. A[i + 2] .. '/' .. A[i + 3], seq = tonumber(A[i + 4]), attempt = tonumber(A[i + 5]), token = A[i + 6],
    kind = A[i + 7], reason = A[i + 8], detail = A[i + 9], wrote = A[i + 10] == '1', down = A[i + 11] == '1', contact = A[i + 12] == '1',
    reference = A[i + 13], ref_key = A[i + 14], comment = A[i + 15], ['then'] = A[i + 16], due = tonumber(A[i + 17]), json = A[i + 18], follow = {} }
  for n = 1, tonumber(A[i + 19]) do r.follow[n] = t.read_event() end
  return r
end

-- proves reports whether evidence seen during a try settles its event. It does not where nothing can
-- have happened: not a byte left, now or earlier, so the echo was of something else. A bond made
-- meanwhile (evidence_ref) proves its submit if that is tried again, and its open in any case.
local function proves(l, head, r, what)
  if what == 'retry' or what == 'wait' then return r.reason ~= 'not_sent' or l.unknown or l.evidence_ref ~= '' end
  if what == 'park' or what == 'skip' then return r.kind == 'unknown' or l.unknown or head.kind == 'open' and l.evidence_ref ~= '' end
  return false
end

-- settle records one result and applies what follows from it. Verdict: token, fenced, state,
-- reason, bonded, parked.
function t.settle(r)
  local l = t.lane_by(r.lane)
  local ours = l and l.state == 'leased' and l.token == r.token and l.head == r.seq
  -- Delivered by the try that was given up last, before anybody tries it again: a repeat would double it.
  local late = l and l.head == r.seq and l.attempt == r.attempt and r['then'] == 'done' and l.state == 'ready' and l.reason == 'lease_expired'
  local head = ours and t.stub(l) or t.event(r.seq)
  if not head then return { r.token, '1', '', '', '0', '0' } end
  t.attempt(head, r.attempt, r.token, r.json, true) -- a late result says more of its try than the sweep that gave it up
  if not ours and not late then return { r.token, '1', head.state, head.reason, '0', '0' } end
  if ours then note(t.dest(l.dest), r) end
  if not r.wrote then
    t.forget_writing(l, head, r.token)
  elseif r.comment ~= '' then
    t.note_comment(l, head, r.comment)
  end
  t.unlease(l)
  local what, why, reference, key, bound = r['then'], r.reason, r.reference, r.ref_key, false
  local seen = l.evidence
  if seen and proves(l, head, r, what) then
    what, why = 'done', 'evidence'
    if reference == '' then reference, key = l.evidence_ref, l.evidence_key end
  end
  local b = (key ~= '' or r.kind == 'refused' or what == 'skip' or why == 'observed') and t.bond(l.provider, l.task) or nil
  if r.kind == 'refused' and what ~= 'done' and what ~= 'retry' and b and over[b.state] then
    t.end_head(l, head, 'ended', 'late', '')
  elseif what == 'done' then
    bound = t.done(l, head, b, why, reference, key)
    if head.state == 'done' then
      for _, f in ipairs(r.follow) do t.accept(f) end
    end
  elseif what == 'skip' then
    head.detail = r.detail
    t.end_head(l, head, 'ended', 'skipped', '')
    t.without_effect(head, b)
  elseif what == 'park' then
    set_unknown(l, r)
    t.park(l, head, why, r.detail)
  else -- retry, wait
    set_unknown(l, r)
    l.due = max(r.due, now)
    t.set_event(head, 'queued', why)
    t.set_lane(l, 'ready', why, r.detail)
  end
  t.settled_open(head)
  if seen then t.returned(head) end
  t.recheck(l)
  return { r.token, '0', head.state, head.reason, bound and '1' or '0', l.state == 'parked' and '1' or '0' }
end

-- Leases -------------------------------------------------------------------------------------------

-- room returns how many leases may be given now, and when asking again makes sense if time is what
-- is missing (0 if it is not).
function t.room(d, w)
  local n = w.n
  if d.paused then return 0, 0 end
  if w.in_flight > 0 then n = min(n, w.in_flight - d.inflight) end
  if w.brk > 0 and d.failures >= w.brk then
    if now < d.open_to then return 0, d.open_to end
    if d.probe ~= '' then return 0, 0 end
    n = min(n, 1)
  end
  if w.rate > 0 and n > 0 then
    local burst = max(w.burst, 1)
    if d.filled == 0 then
      d.tokens = burst
    else
      d.tokens = min(burst, d.tokens + (now - d.filled) / 1e6 * w.rate)
    end
    d.filled = now
    t.touch_dest(d)
    if d.tokens + 1e-6 < 1 then return 0, now + math.ceil((1 - d.tokens) / w.rate * 1e6) end
    n = min(n, floor(d.tokens + 1e-6))
  end
  return max(n, 0), 0
end

-- lease_head leases the head of a ready lane, unless its bond says otherwise.
function t.lease_head(session, w, l, d, out)
  local head, b = t.event(l.head), t.bond(l.provider, l.task)
  if not b and head.kind == 'open' then b = t.no_bond(head) end
  if not b then -- cannot be; a lane without a bond has nothing to stand on
    t.park(l, head, 'unknown_task', 'the bond of this lane is missing: link the task with `bonds link`')
    return false
  elseif b.state == 'superseded' and l.dir == 'in' then
    t.end_head(l, head, 'ended', 'late', '')
    t.recheck(l)
    return false
  elseif b.state == 'superseded' and l.attempt == 0 then
    t.end_head(l, head, 'ended', 'superseded', '')
    t.recheck(l)
    return false
  elseif head.kind == 'submit' and head.ref_key ~= '' and head.ref_key ~= b.ref_key then
    local owner = t.owner(head.provider, head.ref_key)
    if owner == '' then -- it was taken from the other task meanwhile
      t.bind(b, { reference = head.reference, ref_key = head.ref_key, by_ssp = true })
      head.mode = 'continue'
      t.touch_event(head)
    elseif owner ~= head.task then
      t.park(l, head, 'reference_conflict', 'reference ' .. head.reference .. ' belongs to task ' .. owner ..
        ': decide with `bonds move` or `bonds unlink`, or ignore this submit')
      return false
    end
  elseif head.dir == 'out' and head.kind ~= 'submit' and b.reference == '' and not w.without_reference then
    t.set_lane(l, 'held', 'awaits_reference', 'the provider has not told its reference yet')
    return false
  end
  if head.kind == 'submit' and head.mode == 'new' and b.reference ~= '' then
    head.mode = 'continue' -- the reference became known while it waited
    t.touch_event(head)
  end
  made = made + 1
  l.attempt = l.attempt + 1
  l.token, l.session, l.leased_at = tokseed .. fmt('%x', made), session, now
  l.evidence, l.evidence_ref, l.evidence_key = false, '', ''
  if l.attempt == 1 then l.up_at_first = d.up end
  l.state, l.reason, l.detail, l.kind = 'leased', '', '', head.kind
  t.touch(l)
  t.set_event(head, 'leased', '')
  t.note_writing(l, head)
  t.lease_out(l, head, b, d, out)
  return true
end

-- no_bond stands for the bond of an open: it holds the reference and nothing else.
function t.no_bond(e)
  return { dirty = true, state = '', reference = e.reference, ref_key = e.ref_key, resolves = 0, submit = '', acked = false, created = 0, changed = 0, refs = {} }
end

-- lease_out adds a lease to an answer: lane, seq, attempt, token, unknown, unknown since, spent; the
-- records of the event and of the bond as they are stored.
function t.lease_out(l, head, b, d, out)
  local n = #out
  if head.changed or not head.raw then head.raw = ev_pack(head) end
  out[n + 1], out[n + 2], out[n + 3], out[n + 4], out[n + 5] = l.k, text(head.seq), text(l.attempt), l.token, l.unknown and '1' or '0'
  out[n + 6], out[n + 7] = text(l.unknown_at), text(l.attempt > 1 and d.up - l.up_at_first or 0)
  out[n + 8], out[n + 9] = head.raw, t.bond_pack(b)
end

-- lease gives leases of due lane heads at one destination. It returns when asking again makes
-- sense, 0 if time alone changes nothing. Everything else must be flushed.
function t.lease(session, w, out, tokens)
  local d = t.dest(w.dest)
  local n, again = t.room(d, w)
  local key, skip, given, touched = P .. 'due:' .. w.dest, 0, 0, {}
  while n > 0 do
    local page = call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', skip, n)
    if #page == 0 then break end
    skip = skip + #page
    local keys = {}
    for i, m in ipairs(page) do keys[i] = m:sub(18) end
    t.prefetch_lanes(keys, true)
    for _, m in ipairs(page) do
      local l = t.lane_by(m:sub(18))
      touched[m] = true
      while n > 0 and l.state == 'ready' and not l.paused and l.due <= now do -- else held, parked, or out of events
        if t.lease_head(session, w, l, d, out) then
          n = n - 1
          given = given + 1
          insert(tokens, l.k)
          insert(tokens, l.token)
          if w.rate > 0 then
            d.tokens = d.tokens - 1
            t.touch_dest(d)
          end
          if w.brk > 0 and d.failures >= w.brk then
            d.probe = l.token
            t.touch_dest(d)
          end
        end
      end
    end
  end
  if again == 0 and not d.paused then
    local left = call('ZRANGE', key, 0, skip, 'WITHSCORES')
    for i = 1, #left, 2 do
      if not touched[left[i]] then
        local due = tonumber(left[i + 1])
        if due > now then
          again = due
        elseif w.n > 0 and w.rate > 0 and n <= 0 then
          d.inflight = d.inflight + given
          local _
          _, again = t.room(d, w)
          d.inflight = d.inflight - given
        end
        break
      end
    end
  end
  return again
end
