-- core.lua: what every writing script stands on. It is put in front of the scripts at load.
--
-- The records of the namespace (events, bonds, lanes, destinations) are read into tables at first
-- use, changed there by the rules, and written once, by t.flush, when all rules have run. A script
-- that fails before its flush has therefore written nothing. t.flush also derives every index and
-- every tally from the difference between a record as it was read and as it is now, so that no
-- rule can forget one.
--
-- KEYS[1]   prefix of the namespace, "{pb:NAMESPACE}:"; all keys are named from it, in one slot
-- ARGV[1]   id of this call: a repeat of the call (go-redis retry, lost reply) gets the first answer
-- ARGV[2]   epoch the caller works with
-- ARGV[3]   highest counter and number of writes the caller has seen, "C:W"
-- ARGV[4]   now, microseconds since 1970
-- ARGV[5]   a fresh UUIDv7, from which ids of events made here are derived
-- ARGV[6]   random text, from which lease tokens are derived
-- ARGV[7]   id of the calling store, told to the others with a wake-up
-- ARGV[8..] the arguments of the script
--
-- Times are microseconds: a Lua number holds those of the next 200 years exactly.
local P, A, ap = KEYS[1], ARGV, 7
local call, fmt, floor, max, min = redis.call, string.format, math.floor, math.max, math.min
local mpack, munpack, insert = cmsgpack.pack, cmsgpack.unpack, table.insert
local SEP = '\31'
local callid, now, idseed, tokseed, me = A[1], tonumber(A[4]), A[5], A[6], A[7]

local t = {}
local events, ids, bonds, lanes, dests, claims, refs, bonded = {}, {}, {}, {}, {}, {}, {}, {}
local dev, dbonds, dlanes, ddests = {}, {}, {}, {} -- changed, in order of the first change
local kept = {}                                    -- seqs that began to wait in this call
local tally, attempts, noted, wrote = {}, {}, {}, {}
local read_attempts = {}                           -- tries that were read and are not changed
local counter, drawn, made, woke, writes = 0, 0, 0, false, 0
local copying = false -- a backup is under way and has to be told what changes

local function arg() ap = ap + 1; return A[ap] end
local function num() ap = ap + 1; return tonumber(A[ap]) end
local function bool() ap = ap + 1; return A[ap] == '1' end

-- Numbers of more than 14 digits must not become text by tostring; %d is also the cheapest way.
local function text(n) return fmt('%d', n) end

-- begin answers a repeated call from memory and refuses to work on data that is not the caller's.
-- It returns what the script must return at once, or nil.
function t.begin()
  if callid ~= '' then
    local memo = call('GET', P .. 'call:' .. callid)
    if memo == 'void' then return redis.error_reply('PBVOID this call was given up by its caller') end
    if memo then return munpack(memo), true end
  end
  local m = call('HMGET', P .. 'meta', 'epoch', 'counter', 'copying', 'reset', 'writes')
  counter, copying, writes = tonumber(m[2] or '0'), m[3] and tonumber(m[3]) > now, tonumber(m[5] or '0')
  local c, w = A[3]:match('^(%d+):(%d+)$')
  if m[4] or m[1] ~= A[2] or counter < tonumber(c) or writes < tonumber(w) then return t.gone(m[1]) end
end

-- gone is the answer to a caller that misses something.
function t.gone(epoch, how)
  return redis.error_reply('PBRESET epoch ' .. (epoch or 'none') .. ' counter ' .. text(counter) .. ' writes ' .. text(writes) .. (how or ''))
end

-- finish writes everything, remembers the answer (or what stands for it) for as long as a repeat or a
-- doubt may come, and wakes the other replicas. Every call counts as a write: the counter grows with new
-- events alone, and a copy that lacks deliveries only would have the same.
local memory = 30000

function t.finish(answer, memo)
  t.flush()
  writes = call('HINCRBY', P .. 'meta', 'writes', 1)
  answer[1], answer[2] = text(counter) .. ':' .. text(writes), woke and '1' or '0'
  if memo then memo[1], memo[2] = answer[1], answer[2] end
  if callid ~= '' then call('SET', P .. 'call:' .. callid, mpack(memo or answer), 'PX', memory) end
  if woke then call('PUBLISH', P .. 'wake', me) end
  return answer
end

function t.next()
  counter, drawn = counter + 1, drawn + 1
  return counter
