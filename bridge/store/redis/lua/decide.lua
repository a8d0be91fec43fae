-- decide.lua: what an event means (package bridge, "Accept" and "Making a bond").

local over = { closed = true, superseded = true }

-- Receipts: status, event, first, state, reason, seq, task, reference.

function t.receipt(status, e)
  return { status, e.id, e.first, e.state, e.reason, text(e.seq), e.task, e.reference }
end

function t.add_reference(r, e)
  local b = t.bond(e.provider, e.task)
  if b and b.reference ~= '' then r[8] = b.reference end
  return r
end

local ended_as = { echo = 'echo', late = 'late', ignored_by_rule = 'ignored', not_public = 'ignored', automatic = 'ignored' }

function t.ended(e, why, first)
  if first ~= '' or e.seq == 0 then e.first = first end
  t.set_event(e, 'ended', why)
  return t.add_reference(t.receipt(ended_as[why] or 'duplicate', e), e)
end

function t.queued(e)
  t.append(e)
  return t.add_reference(t.receipt('accepted', e), e)
end

-- kept stores an event as waiting or quarantined. One that was quarantined already and would only
-- wait again stays where people look for it.
function t.kept(e, state, why, detail)
  if detail ~= '' then e.detail = detail end
  if e.state == 'quarantined' and state == 'waiting' then state = 'quarantined' end
  t.set_event(e, state, why)
  return t.receipt(e.state == 'quarantined' and 'quarantined' or 'waiting', e)
end

local status_of = { waiting = 'waiting', quarantined = 'quarantined', ended = 'duplicate' }

-- same answers an offer of an event that is stored already under the same id: the caller repeats
-- itself because it did not get the answer.
function t.same(e)
  local status = status_of[e.state] or 'accepted'
  if e.state == 'ended' then status = ended_as[e.reason] or status end
  if e.reason == 'conflict' then status = 'conflict' end
  return t.add_reference(t.receipt(status, e), e)
end

-- duplicate counts a repeat on the first record and answers with it.
function t.duplicate(e, first)
  if first.id == e.id then return t.same(first) end
  first.rep = first.rep + 1
  t.touch_event(first)
  local r = t.add_reference(t.receipt('duplicate', first), first)
  r[3] = first.id
  return r
end

-- resolving reports whether another solution is on its way in the lane.
local function resolving(l)
  if not l then return false end
  local function is(seq)
    local e = seq ~= 0 and t.event(seq)
    return e and e.kind == 'resolve' and in_lane[e.state]
  end
  if is(l.head) then return true end
  for _, s in ipairs(call('LRANGE', P .. 'queue:' .. l.k, l.pop, -1)) do
    if is(tonumber(s)) then return true end
  end
  for _, seq in ipairs(l.push) do
    if is(seq) then return true end
  end
  return false
end

-- without_effect takes back what an event that ended without effect did to its bond: a solution
-- that never arrived leaves it open, a submit that never arrived makes room for the next one.
function t.without_effect(e, b)
  if not b then return end
  if e.kind == 'resolve' and b.state == 'resolved' then
    if not resolving(t.lane(e.provider, e.dir, e.task)) then
      b.state = 'open'
      t.save_bond(b)
    end
  elseif e.kind == 'submit' and b.state == 'open' and e.mode == 'reopen' and b.submit == e.id then
    b.state = 'closed' -- over, as it was before; the next submit reopens it
    t.save_bond(b)
  elseif e.kind == 'submit' and b.state == 'pending' and b.submit == e.id then
    b.submit = ''
    t.save_bond(b)
  end
end

-- bring_back appends an ended event again. To its bond it does what it did, or would have done: a submit
-- is the one that others merge into, a solution resolves.
function t.bring_back(e, b)
  if e.kind == 'submit' and (b.state == 'resolved' or over[b.state]) then
    t.reopen(b, e)
    t.touch_event(e)
    t.supersede(e.provider, e.task)
  elseif e.kind == 'submit' and b.state == 'pending' and b.submit == '' then
    b.submit = e.id
    t.save_bond(b)
  elseif e.kind == 'resolve' and b.state == 'open' then
    b.state = 'resolved'
    t.save_bond(b)
  end
  t.append(e)
end

-- read_report returns what an event says as a report: of which event the mail did not arrive, and when that
-- mail was written; nil, nil if it is none.
local function read_report(e)
  if e.entrance ~= 'mailbox' then return end
  local ok, body = pcall(cjson.decode, e.body or call('HGET', P .. 'body', text(e.seq)) or '')
  if ok then return body.bounced, body.bounced_at end
