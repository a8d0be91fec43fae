-- operate.lua carries out one command of a person (package bridge, Operator).
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- ARGV[8..20]          verb, person, note, event, lane (provider/dir/task), destination, duty, provider,
--                      task, reference, ref_key, state, target as it is recorded
-- ARGV[21]             number of events of quarantine_reread; then 22 arguments each
-- returns              {"counter:writes", woke, "ok", changed, detail, number of events, events..., receipts
--                      (8 texts each)...}, or {counter, woke, "refused" or "missing", message}
local memo = t.begin()
if memo then return memo end
local c = { verb = arg(), person = arg(), note = arg(), event = arg(), lane = arg(), dest = arg(), duty = arg(), provider = arg(), task = arg(),
  reference = arg(), ref_key = arg(), state = arg(), target = arg() }
local out = { changed = false, detail = '', events = {}, receipts = {} }

-- refuse and missing are returned by a verb that cannot be carried out.
local function refuse(...) return { 'refused', fmt(...) } end
local function missing(what, name) return { 'missing', what .. ' ' .. name } end

local function moved(e)
  out.changed = true
  insert(out.events, e.id)
end

local verbs = {}

-- head_named returns an event and, if it is the head of its lane, the lane; or a refusal.
local function head_named(id)
  local e = t.event_by_id(id)
  if not e then return nil, nil, missing('event', id) end
  local l = t.lane(e.provider, e.dir, e.task)
  if e.state == 'leased' then return e, l, refuse('event %s is being delivered right now: wait for the attempt to end', id) end
  if l and l.head == e.seq then return e, l end
  return e, nil
end

local function retry_head(l, e)
  t.set_event(e, 'queued', '')
  local attempt = l.attempt
  t.fresh(l)
  l.attempt = attempt -- the numbers of the attempts go on
  l.up_at_first = t.dest(l.dest).up
  moved(e)
end

local may_travel = { out = { submit = true, update = true, reject_solution = true, close = true },
  ['in'] = { acknowledge = true, update = true, resolve = true, open = true } }
local may_return = { duplicate = true, merged = true, late = true, skipped = true, bounced = true, ignored = true, superseded = true, echo = true }

function verbs.event_retry()
  local e, l, no = head_named(c.event)
  if no then return no end
  if l then return retry_head(l, e) end
  if e.state == 'queued' then
    return refuse('event %s waits behind the head of its lane, event %s: retry that one', e.id, t.head_of(t.lane(e.provider, e.dir, e.task)).id)
  elseif e.kind == 'open' and keeps[e.state] and e.reason == 'unknown_reference' then -- the person knows that no submit of ours made this ticket
    t.open_anyway(e)
    moved(e)
    return
  elseif e.state ~= 'ended' then
    return refuse('event %s is %s: nothing to retry', e.id, e.state)
  elseif not may_travel[e.dir][e.kind] or e.kind == 'open' and e.ref_key == '' or e.kind ~= 'open' and (e.task == '' or not t.bond(e.provider, e.task)) then
    return refuse('event %s belongs to no bond: link its task first with `bonds link`', e.id)
  elseif not may_return[e.reason] then
    return refuse('event %s ended as %s: it cannot be released', e.id, e.reason)
  end
  if e.shrunk == 1 then
    return refuse('the contents of event %s were removed when its retention ended: there is nothing left to send', e.id)
  end
  local b = t.bond(e.provider, e.task)
  if e.kind == 'open' then
    t.open_anyway(e)
  elseif b.state == 'superseded' and e.kind ~= 'submit' then -- it would end again at once
    return refuse('event %s cannot be delivered: task %s is with another provider; `events retry` of its submit here brings it back first', e.id, e.task)
  else
    t.bring_back(e, b)
  end
  moved(e)
end

