-- lanes.lua: lanes and what was written (package bridge, "Lanes and leases").

-- set_lane moves a lane to a state with the reason people read.
function t.set_lane(l, state, why, detail)
  l.state, l.reason, l.detail = state, why, detail
  if state == 'ready' then woke = true end
  t.touch(l)
end

-- fresh makes the head of l due now, as never tried.
function t.fresh(l)
  l.due, l.attempt, l.unknown, l.unknown_at, l.evidence, l.evidence_ref, l.evidence_key, l.up_at_first = now, 0, false, 0, false, '', '', 0
  t.set_lane(l, 'ready', '', '')
end

function t.unlease(l)
  l.token, l.session, l.leased_at = '', '', 0
  t.touch(l)
end

-- append puts an event at the end of its lane.
function t.append(e)
  local l = t.make_lane(e.provider, e.dir, e.task)
  t.set_event(e, 'queued', '')
  l.n = l.n + 1
  if l.head == 0 then
    l.head = e.seq
    if l.state == 'parked' then -- its head was ignored; a person lets it go on
      t.park(l, e, l.reason, l.detail)
    else
      t.fresh(l)
    end
  else
    insert(l.push, e.seq)
  end
  t.touch(l)
end

-- behind returns the next event of a lane whose head is leaving, 0 if there is none.
function t.behind(l)
  local s = call('LINDEX', P .. 'queue:' .. l.k, l.pop)
  if s then
    l.pop = l.pop + 1
    return tonumber(s)
  end
  return table.remove(l.push, 1) or 0
end

-- end_head ends the head of a lane, whatever state the lane is in, and moves on to the next event.
function t.end_head(l, e, state, why, first)
  if first ~= '' then e.first = first end
  t.set_event(e, state, why)
  t.unlease(l)
  l.n = l.n - 1
  l.head = 0
  if l.n > 0 then
    l.head = t.behind(l)
    if l.head == 0 then l.n = 0 end -- cannot be; heal rather than stall
  end
  t.fresh(l)
  if l.head == 0 then t.set_lane(l, 'idle', '', '') end
end

-- head_of returns the event at the head of l, nil if it is idle or none.
function t.head_of(l)
  if not l or l.head == 0 then return nil end
  return t.event(l.head)
end

-- park stops a lane at its head.
function t.park(l, head, why, detail)
  t.set_event(head, 'parked', why)
  t.set_lane(l, 'parked', why, detail)
end

-- What was written --------------------------------------------------------------------------------
--
-- Field "LANE US t US hash" of wrote: ";"-joined entries "seq:at:token", oldest first, at most 8:
-- one entry a write of this text. Field "LANE US c US comment": one entry, the write that got this
-- comment id.

local text_life, most_writes = 86400e6, 8