end

-- told_before reports whether the report that an event names is about the mail written then, or about a
-- later one: the event was sent again since.
local function told_before(of, at)
  local before = at and of.first ~= '' and t.event_by_id(of.first)
  if not before then return false end
  local id, when = read_report(before)
  return id == of.id and when and at <= when
end

-- reported returns the delivered event of which e reports that its mail did not arrive, nil if there
-- is none. If its outcome is unknown, the report proves that the mail was taken. Else the report about an
-- event that is not settled yet is quarantined, for the try in flight or a person.
function t.reported(e)
  if e.quarantine ~= '' then return nil end
  local id, at = read_report(e)
  local of = id and t.event_by_id(id)
  if not of or of.provider ~= e.provider or of.state == 'ended' then return nil end
  if told_before(of, at) then
    e.detail = e.detail .. '; another report has told of that mail'
    return nil
  end
  local l = t.lane(of.provider, of.dir, of.task)
  if l and l.head == of.seq then t.proved(l, of, '') end
  if of.state ~= 'done' then
    e.quarantine = 'refused'
    of.first = e.id
    t.touch_event(of)
    return nil
  end
  return of
end

-- returned takes up the report that came while the mail about a delivered event was under way.
function t.returned(of)
  t.whole(of)
  local r = of.state == 'done' and of.first ~= '' and t.event_by_id(of.first)
  if not r or r.state ~= 'quarantined' or read_report(r) ~= of.id then return end
  r.task, r.first = of.task, of.id
  t.touch_event(r)
  t.set_event(r, 'ended', 'automatic')
  t.bounce(of, r)
end

-- bounce ends a delivered event as one that did not arrive. An open whose ticket SSP has did arrive.
function t.bounce(of, report)
  if of.kind == 'open' and of.task ~= 'new:' .. of.ref_key then return end
  of.first, of.detail = report.id, report.detail
  t.set_event(of, 'ended', 'bounced')
  t.without_effect(of, t.bond(of.provider, of.task))
end

-- accept takes one fresh event through the steps of package bridge, "Accept".
function t.accept(e)
  if e.quarantine ~= '' or e.ignore ~= '' then -- step 1
    -- kept or recorded only: with an id for good, without one for its window
    local f = t.claim_field(e, 'q:' .. e.ignore .. (e.key ~= '' and ':k:' .. e.key or ':h:' .. e.chash))
    local c = t.claimed(f)
    if c and (e.key ~= '' or now - c.at <= e.window) then return t.duplicate(e, t.event(c.seq)) end
    local gone = t.reported(e)
    if e.quarantine ~= '' then
      t.set_event(e, 'quarantined', e.quarantine)
    else
      if gone then e.task, e.first = gone.task, gone.id end
      t.set_event(e, 'ended', e.ignore)
      if gone then t.bounce(gone, e) end
    end
    t.claim(e, f, '')
    return t.receipt(e.quarantine ~= '' and 'quarantined' or 'ignored', e)
  end
  if e.key == '' then
    local known = t.event_by_id(e.id)
    if known then return t.same(known) end
    return t.decide(e)
  end
  local f = t.claim_field(e, 'k:' .. e.key) -- step 2
  local c = t.claimed(f)
  if not c then
    local r = t.decide(e)
    t.claim(e, f, e.chash)
    return r
  end
  if c.hash == e.chash then return t.duplicate(e, t.event(c.seq)) end
  local first = t.event(c.seq)
  f = t.claim_field(e, 'c:' .. e.chash .. ':' .. e.key)
  c = t.claimed(f)
  if c then return t.duplicate(e, t.event(c.seq)) end
  e.first = first.id
  e.detail = 'the sender used the id "' .. e.key .. '" before for something else, see the first event; assign it to apply it, or discard it'
  t.set_event(e, 'quarantined', 'conflict')
  t.claim(e, f, '')
  return t.receipt('conflict', e)
end

-- merged carries out step 5 for a fresh event without a key.
function t.merged(e, b, place, owner)
  if e.key ~= '' or e.seq ~= 0 then return place(e, b, owner) end
  local f = t.claim_field(e, 'h:' .. e.mhash .. ':' .. (b and b.resolves or 0))
  local c = t.claimed(f)
  if c and now - c.at <= e.window then return t.ended(e, 'duplicate', t.event(c.seq).id) end
  local r = place(e, b, owner)
  if not final[e.state] then t.claim(e, f, '') end -- what says nothing new must not stand in the way of what does later
  return r