function verbs.event_ignore()
  local e, l, no = head_named(c.event)
  if no then return no end
  if l then
    t.end_head(l, e, 'ended', 'ignored', '')
    if l.head ~= 0 then
      t.park(l, t.event(l.head), 'awaits_resume', 'the head before this was ignored; `lanes resume` goes on')
    else
      t.set_lane(l, 'parked', 'awaits_resume', 'the last event was ignored; `lanes resume` goes on')
    end
    t.recheck(l)
  elseif e.state == 'queued' then
    local at = t.lane(e.provider, e.dir, e.task)
    at.n = at.n - 1
    insert(at.rem, e.seq)
    t.touch(at)
    t.set_event(e, 'ended', 'ignored')
  elseif e.state == 'waiting' then -- it has done nothing to its bond yet
    t.set_event(e, 'ended', 'ignored')
    moved(e)
    return
  else
    return refuse('event %s is %s: only an event that is not settled can be ignored (quarantined ones: `quarantine discard`)', e.id, e.state)
  end
  t.without_effect(e, t.bond(e.provider, e.task))
  moved(e)
end

function verbs.event_settle()
  local e, l, no = head_named(c.event)
  if no then return no end
  if not l then return refuse('event %s is %s: only the head of a lane can be settled by hand', e.id, e.state) end
  if c.reference ~= '' and e.kind ~= 'submit' then
    return refuse('event %s is a %s: only a submit is settled with a reference', e.id, e.kind)
  end
  local b, owner = t.bond(e.provider, e.task), t.owner(e.provider, c.ref_key)
  if owner ~= '' and owner ~= e.task then
    return refuse('reference %s belongs to task %s: move it first with `bonds move`', c.reference, owner)
  end
  t.end_head(l, e, 'done', 'settled', '')
  if c.ref_key ~= '' and b then t.bind(b, { reference = c.reference, ref_key = c.ref_key }) end
  t.recheck(l)
  moved(e)
end

function verbs.event_erase()
  local e = t.event_by_id(c.event)
  if not e then return missing('event', c.event) end
  if e.state ~= 'done' and e.state ~= 'ended' then
    return refuse('event %s is %s: only what is settled can be erased; settle, ignore or discard it first', e.id, e.state)
  end
  if e.detail == 'its contents were erased' then return end
  t.shrink(e, 'nothing')
  e.detail = 'its contents were erased'
  moved(e)
end

-- lane_named returns the lane of the command; one in which nothing is has no record, but exists if
-- its bond does.
local function lane_named()
  local l = t.lane_by(c.lane)
  if l then return l end
  local p, dir, task = c.lane:match('^([^/]*)/([^/]*)/(.*)$')
  if not p or not t.bond(p, task) then return nil, missing('lane', c.lane) end
  return t.make_lane(p, dir, task)
end

function verbs.lane_pause()
  local l, no = lane_named() -- also ahead of its first event
  if no then return no end
  if not l.paused then
    l.paused, out.changed = true, true
    t.touch(l)
  end
end

function verbs.lane_resume()
  local l, no = lane_named()
  if no then return no end
  if l.paused then
    l.paused, woke, out.changed = false, true, true
    t.touch(l)
  elseif l.state == 'parked' and l.reason == 'awaits_resume' then
    out.changed = true
    local head = t.head_of(l)
    if not head then
      t.set_lane(l, 'idle', '', '')
      return
    end
    t.set_event(head, 'queued', '')
    t.fresh(l)
    moved(head)
  elseif l.state == 'parked' then
    return refuse('lane %s is parked at event %s (%s): retry, settle or ignore that event', c.lane, t.head_of(l).id, l.reason)
  end
end

function verbs.lane_retry()
  local l, no = lane_named()
  if no then return no end
  local head = t.head_of(l)
  if not head and l.reason == 'awaits_resume' then
    t.set_lane(l, 'idle', '', '')
    out.changed = true
  elseif not head then
    return refuse('lane %s is empty: nothing to retry', c.lane)
  elseif l.state == 'leased' then
    return refuse('lane %s is delivering right now: wait for the attempt to end', c.lane)
  else
    return retry_head(l, head)
  end
end

function verbs.dest_pause()
  local d = t.dest(c.dest)
  if not d.paused then
    d.paused, out.changed = true, true
    t.touch_dest(d)
  end
end

function verbs.config_reload() -- the record is all there is to it
  out.changed = true
end

function verbs.dest_resume()
  local d = t.dest(c.dest)
  if d.paused or d.failures > 0 then
    d.paused, d.failures, d.open_to, d.open_for, d.probe = false, 0, 0, 0, ''
    woke, out.changed = true, true
    t.touch_dest(d)
  end
end