function t.wrote(lk, kind, value)
  local f = lk .. SEP .. kind .. SEP .. value
  local w = wrote[f]
  if not w then
    w = {}
    local s = call('HGET', P .. 'wrote', f)
    if s then
      for entry in s:gmatch('[^;]+') do w[#w + 1] = entry end
    end
    wrote[f] = w
  end
  return w
end

-- note_writing records, with the lease, the texts that are about to be written.
function t.note_writing(l, e)
  for _, h in ipairs({ e.thash, e.dhash }) do
    if h ~= '' then
      local w = t.wrote(l.k, 't', h)
      w[#w + 1] = text(e.seq) .. ':' .. text(now) .. ':' .. l.token
      if #w > most_writes then table.remove(w, 1) end
      w.dirty = true
    end
  end
end

-- forget_writing takes it back: the try surely wrote nothing.
function t.forget_writing(l, e, token)
  for _, h in ipairs({ e.thash, e.dhash }) do
    if h ~= '' then
      local w = t.wrote(l.k, 't', h)
      for i = #w, 1, -1 do
        if w[i]:match(':([^:]*)$') == token then
          table.remove(w, i)
          w.dirty = true
        end
      end
    end
  end
end

-- note_comment records the id the other side gave to what we wrote.
function t.note_comment(l, e, comment)
  local w = t.wrote(l.k, 'c', comment)
  if #w == 0 then
    w[1] = text(e.seq) .. ':' .. text(now) .. ':'
    w.dirty = true
  end
end

-- Echoes and evidence (package bridge, "Accept" step 4 and "Evidence") -----------------------------

local other = { ['in'] = 'out', out = 'in' }

function t.echo(e)
  if e.echo == '' then return nil end
  local l = e.task ~= '' and t.lane(e.provider, other[e.dir], e.task) or nil
  local lk = lane_key(e.provider, other[e.dir], e.task)
  if e.echo == 'direction' or e.echo == 'author' then
    return t.ended(e, 'echo', t.evidence(l, e, 0))
  elseif e.task == '' then
    return nil
  elseif e.echo == 'comment' and e.comment ~= '' then
    local w = t.wrote(lk, 'c', e.comment)
    if w[1] then return t.is_echo_of(l, e, tonumber(w[1]:match('^%d+'))) end
    local head = t.head_of(l)
    if head and (l.state == 'leased' or l.unknown) and (head.thash ~= '' or head.dhash ~= '') then
      l.echoes = l.echoes + 1
      t.touch(l)
      return t.kept(e, 'waiting', 'maybe_echo', '')
    end
  elseif e.echo == 'text' and e.thash ~= '' then
    local w = t.wrote(lk, 't', e.thash)
    for i, entry in ipairs(w) do
      local seq, at = entry:match('^(%d+):(%d+):')
      if tonumber(at) > now - text_life then
        table.remove(w, i) -- one write ends one echo
        w.dirty = true
        return t.is_echo_of(l, e, tonumber(seq))
      end
    end
  end
end

-- behind_maybe_echo reports whether an earlier event of e's lane waits to know whether it is an echo:
-- e must not overtake it, and waits as well.
function t.behind_maybe_echo(e)
  local l = t.lane(e.provider, other[e.dir], e.task)
  if not l or l.echoes == 0 then return false end
  l.echoes = l.echoes + 1
  t.touch(l)
  return true
end

-- is_echo_of ends e as the echo of the written event seq of lane l.
function t.is_echo_of(l, e, seq)
  local first = t.event(seq).id
  t.evidence(l, e, seq)
  return t.ended(e, 'echo', first)
end

-- agrees reports whether echo e is what writing head brought about. Texts tell; where the echo has none, its kind
-- does, except among updates, of which an earlier one may be meant. One without a kind is the acknowledge's, for
-- which SSP has no request type; the reference, which every event of a bond may have, tells only what is foreign.
-- To believe more would lose what never arrived.
local function agrees(e, head)
  if e.kind ~= '' and e.kind ~= head.kind then return false end
  if e.ref_key ~= '' and head.ref_key ~= '' and e.ref_key ~= head.ref_key then return false end
  if e.thash ~= '' and head.thash ~= '' then return e.thash == head.thash end
  if e.kind == '' then return head.kind == 'acknowledge' and e.thash == '' end
  return e.kind ~= 'update' or head.thash == ''
end

-- evidence uses an echo as a receipt for the head of the lane that wrote it. seq names the written
-- event where it is known for sure, 0 otherwise. It returns the id the echo confirms, '' if none.
function t.evidence(l, e, seq)
  local head = t.head_of(l)
  if not head or (seq ~= 0 and head.seq ~= seq) or (seq == 0 and not agrees(e, head)) then return '' end
  return t.proved(l, head, e.id)
end

-- proved settles an unknown head as done, or remembers the proof if a try is in flight.
function t.proved(l, head, by)
  if l.state == 'leased' then
    l.evidence = true
    t.touch(l)
  elseif l.unknown then
    t.end_head(l, head, 'done', 'evidence', by)
    t.recheck(l)
  else
    return ''
  end
  return head.id
end

-- declined uses a declined solution as proof that the solution had arrived.
function t.declined(e)
  local l = t.lane(e.provider, 'in', e.task)
  local head = t.head_of(l)
  if head and head.kind == 'resolve' then t.proved(l, head, e.id) end
end

-- kept_for lists the kept events of a task and, for inbound ones, of a reference, in order.
function t.kept_for(provider, task, ref_key)
  local seen, out = {}, {}
  local function add(seq)
    seq = tonumber(seq)
    if not seen[seq] then
      seen[seq] = true
      out[#out + 1] = seq
    end
  end
  for _, s in ipairs(call('ZRANGE', P .. 'kept:task:' .. provider .. SEP .. task, 0, -1)) do add(s) end
  if ref_key ~= '' then
    for _, s in ipairs(call('ZRANGE', P .. 'kept:ref:' .. provider .. SEP .. ref_key, 0, -1)) do add(s) end
  end
  for _, seq in ipairs(kept) do add(seq) end
  table.sort(out)
  return out
end

-- recheck decides again the events that waited to know whether they are echoes of this lane.
function t.recheck(l)
  if l.echoes == 0 or l.state == 'leased' or l.unknown then return end
  l.echoes = 0
  t.touch(l)
  local dir = other[l.dir]
  for _, seq in ipairs(t.kept_for(l.provider, l.task, '')) do
    local e = t.event(seq)
    if e.state == 'waiting' and e.reason == 'maybe_echo' and e.provider == l.provider and e.task == l.task and e.dir == dir then t.decide(e) end
  end
end