end

function t.new_id()
  made = made + 1
  return idseed:sub(1, 32) .. fmt('%04x', made)
end

-- Events -----------------------------------------------------------------------------------------

local in_lane = { queued = true, leased = true, parked = true }

local function ev_pack(e)
  local state, reason = e.state, e.reason
  if in_lane[state] then state, reason = 'queued', '' end
  return mpack({ e.id, e.provider, e.task, e.dir, e.kind, e.reference, e.ref_key, e.mode, e.entrance, state, reason, e.detail, e.first,
    e.rep, e.received, e.ended, e.shrunk, e.key, e.echo, e.comment, e.window, e.chash, e.mhash, e.thash, e.dhash, e.claim })
end

-- fill sets the fields of an event from its record, its fate (state, reason, first, detail, end of
-- an event that left its lane) and its lane: what stands in a lane is stored as queued, whatever the
-- lane does with it, so that leasing and retrying write the lane alone.
local function fill(e, s, fate)
  local a = munpack(s)
  e.raw, e.whole = s, true
  e.id, e.provider, e.task, e.dir, e.kind, e.reference, e.ref_key, e.mode, e.entrance = a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]
  e.rep, e.received, e.shrunk, e.key, e.echo, e.comment, e.window = a[14], a[15], a[17], a[18], a[19], a[20], a[21]
  e.chash, e.mhash, e.thash, e.dhash, e.claim = a[22], a[23], a[24], a[25], a[26]
  e.was_task, e.was_ref, e.was_kind = a[3], a[7], a[5]
  e.was_making = a[5] == 'submit' and a[8] == 'new' and a[10] == 'queued' and not e.fate and not fate
  if e.state ~= '' then -- a stub, whose state the rules have in hand
    if e.detail == '' then e.detail = a[12] end
    if e.first == '' then e.first = a[13] end
    return e
  end
  if fate then
    e.fate = true
    local f = munpack(fate)
    e.state, e.reason, e.first, e.detail, e.ended = f[1], f[2], f[3] ~= '' and f[3] or a[13], f[4] ~= '' and f[4] or a[12], f[5]
  else
    e.state, e.reason, e.detail, e.first, e.ended = a[10], a[11], a[12], a[13], a[16]
    if e.state == 'queued' then
      local l = t.lane(a[2], a[4], a[3])
      if l and l.head == e.seq then
        if l.state == 'leased' or l.state == 'parked' then e.state = l.state end
        if l.state ~= 'held' then e.reason = l.reason end
      end
    end
  end
  e.was_state, e.was_reason = e.state, e.reason
  return e
end

local function blank(seq)
  return { seq = seq, state = '', reason = '', first = '', detail = '', ended = 0, dirty = false, body = false, raw = false, fate = false, whole = false,
    changed = false }
end

-- A stub is an event of which only seq, state, reason, kind and provider are in hand; anything else
-- is read when a rule asks for it.
local lazy = { __index = function(e, field)
  if rawget(e, 'whole') then return nil end
  fill(e, call('HGET', P .. 'event', text(e.seq)))
  return rawget(e, field)
end }

-- whole reads what a stub lacks.
function t.whole(e) return e.id end

function t.stub(l)
  local e = events[l.head]
  if e == nil then
    e = blank(l.head)
    e.state, e.reason, e.was_state, e.was_reason, e.kind, e.provider = 'leased', '', 'leased', '', l.kind, l.provider
    setmetatable(e, lazy)
    events[l.head] = e
  end
  return e
end

-- read_event takes one fresh event from ARGV: id, provider, task, dir, kind, reference, ref_key,
-- mode, key, window, echo, comment, entrance, received, detail, quarantine, ignore, hash of the
-- content, of merging, of the text, of the description, body (JSON).
function t.read_event()
  local i = ap
  ap = ap + 22
  return { seq = 0, id = A[i + 1], provider = A[i + 2], task = A[i + 3], dir = A[i + 4], kind = A[i + 5], reference = A[i + 6], ref_key = A[i + 7],
    mode = A[i + 8], key = A[i + 9], window = tonumber(A[i + 10]), echo = A[i + 11], comment = A[i + 12], entrance = A[i + 13],
    received = tonumber(A[i + 14]), detail = A[i + 15], quarantine = A[i + 16], ignore = A[i + 17], chash = A[i + 18], mhash = A[i + 19],
    thash = A[i + 20], dhash = A[i + 21], body = A[i + 22], dirty = false, raw = false, fate = false, whole = true, changed = true, state = '', reason = '', first = '', rep = 0, ended = 0, shrunk = 0, claim = '' }