end

-- conflicting says why task and reference of an event do not fit together, '' if they do (step 3).
local function conflicting(e, b, owner)
  if e.ref_key == '' or e.kind == 'submit' then return '' end
  if owner ~= '' and owner ~= e.task and (e.dir == 'in' or not b) then
    return 'reference ' .. e.reference .. ' belongs to task ' .. owner .. ', the event names task ' .. e.task ..
      ': assign it to one of them, or correct the bond with `bonds move`'
  end
  if e.dir == 'in' and owner == '' and b and b.ref_key ~= '' then
    return 'task ' .. e.task .. ' has the reference ' .. b.reference .. ', the event names ' .. e.reference ..
      ': assign it, or give the task its new reference with `bonds link`'
  end
  return ''
end

-- decide takes an event, fresh or kept, through steps 3 to 6.
function t.decide(e)
  local owner = t.owner(e.provider, e.ref_key)
  if e.dir == 'in' and e.task == '' and owner ~= '' then
    e.task = owner
    e.changed = true
  end
  if e.kind == 'open' and e.task ~= '' then -- its ticket is known
    e.kind = t.known(e)
    e.changed = true
  end
  local b = t.bond(e.provider, e.task)
  local why = conflicting(e, b, owner)
  if why ~= '' then return t.kept(e, 'quarantined', 'reference_conflict', why) end
  if e.echo == 'comment' and b and not over[b.state] and b.reference == '' and e.ref_key ~= '' and owner == '' then
    -- Whose words they are may stay open for now; that the ticket is there is certain.
    t.bind(b, { reference = e.reference, ref_key = e.ref_key, by = e, because = 'evidence' })
    owner = e.task
    if e.kind == 'acknowledge' then return t.add_reference(t.receipt('accepted', e), e) end -- bind has put it into its lane
  end
  local r = t.echo(e) -- step 4
  if r then return r end
  if e.kind == 'submit' then return t.submit(e, b, owner) end
  local place = e.dir == 'out' and t.outbound or e.kind == 'open' and t.open or t.inbound -- step 6
  if e.kind == 'close' then return place(e, b, owner) end
  return t.merged(e, b, place, owner)
end

-- place appends a submit: the task has moved here.
local function place(e)
  t.supersede(e.provider, e.task)
  return t.queued(e)
end

-- submit carries out the Submit table.
function t.submit(e, b, owner)
  if owner == '' and t.foreign(e.provider, e.task, e.ref_key) then
    e.reference, e.ref_key = '', '' -- the task moved here with the other provider's number
    e.changed = true
  end
  local fresh = e.ref_key ~= '' and owner == ''
  e.mode = 'new'
  if owner ~= '' and owner ~= e.task then -- parks at its head, see lease
    if not b then
      b = t.make_bond(e.provider, e.task, e.id)
    elseif b.state == 'resolved' or over[b.state] then
      t.reopen(b, e)
    end
    local r = place(e)
    t.release(b, e)
    return r
  elseif not b and fresh then
    e.mode = 'continue'
    b = t.make_bond(e.provider, e.task, e.id)
    local r = t.merged(e, b, place)
    t.bind(b, { reference = e.reference, ref_key = e.ref_key, by_ssp = true })
    return r
  elseif not b then
    b = t.make_bond(e.provider, e.task, e.id)
    local r = place(e)
    t.release(b, e)
    return r
  elseif b.state == 'pending' and fresh then
    t.bind(b, { reference = e.reference, ref_key = e.ref_key, by_ssp = true, by = e, because = 'evidence' })
    e.mode = 'continue'
    return t.merged(e, b, place)
  elseif b.state == 'pending' and b.submit == '' then -- the one before ended without effect
    b.submit = e.id
    t.save_bond(b)
    return place(e)
  elseif b.state == 'pending' then
    return t.ended(e, 'duplicate', b.submit)
  elseif b.state == 'open' and e.ref_key ~= '' then
    e.mode = 'continue'
    return t.merged(e, b, function(x)
      if fresh then t.bind(b, { reference = e.reference, ref_key = e.ref_key, by_ssp = true }) end
      return place(x)
    end)
  elseif b.state == 'open' then
    return t.ended(e, 'duplicate', b.submit)
  end
  t.reopen(b, e)
  local r = place(e)
  if fresh then t.bind(b, { reference = e.reference, ref_key = e.ref_key, by_ssp = true }) end
  return r
end