-- duty_named returns the key of a duty that somebody had once, and whether it is paused; or a refusal.
local function duty_named()
  local key = P .. 'duty:' .. c.duty
  if call('SISMEMBER', P .. 'duties', c.duty) == 0 then return nil, nil, missing('duty', c.duty) end
  return key, call('HGET', key, 'paused') == '1'
end

function verbs.duty_pause()
  local key, paused, no = duty_named()
  if no then return no end
  if not paused then -- the next epoch fences whoever has it
    call('HSET', key, 'paused', '1', 'session', '')
    call('HINCRBY', key, 'epoch', 1)
    out.changed = true
  end
end

function verbs.duty_resume()
  local key, paused, no = duty_named()
  if no then return no end
  if paused then
    call('HDEL', key, 'paused')
    out.changed = true
  end
end

-- give binds a reference that a person decided on and lets go on what waited for the decision.
local function give(b)
  local l = t.lane(b.provider, 'out', b.task)
  local head, because = t.head_of(l), nil
  if head and head.kind == 'submit' then
    if l.attempt > 0 then -- the provider has the ticket: that is what the person says
      because = 'settled'
      if l.state ~= 'leased' then moved(head) end
    elseif l.state ~= 'leased' then -- never sent: it continues the ticket
      head.mode, head.reference, head.ref_key = 'continue', c.reference, c.ref_key
      t.touch_event(head)
      t.set_event(head, 'queued', '')
      t.fresh(l)
      moved(head)
    end
  end
  t.bind(b, { reference = c.reference, ref_key = c.ref_key, because = because })
  out.changed = true
end

function verbs.bond_link()
  if c.task == '' or c.provider == '' or c.ref_key == '' then return refuse('bonds link needs a provider, a task and a reference') end
  local owner = t.owner(c.provider, c.ref_key)
  if owner ~= '' and owner ~= c.task then return refuse('reference %s belongs to task %s: take it over with `bonds move`', c.reference, owner) end
  local b = t.bond(c.provider, c.task)
  if b and b.ref_key == c.ref_key then return end
  return give(b or t.make_bond(c.provider, c.task, ''))
end

-- disowned lets submits go on that were parked for a reference which is nobody's now.
local function disowned(provider)
  for _, k in ipairs(call('SMEMBERS', P .. 'conflict:' .. provider)) do
    local l = t.lane_by(k)
    local head = t.head_of(l)
    if head and l.state == 'parked' and l.reason == 'reference_conflict' and head.ref_key ~= '' and t.owner(provider, head.ref_key) == '' then
      t.set_event(head, 'queued', '')
      t.fresh(l)
    end
  end
end

-- strip leaves a bond without a reference.
local function strip(b)
  b.reference, b.ref_key, b.acked = '', '', false
  if not over[b.state] then b.state = 'pending' end
  t.save_bond(b)
  t.reindex_submit(b)
end

function verbs.bond_unlink()
  local b = t.bond(c.provider, c.task)
  if not b then return missing('bond', c.provider .. '/' .. c.task) end
  if b.reference == '' then return end
  for _, key in ipairs(b.refs) do
    if t.owner(b.provider, key) == b.task then t.set_owner(b.provider, key, '') end
  end
  b.refs = {}
  disowned(b.provider)
  strip(b)
  out.changed = true
end

function verbs.bond_move()
  if c.task == '' or c.provider == '' or c.ref_key == '' then return refuse('bonds move needs a provider, a reference and the task that shall have it') end
  local owner = t.owner(c.provider, c.ref_key)
  if owner == c.task then return end
  if owner ~= '' then
    t.set_owner(c.provider, c.ref_key, '')
    disowned(c.provider)
    local from = t.bond(c.provider, owner)
    if from then
      for i = #from.refs, 1, -1 do
        if from.refs[i] == c.ref_key then table.remove(from.refs, i) end
      end
      t.save_bond(from)
      if from.ref_key == c.ref_key then strip(from) end
    end
  end
  return give(t.bond(c.provider, c.task) or t.make_bond(c.provider, c.task, ''))
end

local importable = { open = true, resolved = true, closed = true }

