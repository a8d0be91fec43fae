-- restore.lua writes records of a backup, or of an export, into a namespace that no bridge works with. Of a
-- backup a record that comes again takes the place of the first; an export has each once, and one that
-- contradicts those before it is refused. Indexes and tallies follow from the records.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- ARGV[8]              the counter of the backup, "0" until its end
-- ARGV[9]              "1" for an export, "0" for a backup
-- ARGV[10]             number of records; then 3 arguments each: kind, JSON, body (see backup.lua);
--                      kind "activity" has a line of the list of activities as its JSON, older
--                      than those before; kind "newer" likewise, newer than those before; kind
--                      "notice" has the value as its body
-- returns              {"counter:writes", woke}; for an export that is refused also the number of the
--                      record, from 1, and why: the caller throws away what was written
local memo = t.begin()
if memo then return memo end
counter = max(counter, num())
drawn = 1
local once = bool()

local times = { 'rep', 'received', 'ended', 'window', 'created', 'changed', 'head', 'n', 'due', 'leased_at', 'unknown_at', 'up_at_first', 'open_to', 'open_for',
  'up', 'answered', 'brk_for' }

local function read_record(json)
  local r = cjson.decode(json)
  for _, f in ipairs(times) do
    if r[f] then r[f] = tonumber(r[f]) end
  end
  return r
end

local function take(into, r, ...)
  for _, f in ipairs({ ... }) do into[f] = r[f] end
end

local restore = {}

function restore.event(r, body)
  local seq = tonumber(r.key)
  local e = t.event(seq)
  if once then
    local other = t.event_by_id(r.id)
    if other and other.seq ~= seq then return fmt('the id %s of event %s is that of event %s', r.id, r.key, text(other.seq)) end
  end
  if not e then
    e = blank(seq)
    e.whole = true
    events[seq], ids[r.id] = e, e
  end
  take(e, r, 'id', 'provider', 'task', 'dir', 'kind', 'reference', 'ref_key', 'mode', 'entrance', 'state', 'reason', 'detail', 'first', 'rep', 'received',
    'ended', 'shrunk', 'echo', 'comment', 'window', 'chash', 'mhash', 'thash', 'dhash', 'claim')
  e.key, e.body = r.sender_key, body
  call('HSET', P .. 'body', seq, body)
  if r.attempts then call('HSET', P .. 'attempt', seq, r.attempts) end
  if seq > counter then counter, drawn = seq, 1 end -- a lane before it may have been flushed already
  t.touch_event(e)
end

function restore.bond(r)
  local provider, task = r.key:match('^([^\31]*)\31(.*)$')
  local b = t.bond(provider, task) or t.make_bond(provider, task, '')
  t.save_bond(b)
  take(b, r, 'state', 'reference', 'ref_key', 'resolves', 'submit', 'acked', 'created', 'changed', 'refs')
  if b.state == 'pending' then t.reindex_submit(b) end -- or not: its event may stand before it
end

-- stray returns the first event of a queue that does not belong there.
local function stray(r)
  local provider, dir, task = r.key:match('^([^/]*)/([^/]*)/(.*)$')
  local seen = {}
  for seq in (text(r.head) .. ' ' .. r.queue):gmatch('%d+') do
    local e = not seen[seq] and t.event(tonumber(seq))
    if not e or e.state ~= 'queued' or e.provider ~= provider or e.dir ~= dir or e.task ~= task then return seq end
    seen[seq] = true
  end
end

function restore.lane(r)
  if once then
    if t.lane_by(r.key) then return fmt('lane %s comes twice', r.key) end
    local seq = r.head ~= 0 and stray(r)
    if seq then return fmt('lane %s: event %s is not one of its queued events', r.key, seq) end
  end
  local l = t.lane_by(r.key) or t.make_lane(r.key:match('^([^/]*)/([^/]*)/(.*)$'))
  call('DEL', P .. 'queue:' .. r.key)
  if r.state then
    take(l, r, 'state', 'paused', 'reason', 'detail', 'head', 'n', 'due', 'attempt', 'token', 'session', 'leased_at', 'unknown', 'unknown_at', 'evidence',
      'evidence_ref', 'evidence_key', 'up_at_first', 'echoes', 'kind')
    if not r.kind then l.kind = l.head ~= 0 and t.event(l.head).kind or '' end
    for seq in r.queue:gmatch('%d+') do insert(l.push, tonumber(seq)) end
  else
    l.state, l.paused, l.head, l.n, l.echoes = 'idle', false, 0, 0, 0
  end
  t.touch(l)
end

function restore.claim(r)
  local seq, at, hash = (r.value or ''):match('^(%d+):(%d+):(.*)$')
  if once and t.claimed(r.key) then return fmt('the claim "%s" of event %s belongs to an event already', r.key:match('[^\31]*$'), seq) end
  claims[r.key] = seq and { seq = tonumber(seq), at = tonumber(at), hash = hash } or false
  insert(changed_claims, r.key)
end

function restore.ref(r)
  if once then
    local provider, ref_key = r.key:match('^([^\31]*)\31(.*)$')
    local owner = t.owner(provider, ref_key)
    if owner ~= '' then return fmt('reference %s of task %s belongs to task %s already', ref_key, r.value, owner) end
  end
  refs[r.key], changed_refs[r.key] = r.value or '', r.value or ''
end

function restore.wrote(r)
  local w = { dirty = true }
  for entry in (r.value or ''):gmatch('[^;]+') do
    insert(w, entry)
  end
  wrote[r.key] = w
end

function restore.dest(r)
  local d = t.dest(r.key)
  for _, f in ipairs({ 'paused', 'failures', 'open_to', 'open_for', 'probe', 'up', 'answered', 'brk', 'brk_for' }) do
    if r[f] ~= nil then d[f] = r[f] end
  end
  t.touch_dest(d)
end

function restore.duty(r)
  call('HSET', P .. 'duty:' .. r.key, 'session', '', 'cursor', r.cursor, 'epoch', r.epoch, 'since', r.since or '0')
  if r.paused then call('HSET', P .. 'duty:' .. r.key, 'paused', r.paused) end
  call('SADD', P .. 'duties', r.key)
end

function restore.resumption(r)
  call('HSET', P .. 'meta', 'since', r.since, 'resumed', r.resumed)
  if r.before then call('HSET', P .. 'meta', 'before', r.before) end
end

function restore.notice(r, value)
  call('HSET', P .. 'notice:' .. r.kind, r.key, value)
  call('ZADD', P .. 'notices:' .. r.kind, text(r['until']), r.key)
end

for i = 1, num() do
  local kind, json, body = arg(), arg(), arg()
  if kind == 'activity' then
    call('RPUSH', P .. 'activity', json)
  elseif kind == 'newer' then
    call('LPUSH', P .. 'activity', json)
  else
    local r = read_record(json)
    local wrong = restore[kind](r, body)
    if wrong then return { text(counter) .. ':' .. text(writes), '0', text(i), wrong } end
    if kind == 'lane' then t.flush() end
  end
end
return t.finish({ '', '' })