-- reopen brings a bond that was resolved or over back to work.
function t.reopen(b, e)
  b.state, e.mode = 'open', 'reopen'
  if e.kind == 'submit' then b.submit = e.id end
  if b.reference == '' then
    b.state = 'pending'
    if e.kind == 'submit' then e.mode = 'new' end
  end
  t.save_bond(b)
end

-- outbound carries out the table of the other Out kinds.
function t.outbound(e, b, owner)
  local fresh = e.ref_key ~= '' and owner == '' and not t.foreign(e.provider, e.task, e.ref_key)
  if not b then
    if not fresh then return t.kept(e, 'waiting', 'unknown_task', '') end
    b = t.make_bond(e.provider, e.task, e.id)
    t.bind(b, { reference = e.reference, ref_key = e.ref_key, by_ssp = true })
    if e.state ~= '' and not keeps[e.state] then -- it waited itself, and bind has released it in its place
      return t.add_reference(t.receipt('accepted', e), e)
    end
  elseif fresh and b.reference == '' then -- SSP learned the reference by another way than us
    t.bind(b, { reference = e.reference, ref_key = e.ref_key, by_ssp = true, by = e, because = 'evidence' })
  end
  if e.kind == 'reject_solution' then
    if b.state == 'resolved' or over[b.state] then t.reopen(b, e) end
    e.mode = 'reopen'
    t.declined(e)
  elseif e.kind == 'close' then
    if b.state == 'closed' then return t.ended(e, 'merged', '') end
    b.state = 'closed'
    t.save_bond(b)
  end
  return t.queued(e)
end

-- inbound carries out the table of the In kinds.
function t.inbound(e, b, owner)
  if not b then
    if e.ref_key ~= '' then return t.kept(e, 'waiting', 'unknown_reference', '') end
    if e.task ~= '' then return t.kept(e, 'waiting', 'unknown_task', '') end
    return t.kept(e, 'quarantined', 'missing_field',
      "the event names neither a task nor a reference: assign it, or correct the provider's rules and read it again")
  elseif over[b.state] then
    return t.ended(e, 'late', '')
  elseif b.reference == '' and e.ref_key ~= '' and owner == '' then
    t.bind(b, { reference = e.reference, ref_key = e.ref_key, by = e, because = 'evidence' })
    if e.kind == 'acknowledge' then -- it is in the lane: bind put it before everything that waited
      return t.add_reference(t.receipt('accepted', e), e)
    end
  elseif b.reference == '' then
    return t.kept(e, 'waiting', 'awaits_reference', '')
  end
  if e.kind ~= 'acknowledge' and t.behind_maybe_echo(e) then return t.kept(e, 'waiting', 'maybe_echo', '') end
  if e.kind == 'acknowledge' then
    if b.acked then return t.ended(e, 'merged', '') end
    b.acked = true
    t.save_bond(b)
  elseif e.kind == 'resolve' then
    if b.state == 'resolved' then return t.ended(e, 'merged', '') end
    b.state, b.resolves = 'resolved', b.resolves + 1
    t.save_bond(b)
  end
  return t.queued(e)
end

-- known returns what an open is where its ticket is known.
function t.known(e)
  local ok, body = pcall(cjson.decode, e.body or call('HGET', P .. 'body', text(e.seq)) or '{}')
  return ok and body['else'] or 'acknowledge'
end

local function open_field(provider, ref_key) return provider .. SEP .. 'in' .. SEP .. 'o:' .. ref_key end

function t.open_field(e) return open_field(e.provider, e.ref_key) end

-- open_task is what stands for the task of an open ("OpenTask").
local function open_task(ref_key) return 'new:' .. ref_key end

-- opened returns the open of a reference that is on its way or was delivered, nil if there is none.
function t.opened(provider, ref_key)
  local c = ref_key ~= '' and t.claimed(open_field(provider, ref_key))
  local e = c and t.event(c.seq)
  return e and e.state ~= 'ended' and e.reason ~= 'observed' and e or nil -- observed: nothing was sent
end

-- claim_open records that e is the open of its reference, beside the claim of its key.
function t.claim_open(e)
  local claim = e.claim
  t.claim(e, open_field(e.provider, e.ref_key), '')
  if claim ~= '' then e.claim = claim end
end

function t.unclaim_open(e)
  local f = open_field(e.provider, e.ref_key)
  local c = t.claimed(f)
  if c and c.seq == e.seq then t.unclaim(f) end
end

local open_wait = 7 * 86400e6 -- bridge.OpenWait