end

local function read_event(seq, s, fate)
  local e = s and fill(blank(seq), s, fate)
  events[seq] = e
  return e
end

-- event returns a stored event, nil if there is none.
function t.event(seq)
  local e = events[seq]
  if e == nil then
    local k = text(seq)
    e = read_event(seq, call('HGET', P .. 'event', k), call('HGET', P .. 'fate', k))
  end
  return e or nil
end

function t.event_by_id(id)
  if ids[id] then return ids[id] end
  local seq = call('HGET', P .. 'id', id)
  return seq and t.event(tonumber(seq)) or nil
end

-- touch_event notes that e was changed in more than where it stands; move_event that only that was.
function t.touch_event(e)
  e.changed = true
  t.move_event(e)
end

function t.move_event(e)
  if not e.dirty then
    e.dirty = true
    dev[#dev + 1] = e
  end
end

local final = { done = true, ended = true }
local keeps = { waiting = true, quarantined = true }

-- set_event moves an event, fresh or stored, to a state.
function t.set_event(e, state, why)
  if e.seq == 0 then
    e.seq = t.next()
    events[e.seq], ids[e.id] = e, e
  elseif e.state == state and e.reason == why and not final[state] then
    return
  end
  e.state, e.reason, e.ended = state, why, final[state] and now or 0
  if keeps[state] then kept[#kept + 1] = e.seq end
  t.move_event(e)
end

-- Bonds and references ---------------------------------------------------------------------------

local function read_bond(k, provider, task, s)
  local b = false
  if s then
    local a = munpack(s)
    b = { k = k, provider = provider, task = task, state = a[1], reference = a[2], ref_key = a[3], resolves = a[4], submit = a[5],
      acked = a[6], created = a[7], changed = a[8], refs = a[9], was = a[1], raw = s, dirty = false }
  end
  bonds[k] = b
  return b
end

function t.bond(provider, task)
  if task == '' then return nil end
  local k = provider .. SEP .. task
  local b = bonds[k]
  if b == nil then
    b = read_bond(k, provider, task, call('HGET', P .. 'bond', k))
  end
  return b or nil
end

function t.save_bond(b)
  b.changed = now
  if not b.dirty then
    b.dirty = true
    dbonds[#dbonds + 1] = b
  end
end

function t.make_bond(provider, task, submit)
  local b = { k = provider .. SEP .. task, provider = provider, task = task, state = 'pending', reference = '', ref_key = '', resolves = 0,
    submit = submit, acked = false, created = now, changed = now, refs = {} }
  bonds[b.k] = b
  local at = t.bonded_at(task)
  at[#at + 1] = provider
  t.save_bond(b)
  return b
end

-- bonded_at returns the providers at which a task has a bond.
function t.bonded_at(task)
  local at = bonded[task]
  if not at then
    at = {}
    for p in (call('HGET', P .. 'task', task) or ''):gmatch('[^\31]+') do at[#at + 1] = p end
    bonded[task] = at
  end
  return at
end

-- owner returns the task a reference belongs to at a provider, '' if it is nobody's.
function t.owner(provider, ref_key)
  if ref_key == '' then return '' end
  local k = provider .. SEP .. ref_key
  local o = refs[k]
  if o == nil then
    o = call('HGET', P .. 'ref', k) or ''
    refs[k] = o
  end
  return o
end

local changed_refs = {}

function t.set_owner(provider, ref_key, task)
  local k = provider .. SEP .. ref_key
  refs[k] = task
  changed_refs[k] = task
end

-- foreign reports whether ref_key is a reference of this task at another provider.
function t.foreign(provider, task, ref_key)
  if ref_key == '' then return false end
  for _, p in ipairs(t.bonded_at(task)) do
    if p ~= provider and t.owner(p, ref_key) == task then return true end
  end
  return false
end

-- Lanes ------------------------------------------------------------------------------------------

local function shown(l) return l.paused and l.state ~= 'leased' and 'paused' or l.state end

-- remember keeps how a lane stands in the indexes.
local function remember(l)
  l.was, l.was_raw, l.was_n = l.state ~= 'idle' and shown(l) or l.paused and 'paused' or '', l.state, l.n
  l.was_due = l.state == 'ready' and not l.paused and l.due or false
  l.was_conflict = l.state == 'parked' and l.reason == 'reference_conflict'
  l.was_head, l.was_live, l.was_session = l.head, l.state ~= 'idle' or l.paused, l.state == 'leased' and l.session or false
end

local function new_lane(k, a)
  local p, d, task = k:match('^([^/]*)/([^/]*)/(.*)$')
  return { k = k, provider = p, dir = d, task = task, dest = d == 'in' and 'ssp' or p, pop = 0, push = {}, rem = {}, dirty = false,
    state = a[1], paused = a[2], reason = a[3], detail = a[4], head = a[5], n = a[6], due = a[7], attempt = a[8], token = a[9], session = a[10],
    leased_at = a[11], kind = a[12], up_at_first = a[13], unknown = a[14] or false, unknown_at = a[15] or 0, evidence = a[16] or false,
    evidence_ref = a[17] or '', evidence_key = a[18] or '', echoes = a[19] or 0,
    was = '', was_raw = 'idle', was_n = 0, was_due = false, was_head = 0, was_live = false, was_session = false, was_conflict = false }
end

local idle = { 'idle', false, '', '', 0, 0, 0, 0, '', '', 0, '', 0 }

-- lane_pack leaves out at the end what few lanes have.
local function lane_pack(l)
  if l.unknown or l.evidence or l.echoes > 0 then
    return mpack({ l.state, l.paused, l.reason, l.detail, l.head, l.n, l.due, l.attempt, l.token, l.session, l.leased_at, l.kind, l.up_at_first,
      l.unknown, l.unknown_at, l.evidence, l.evidence_ref, l.evidence_key, l.echoes })
  end
  return mpack({ l.state, l.paused, l.reason, l.detail, l.head, l.n, l.due, l.attempt, l.token, l.session, l.leased_at, l.kind, l.up_at_first })
end

local function read_lane(k, s)
  local l = false
  if s then
    l = new_lane(k, munpack(s))
    remember(l)
  end
  lanes[k] = l
  return l
end

function t.lane_by(k)
  local l = lanes[k]
  if l == nil then
    l = read_lane(k, call('HGET', P .. 'lane', k))
  end
  return l or nil
end

local function lane_key(provider, dir, task) return provider .. '/' .. dir .. '/' .. task end

-- lane returns the lane, or nil if nothing is in it and nobody paused it: such lanes are not kept.
function t.lane(provider, dir, task) return t.lane_by(lane_key(provider, dir, task)) end

function t.make_lane(provider, dir, task)
  local k = lane_key(provider, dir, task)
  local l = t.lane_by(k)
  if not l then
    l = new_lane(k, idle)
    lanes[k] = l
  end
  return l
end

function t.touch(l)
  if not l.dirty then
    l.dirty = true
    dlanes[#dlanes + 1] = l
  end
end

-- Destinations -----------------------------------------------------------------------------------

function t.dest(name)
  local d = dests[name]
  if not d then
    local s = call('HGET', P .. 'dest', name)
    d = { name = name, paused = false, failures = 0, open_to = 0, open_for = 0, probe = '', up = 0, answered = 0, tokens = 0, filled = 0,
      inflight = 0, brk = 0, brk_for = 0 }
    if s then
      local a = munpack(s)
      d.paused, d.failures, d.open_to, d.open_for, d.probe, d.up, d.answered = a[1], a[2], a[3], a[4], a[5], a[6], a[7]
      d.tokens, d.filled, d.inflight, d.brk, d.brk_for = a[8], a[9], a[10], a[11], a[12]
    else
      t.touch_dest(d)
    end
    dests[name] = d
  end
  return d
end

function t.touch_dest(d)
  if not d.dirty then
    d.dirty = true
    ddests[#ddests + 1] = d
  end
end

-- Claims -----------------------------------------------------------------------------------------

local changed_claims = {}

function t.claim_field(e, key) return e.provider .. SEP .. e.dir .. SEP .. key end

local function read_claim(field, s)
  local c = false
  if s then
    local seq, at, hash = s:match('^(%d+):(%d+):(.*)$')
    c = { seq = tonumber(seq), at = tonumber(at), hash = hash }
  end
  claims[field] = c
  return c
end

function t.claimed(field)
  local c = claims[field]
  if c == nil then
    c = read_claim(field, call('HGET', P .. 'claim', field))
  end
  return c or nil
end

-- claim records that e holds the field, taking it over if need be.
function t.claim(e, field, hash)
  local c = { seq = e.seq, at = now, hash = hash }
  claims[field] = c
  changed_claims[#changed_claims + 1] = field
  e.claim = field
  t.touch_event(e)
end

function t.unclaim(field)
  claims[field] = false
  changed_claims[#changed_claims + 1] = field
end

-- Reading many at once ---------------------------------------------------------------------------

-- A command costs more than what it reads. Before many events are decided, what they will most
-- likely ask for is therefore read by few commands; what was read before stays as it is.

local function many(hash, fields, take)
  for i = 1, #fields, 1000 do
    local last = min(i + 999, #fields)
    local values = call('HMGET', P .. hash, unpack(fields, i, last))
    for j = i, last do take(fields[j], values[j - i + 1]) end
  end
end

-- missing adds a field to a list, once, if the cache does not have it.
local function missing(cache, list, seen, field)
  if cache[field] == nil and not seen[field] then
    seen[field] = true
    list[#list + 1] = field
  end
end

-- prefetch_tasks reads the bonds of tasks, and the lanes named.
local function prefetch_tasks(tasks, lane_keys)
  local bond_fields, seen, of = {}, {}, {}
  for _, x in ipairs(tasks) do
    local k = x.provider .. SEP .. x.task
    of[k] = x
    missing(bonds, bond_fields, seen, k)
  end
  many('bond', bond_fields, function(k, s) read_bond(k, of[k].provider, of[k].task, s) end)
  local lane_fields = {}
  seen = {}
  for _, k in ipairs(lane_keys) do missing(lanes, lane_fields, seen, k) end
  many('lane', lane_fields, read_lane)
end

-- prefetch_accept reads what fresh events will ask for.
function t.prefetch_accept(all)
  local claim_fields, ref_fields, seen, seen_ref = {}, {}, {}, {}
  for _, e in ipairs(all) do
    if e.quarantine == '' and e.ignore == '' then
      if e.key ~= '' then missing(claims, claim_fields, seen, t.claim_field(e, 'k:' .. e.key)) end
      if e.ref_key ~= '' then missing(refs, ref_fields, seen_ref, e.provider .. SEP .. e.ref_key) end
    end
  end
  many('claim', claim_fields, read_claim)
  many('ref', ref_fields, function(k, task) refs[k] = task or '' end)
  local tasks, lane_keys = {}, {}
  for _, e in ipairs(all) do
    local task = e.task
    if task == '' and e.dir == 'in' then task = refs[e.provider .. SEP .. e.ref_key] or '' end
    if task ~= '' then
      tasks[#tasks + 1] = { provider = e.provider, task = task }
      lane_keys[#lane_keys + 1] = lane_key(e.provider, 'in', task)
      lane_keys[#lane_keys + 1] = lane_key(e.provider, 'out', task)
    end
  end
  prefetch_tasks(tasks, lane_keys)
end

-- prefetch_lanes reads lanes and what settling or leasing their heads will ask for.
function t.prefetch_lanes(keys, heads)
  prefetch_tasks({}, keys)
  local tasks, seqs, seen = {}, {}, {}
  for _, k in ipairs(keys) do
    local l = lanes[k]
    if l then
      tasks[#tasks + 1] = l
      if heads and l.head ~= 0 and events[l.head] == nil and not seen[l.head] then
        seen[l.head] = true
        seqs[#seqs + 1] = text(l.head)
      end
    end
  end
  prefetch_tasks(tasks, {})
  local fates = {}
  many('fate', seqs, function(seq, s) fates[seq] = s end)
  many('event', seqs, function(seq, s) read_event(tonumber(seq), s, fates[seq]) end)
end

-- Attempts ---------------------------------------------------------------------------------------

-- prefetch_attempts reads the tries of events.
function t.prefetch_attempts(seqs)
  local fields, seen = {}, {}
  for _, seq in ipairs(seqs) do
    if not attempts[seq] and not seen[seq] then
      seen[seq] = true
      fields[#fields + 1] = text(seq)
    end
  end
  many('attempt', fields, function(seq, s)
    local lines = {}
    if s then
      for line in s:gmatch('[^\n]+') do lines[#lines + 1] = line end
    end
    read_attempts[tonumber(seq)] = lines
  end)
end

-- attempt records one try as a line "n TAB token TAB json"; a try is recorded once, and a later
-- record of the same try takes the place of the first only if replace is set.
function t.attempt(e, n, token, json, replace)
  local head = text(n) .. '\t' .. token .. '\t'
  local lines = attempts[e.seq]
  if not lines then
    if not read_attempts[e.seq] then t.prefetch_attempts({ e.seq }) end
    lines = read_attempts[e.seq]
    read_attempts[e.seq] = nil
    attempts[e.seq] = lines
  end
  for i, line in ipairs(lines) do
    if line:sub(1, #head) == head then
      if replace then lines[i] = head .. json end
      noted[#noted + 1] = e.seq
      return
    end
  end
  lines[#lines + 1] = head .. json
  noted[#noted + 1] = e.seq
end

-- Writing ----------------------------------------------------------------------------------------

local batches, order
local providers = {}

-- put collects arguments of one command on one key; run sends them.
local function put(cmd, key, a, b)
  local of = batches[cmd]
  if not of then
    of = {}
    batches[cmd] = of
  end
  local l = of[key]
  if not l then
    l = { cmd = cmd, key = P .. key, n = 0 }
    of[key] = l
    order[#order + 1] = l
  end
  local n = l.n + 1
  l[n] = a
  if b then
    n = n + 1
    l[n] = b
  end
  l.n = n
end

local function run()
  for _, l in ipairs(order) do
    for i = 1, l.n, 1000 do call(l.cmd, l.key, unpack(l, i, min(i + 999, l.n))) end
  end
end

-- changed tells a backup under way that it has to read a record again.
local function changed(kind, key)
  if copying then put('SADD', 'copying', kind .. '|' .. key) end
end

local function count(key, by)
  if by ~= 0 then tally[key] = (tally[key] or 0) + by end
end

local makers = { submit = true, reject_solution = true }
local maker_mode = { new = true, reopen = true }

local waits_for_bond = { unknown_task = true, unknown_reference = true, awaits_reference = true }

-- index moves an event between the indexes of what is kept: all, those that may expire, by task
-- and by reference.
local function index(e, was)
  local seq = e.seq
  if was then
    local wt, wr = e.provider .. SEP .. e.was_task, e.provider .. SEP .. e.was_ref
    if e.was_task ~= '' and (e.was_task ~= e.task or not keeps[e.state]) then put('ZREM', 'kept:task:' .. wt, seq) end
    if e.was_ref ~= '' and (e.was_ref ~= e.ref_key or not keeps[e.state]) then put('ZREM', 'kept:ref:' .. wr, seq) end
    if e.was_kind == 'open' and e.was_state == 'waiting' and (e.kind ~= 'open' or e.state ~= 'waiting') then put('ZREM', 'opening', seq) end
    if e.was_state == 'waiting' and e.was_reason ~= 'maybe_echo' and (e.state ~= 'waiting' or e.reason == 'maybe_echo') then put('ZREM', 'waiting', seq) end
  end
  if keeps[e.state] then
    put('ZADD', 'kept', seq, seq)
    if e.task ~= '' then put('ZADD', 'kept:task:' .. e.provider .. SEP .. e.task, seq, seq) end
    if e.ref_key ~= '' then put('ZADD', 'kept:ref:' .. e.provider .. SEP .. e.ref_key, seq, seq) end
    if e.state == 'waiting' and e.reason ~= 'maybe_echo' then put('ZADD', 'waiting', text(e.received), seq) end
    if e.state == 'waiting' and e.kind == 'open' then put('ZADD', 'opening', seq, seq) end
  elseif was then
    put('ZREM', 'kept', seq)
  end
end

-- makes reports whether e is an unsettled submit that makes a new ticket at its provider.
function t.makes(e) return e.kind == 'submit' and e.mode == 'new' and in_lane[e.state] or false end

-- unanswered reports whether e is a submit that was delivered and whose reference nobody told us.
function t.unanswered(e)
  if e.state ~= 'done' or e.kind ~= 'submit' or e.mode ~= 'new' then return false end
  local b = t.bond(e.provider, e.task)
  return b and b.state == 'pending' and b.submit == e.id or false
end

local function flush_event(e)
  local was, state, seq = e.was_state, e.state, text(e.seq)
  e.dirty = false
  if in_lane[state] and in_lane[was] and not e.changed then -- the lane tells
    e.was_state, e.was_reason = state, e.reason
    return
  end
  changed('event', seq)
  if e.kind == 'submit' then
    local makes = t.makes(e)
    local made_before = e.was_making or false
    count('making|' .. e.provider, (makes and 1 or 0) - (made_before and 1 or 0))
    e.was_making = makes
  end
  if makers[e.kind] then
    if maker_mode[e.mode] and (in_lane[state] or t.unanswered(e)) then
      put('ZADD', 'maker:' .. e.provider, seq, seq)
    elseif was then
      put('ZREM', 'maker:' .. e.provider, seq)
    end
  end
  if e.changed or not final[state] then
    if e.changed and not e.whole then t.whole(e) end
    e.raw = ev_pack(e)
    put('HSET', 'event', seq, e.raw)
    if e.fate then
      put('HDEL', 'fate', seq)
      e.fate = false
    end
    if not was then
      put('HSET', 'body', seq, e.body)
      put('HSET', 'id', e.id, seq)
      e.body = false
      if e.kind == 'open' then put('SADD', 'providers', e.provider) end -- it may never get a bond
    end
    if e.task ~= e.was_task and e.task ~= '' then put('RPUSH', 'of:task:' .. e.task, seq) end
    if e.ref_key ~= '' and e.ref_key ~= e.was_ref and (e.task == '' or t.owner(e.provider, e.ref_key) ~= e.task) then
      put('RPUSH', 'of:ref:' .. e.ref_key, seq)
    end
  else
    put('HSET', 'fate', seq, mpack({ state, e.reason, e.first, e.detail, e.ended }))
    e.fate = true
  end
  if keeps[state] or keeps[was] then index(e, keeps[was]) end
  if state ~= was or e.reason ~= e.was_reason then
    if was and not in_lane[was] then
      count('event|' .. was, -1)
      if was == 'quarantined' then count('quarantine|' .. e.provider .. '|' .. e.was_reason, -1) end
    end
    if not in_lane[state] then
      count('event|' .. state, 1)
      if state == 'quarantined' then count('quarantine|' .. e.provider .. '|' .. e.reason, 1) end
    end
    if e.kind == 'submit' then count('submit|' .. e.provider, (in_lane[state] and 1 or 0) - (in_lane[was] and 1 or 0)) end
    if final[state] and not final[was] then
      put('RPUSH', 'settled:' .. e.provider, seq)
      if not providers[e.provider] then
        providers[e.provider] = true
        put('SADD', 'providers', e.provider)
      end
    end
  end
  e.was_state, e.was_reason, e.changed = state, e.reason, false
  if e.whole then e.was_task, e.was_ref, e.was_kind = e.task, e.ref_key, e.kind end
end

local function member(head, k) return fmt('%016d|', head) .. k end

local function flush_lane(l)
  local k, live = l.k, l.state ~= 'idle' or l.paused
  changed('lane', k)
  if l.pop > 0 then call('LPOP', P .. 'queue:' .. k, l.pop) end
  for _, seq in ipairs(l.rem) do call('LREM', P .. 'queue:' .. k, 1, seq) end
  for _, seq in ipairs(l.push) do put('RPUSH', 'queue:' .. k, text(seq)) end
  l.pop, l.push, l.rem = 0, {}, {}
  if live or l.echoes > 0 then
    put('HSET', 'lane', k, lane_pack(l))
  elseif l.was_live then
    put('HDEL', 'lane', k)
  end
  local due = l.state == 'ready' and not l.paused and l.due or false
  if due ~= l.was_due or (due and l.head ~= l.was_head) then
    if l.was_due and (not due or l.head ~= l.was_head) then put('ZREM', 'due:' .. l.dest, member(l.was_head, k)) end
    if due then put('ZADD', 'due:' .. l.dest, text(due), member(l.head, k)) end
  end
  if live ~= l.was_live or l.head ~= l.was_head then
    if live then put('ZADD', 'live:' .. l.dest, text(l.head), k) else put('ZREM', 'live:' .. l.dest, k) end
  end
  local session = l.state == 'leased' and l.session or false
  if session ~= l.was_session then
    local by = (session and 1 or 0) - (l.was_session and 1 or 0)
    if by ~= 0 then
      local d = t.dest(l.dest)
      d.inflight = d.inflight + by
      t.touch_dest(d)
    end
    if session then put('HSET', 'leased', k, session) else put('HDEL', 'leased', k) end
  end
  local conflict = l.state == 'parked' and l.reason == 'reference_conflict'
  if conflict ~= l.was_conflict then put(conflict and 'SADD' or 'SREM', 'conflict:' .. l.dest, k) end
  local show = live and shown(l) or ''
  if show ~= l.was then
    if l.was ~= '' then count('lane|' .. l.dest .. '|' .. l.was, -1) end
    if show ~= '' then count('lane|' .. l.dest .. '|' .. show, 1) end
  end
  count('queued|' .. l.dest, l.n - l.was_n)
  -- the states of the events in it
  local leased, parked = l.state == 'leased' and 1 or 0, l.state == 'parked' and l.head ~= 0 and 1 or 0
  local had_leased, had_parked = l.was_raw == 'leased' and 1 or 0, l.was_raw == 'parked' and l.was_head ~= 0 and 1 or 0
  count('event|leased', leased - had_leased)
  count('event|parked', parked - had_parked)
  count('event|queued', (l.n - leased - parked) - (l.was_n - had_leased - had_parked))
  remember(l)
  l.dirty = false
end

function t.bond_pack(b)
  if b.dirty or not b.raw then
    b.raw = mpack({ b.state, b.reference, b.ref_key, b.resolves, b.submit, b.acked, b.created, b.changed, b.refs })
  end
  return b.raw
end

local function flush_bond(b)
  changed('bond', b.k)
  put('HSET', 'bond', b.k, t.bond_pack(b))
  if not b.was then
    put('ZADD', 'bonds', 0, b.k)
    put('SADD', 'providers', b.provider)
    call('HSET', P .. 'task', b.task, table.concat(t.bonded_at(b.task), SEP))
  end
  if b.was ~= b.state then
    if b.was then count('bond|' .. b.was, -1) end
    count('bond|' .. b.state, 1)
  end
  b.was, b.dirty = b.state, nil
end

-- flush writes what was changed. Rules may go on afterwards.
function t.flush()
  batches, order = {}, {}
  for _, e in ipairs(dev) do flush_event(e) end
  for _, l in ipairs(dlanes) do flush_lane(l) end
  for _, b in ipairs(dbonds) do flush_bond(b) end
  for _, d in ipairs(ddests) do
    put('HSET', 'dest', d.name, mpack({ d.paused, d.failures, d.open_to, d.open_for, d.probe, d.up, d.answered, d.tokens, d.filled, d.inflight, d.brk, d.brk_for }))
    d.dirty = nil
  end
  for _, f in ipairs(changed_claims) do
    local c = claims[f]
    changed('claim', f)
    if c then put('HSET', 'claim', f, text(c.seq) .. ':' .. text(c.at) .. ':' .. c.hash) else put('HDEL', 'claim', f) end
  end
  for k, task in pairs(changed_refs) do
    changed('ref', k)
    if task ~= '' then
      put('HSET', 'ref', k, task)
      put('ZADD', 'refs', '0', k)
    else
      put('HDEL', 'ref', k)
      put('ZREM', 'refs', k)
    end
  end
  for _, seq in ipairs(noted) do
    changed('event', text(seq))
  end
  for seq, lines in pairs(attempts) do put('HSET', 'attempt', text(seq), lines[2] and table.concat(lines, '\n') or lines[1]) end
  for f, w in pairs(wrote) do
    if w.dirty then
      changed('wrote', f)
      if #w == 0 then put('HDEL', 'wrote', f) else put('HSET', 'wrote', f, w[2] and table.concat(w, ';') or w[1]) end
      w.dirty = nil
    end
  end
  for key, n in pairs(tally) do
    if n ~= 0 then call('HINCRBY', P .. 'tally', key, n) end
  end
  if drawn > 0 then put('HSET', 'meta', 'counter', text(counter)) end
  run()
  dev, dbonds, dlanes, ddests, changed_claims, changed_refs, attempts, noted, tally, kept, drawn = {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, 0
end