function verbs.bond_import()
  local state = c.state ~= '' and c.state or 'open'
  if c.task == '' or c.provider == '' or c.ref_key == '' then return refuse('bonds import needs a provider, a task and a reference') end
  if not importable[state] then return refuse('a bond is imported as open, resolved or closed, not as "%s"', state) end
  local owner = t.owner(c.provider, c.ref_key)
  if owner ~= '' and owner ~= c.task then return refuse('reference %s belongs to task %s already', c.reference, owner) end
  local b = t.bond(c.provider, c.task)
  if b then
    if b.ref_key ~= c.ref_key then return refuse('task %s is bonded already, with reference "%s"', c.task, b.reference) end
    return
  end
  b = t.make_bond(c.provider, c.task, '')
  b.state = state
  if state == 'resolved' then b.resolves = 1 end
  t.bind(b, { reference = c.reference, ref_key = c.ref_key, by_ssp = true })
  out.changed = true
end

local function kept_named()
  local e = t.event_by_id(c.event)
  if not e then return nil, missing('event', c.event) end
  if not keeps[e.state] then return nil, refuse('event %s is %s, not in quarantine', c.event, e.state) end
  return e
end

function verbs.quarantine_assign()
  local e, no = kept_named()
  if no then return no end
  if c.task == '' and c.reference == '' then return refuse('assign needs a task or a reference') end
  if not may_travel[e.dir][e.kind] then
    return refuse('event %s has no kind (%s): correct the config and read it again with `quarantine retry`', e.id, e.reason)
  end
  if c.reference ~= '' and c.task == '' and t.owner(e.provider, c.ref_key) == '' then
    return refuse('no task of %s has the reference %s: link it first with `bonds link`', e.provider, c.reference)
  end
  if c.task ~= '' and c.reference == '' and e.dir == 'in' and not t.bond(e.provider, c.task) then
    return refuse('task %s has no bond at %s: link it first with `bonds link`', c.task, e.provider)
  end
  e.task, e.reference, e.ref_key, e.detail = c.task ~= '' and c.task or t.owner(e.provider, c.ref_key), c.reference, c.ref_key, ''
  if e.state == 'quarantined' then e.state = 'waiting' end -- so that it may wait again
  t.touch_event(e)
  local r = t.decide(e)
  moved(e)
  out.detail = r[1] .. (r[5] ~= '' and ': ' .. r[5] or '')
end

-- unclaim gives up the claim by which a kept event is known.
local function unclaim(e)
  local claim = e.claim:match('^[^\31]*\31[^\31]*\31[kqh]:') and t.claimed(e.claim)
  if claim and claim.seq == e.seq then t.unclaim(e.claim) end
end

function verbs.quarantine_discard()
  local e, no = kept_named()
  if no then return no end
  if c.note == '' then return refuse('discard needs a note that says why') end
  unclaim(e) -- the same again deserves another look
  t.set_event(e, 'ended', 'discarded')
  moved(e)
end

function verbs.quarantine_reread()
  local e, no = kept_named()
  if no then return no end
  if e.reason == 'conflict' then
    return refuse('event %s was understood; its id was used before for something else: assign or discard it', e.id)
  end
  local fresh = {}
  for i = 1, num() do
    fresh[i] = t.read_event()
    if fresh[i].quarantine ~= '' then return refuse('event %s is still not understood: %s: %s', e.id, fresh[i].quarantine, fresh[i].detail) end
  end
  unclaim(e) -- its claim must not make its own reading a duplicate
  t.set_event(e, 'ended', 'reread') -- before, lest a bond that its reading makes takes it up as well
  local first = ''
  for _, f in ipairs(fresh) do
    local r = t.accept(f)
    insert(out.receipts, r)
    insert(out.events, r[2])
    if first == '' then first = r[2] end
  end
  if first ~= '' then e.first = first end
  out.changed = true
end

local verb = verbs[c.verb]
local no
if verb then no = verb() else no = refuse('unknown command "%s"', c.verb) end
if no then return { text(counter), '0', no[1], no[2] } end
call('LPUSH', P .. 'activity', cjson.encode({ at = text(now), person = c.person, verb = c.verb, target = c.target, note = c.note }))
local answer = { '', '', 'ok', out.changed and '1' or '0', out.detail, text(#out.events) }
for _, id in ipairs(out.events) do insert(answer, id) end
for _, r in ipairs(out.receipts) do
  for _, v in ipairs(r) do insert(answer, v) end
end
return t.finish(answer)