-- may_make reports whether e may have made a ticket whose reference we were not told yet. What is parked
-- and was surely refused at every try has made none.
local function may_make(e)
  if not makers[e.kind] or not maker_mode[e.mode] then return false end
  if e.state == 'parked' then
    local l = t.lane(e.provider, e.dir, e.task)
    return l and l.unknown or false
  end
  return in_lane[e.state] or t.unanswered(e) and e.ended > now - open_wait
end

-- making reports whether an event that was accepted before e may have made the ticket of e.
function t.making(e)
  local last, from = e.seq == 0 and '+inf' or '(' .. text(e.seq), 0
  repeat
    local page = call('ZRANGEBYSCORE', P .. 'maker:' .. e.provider, '-inf', last, 'LIMIT', from, 100)
    for _, s in ipairs(page) do
      local m = t.event(tonumber(s))
      if m and may_make(m) then return true end
    end
    from = from + #page
  until #page < 100
  for _, m in ipairs(dev) do -- not in the index yet
    if m.dirty and m.provider == e.provider and (e.seq == 0 or m.seq < e.seq) and may_make(m) then return true end
  end
  return false
end

-- open carries out the Open table for an event whose ticket nobody knows.
function t.open(e)
  if e.ref_key == '' then
    return t.kept(e, 'quarantined', 'missing_field', 'a new ticket needs its reference: without it nobody could tell which task it becomes')
  end
  local first = t.opened(e.provider, e.ref_key)
  if first then
    local known = t.known(e)
    e.detail = ''
    if e.seq ~= 0 then t.touch_event(e) end
    if known ~= 'acknowledge' then
      e.kind = known
      return t.inbound(e, nil, '')
    end
    e.task = open_task(e.ref_key)
    return t.ended(e, 'duplicate', first.id)
  elseif t.making(e) then
    return t.kept(e, 'waiting', 'unknown_reference', 'the provider has not told the reference of every ticket that we ordered before, and this may be one of them')
  end
  return t.new_ticket(e)
end

-- arrived settles the opens of a reference that SSP knows now, and gives them and their repeats the task.
-- One that is being delivered right now is proved by that, and arrives when its try settles.
function t.arrived(provider, ref_key, reference, task)
  if ref_key == '' or task == '' then return end
  local from = open_task(ref_key)
  local l = t.lane(provider, 'in', from)
  if not l and not t.claimed(open_field(provider, ref_key)) then return end
  local head = t.head_of(l)
  while head do
    if l.state == 'leased' then
      l.evidence, l.evidence_ref, l.evidence_key = true, reference, ref_key
      t.touch(l)
      break
    end
    t.end_head(l, head, 'done', 'evidence', '')
    head = t.head_of(l)
  end
  local function home(e)
    if e and e.kind == 'open' and e.provider == provider and final[e.state] and e.task == from then
      e.task = task
      t.touch_event(e)
    end
  end
  for i = 1, #dev do home(dev[i]) end -- not listed yet
  for _, s in ipairs(call('LRANGE', P .. 'of:task:' .. from, 0, -1)) do home(t.event(tonumber(s))) end
end

-- settled_open follows up the try of an open whose ticket became known meanwhile.
function t.settled_open(head)
  if head.kind == 'open' then t.arrived(head.provider, head.ref_key, head.reference, t.owner(head.provider, head.ref_key)) end
end

-- new_ticket puts an open into the lane of its reference.
function t.new_ticket(e)
  e.task, e.detail, e.changed = open_task(e.ref_key), '', true
  local r = t.queued(e)
  t.claim_open(e)
  return r
end

-- open_anyway puts an open into a lane because a person says so. If its ticket is known by now it is
-- what it says otherwise.
function t.open_anyway(e)
  local owner = t.owner(e.provider, e.ref_key)
  if owner == '' then
    t.new_ticket(e)
    return
  end
  t.unclaim_open(e)
  e.kind, e.task, e.detail = t.known(e), owner, ''
  t.touch_event(e)
  t.inbound(e, t.bond(e.provider, owner), owner)
end

-- Making a bond ------------------------------------------------------------------------------------

local live_bond = { pending = true, open = true, resolved = true }

-- supersede ends the bonds that the task has at other providers.
function t.supersede(provider, task)
  for _, p in ipairs(t.bonded_at(task)) do
    local b = p ~= provider and t.bond(p, task)
    if b and live_bond[b.state] then
      b.state = 'superseded'
      t.save_bond(b)
      t.release(b) -- what waited for its reference is late now
      for _, dir in ipairs({ 'in', 'out' }) do
        local l = t.lane(p, dir, task)
        if l and l.state == 'held' then t.set_lane(l, 'ready', '', '') end -- decided again at the next lease
      end
    end
  end
end

-- reindex_submit looks again whether the delivered submit of a bond may have made a ticket nobody told us of.
function t.reindex_submit(b)
  local s = b.submit ~= '' and t.event_by_id(b.submit)
  if s and s.state == 'done' then t.move_event(s) end -- the flush sees to the index
end

-- bind gives a bond its reference and does everything that follows. It returns false, having done
-- nothing, if the reference is another task's. w: reference, ref_key; by_ssp: SSP knows it already;
-- by: the event that names it; because: what an unsettled submit ends with, nil if it is being
-- settled; submit: that one.
function t.bind(b, w)
  local owner = t.owner(b.provider, w.ref_key)
  if owner ~= '' and owner ~= b.task then return false end
  if owner == '' then
    t.set_owner(b.provider, w.ref_key, b.task)
    insert(b.refs, w.ref_key)
  end
  if b.ref_key ~= w.ref_key then b.reference, b.ref_key, b.acked = w.reference, w.ref_key, false end
  if b.state == 'pending' then
    b.state = 'open'
    if not w.submit then t.reindex_submit(b) end
  end
  if w.by_ssp then b.acked = true end
  local ack
  if not b.acked and not over[b.state] then
    b.acked = true
    if not w.by or w.by.kind ~= 'acknowledge' then
      ack = t.acknowledge(b, w)
    else
      ack = w.by
    end
  end
  t.save_bond(b)
  if w.because then t.evidence_for_submit(b, w) end
  t.arrived(b.provider, w.ref_key, w.reference, b.task)
  if ack then
    ack.task = b.task
    t.append(ack)
  end
  local l = t.lane(b.provider, 'out', b.task)
  if l then t.recheck(l) end
  t.release(b, w.by)
  l = t.lane(b.provider, 'out', b.task)
  if l and l.state == 'held' then t.set_lane(l, 'ready', '', '') end
  if l then t.recheck(l) end
  return true
end

-- trace_of returns the trace of an event, as JSON, or nil. It stands behind the time in the body;
-- decoding all of that would cost more.
local function trace_of(e)
  local body = e and (e.body or call('HGET', P .. 'body', text(e.seq)))
  return body and body:match('"received":"[^"]*","trace":("%x+%-%x+%-%x+%-%x+")')
end

-- acknowledge makes the event that tells SSP the reference.
function t.acknowledge(b, w)
  local id = t.new_id()
  local trace = trace_of(w.by) or trace_of(w.submit or b.submit ~= '' and t.event_by_id(b.submit))
  return { seq = 0, id = id, provider = b.provider, task = b.task, dir = 'in', kind = 'acknowledge', reference = w.reference, ref_key = w.ref_key,
    mode = '', key = '', window = 0, echo = '', comment = '', entrance = 'follow_up', received = now, detail = '', quarantine = '', ignore = '', chash = '',
    mhash = '', thash = '', dhash = '', body = trace and '{"trace":' .. trace .. '}' or '{}', dirty = false, raw = false, fate = false, whole = true, changed = true, state = '', reason = '', first = '', rep = 0, ended = 0, shrunk = 0, claim = '' }
end

-- evidence_for_submit settles the unsettled submit of a bond that got its reference by another way.
function t.evidence_for_submit(b, w)
  local l = t.lane(b.provider, 'out', b.task)
  local head = t.head_of(l)
  if not head or head.kind ~= 'submit' then return end
  if l.state == 'leased' then
    l.evidence, l.evidence_ref, l.evidence_key = true, w.reference, w.ref_key
    t.touch(l)
    return
  end
  t.end_head(l, head, 'done', w.because, w.by and w.by.id or '')
end

-- release decides again, in order of acceptance, the events that waited for this bond; but not the
-- one that is being decided right now.
function t.release(b, deciding)
  local task, ref_key = b.task, b.ref_key
  for _, seq in ipairs(t.kept_for(b.provider, task, ref_key)) do
    local e = t.event(seq)
    if e and not (deciding and deciding.seq == seq) and keeps[e.state] and waits_for_bond[e.reason] and e.provider == b.provider and
      (e.task == task or (ref_key ~= '' and e.dir == 'in' and e.ref_key == ref_key)) then
      t.decide(e)
    end
  end
end
