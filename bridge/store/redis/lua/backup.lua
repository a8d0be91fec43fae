-- backup.lua reads records for a copy of the namespace, while others write.
--
-- "start" makes every script note which records it changes; the caller then looks through all of
-- them with "scan", reads what changed meanwhile with "changed" until little is left, and ends with
-- "end", which reads that rest, the destinations and the duties in one step: the last versions of
-- all records that the caller got are then exactly the state at that step. "stop" is the end of
-- every backup, also of one that was given up. Each step can be repeated.
--
-- "read" reads records by their keys and notes nothing: for an export, beside which nobody works.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- ARGV[8]              "start", "scan", "changed", "end", "stop" or "read"
-- ARGV[9]              until when changes are noted, microseconds: a backup that dies is forgotten
-- ARGV[10]             id of the backup: there is one at a time
-- ARGV[11], ARGV[12]   scan: kind (event, bond, lane, claim, ref, wrote) and cursor of HSCAN;
--                      changed: how many at most, and the number of the round, from 1: what the
--                      round before read is known to have arrived
--                      read: kind (also dest, duty), number of keys, keys
-- returns              {counter, "0", next cursor or number left, activities so far, records...}: a
--                      record is 3 texts: kind, JSON ({"key": …} alone if it is gone), body
local stop = t.begin()
if stop then return stop end
local what, deadline, id = arg(), arg(), arg()
local copier = call('HGET', P .. 'meta', 'copier')
local out = { text(counter), '0', '0', '0' }

local function add(kind, record, body)
  out[#out + 1] = kind
  out[#out + 1] = cjson.encode(record)
  out[#out + 1] = body or ''
end

local read = {}

function read.event(key)
  local e = t.event(tonumber(key))
  if not e then return end
  add('event', { key = key, id = e.id, provider = e.provider, task = e.task, dir = e.dir, kind = e.kind, reference = e.reference, ref_key = e.ref_key,
    mode = e.mode, entrance = e.entrance, state = e.state, reason = e.reason, detail = e.detail, first = e.first, rep = text(e.rep), received = text(e.received),
    ended = text(e.ended), shrunk = e.shrunk, sender_key = e.key, echo = e.echo, comment = e.comment, window = text(e.window), chash = e.chash,
    mhash = e.mhash, thash = e.thash, dhash = e.dhash, claim = e.claim, attempts = call('HGET', P .. 'attempt', key) or nil }, call('HGET', P .. 'body', key) or '{}')
end

function read.bond(key)
  local b = t.bond(key:match('^([^\31]*)\31(.*)$'))
  add('bond', { key = key, state = b.state, reference = b.reference, ref_key = b.ref_key, resolves = b.resolves, submit = b.submit, acked = b.acked,
    created = text(b.created), changed = text(b.changed), refs = b.refs })
end

function read.lane(key)
  local l = t.lane_by(key)
  if not l then return add('lane', { key = key }) end
  add('lane', { key = key, state = l.state, paused = l.paused, reason = l.reason, detail = l.detail, head = text(l.head), n = text(l.n), due = text(l.due),
    attempt = l.attempt, token = l.token, session = l.session, leased_at = text(l.leased_at), unknown = l.unknown, unknown_at = text(l.unknown_at),
    evidence = l.evidence, evidence_ref = l.evidence_ref, evidence_key = l.evidence_key, up_at_first = text(l.up_at_first), echoes = l.echoes, kind = l.kind,
    queue = table.concat(call('LRANGE', P .. 'queue:' .. key, 0, -1), ' ') })
end

local function plain(kind)
  return function(key) add(kind, { key = key, value = call('HGET', P .. kind, key) or nil }) end
end
read.claim, read.ref, read.wrote = plain('claim'), plain('ref'), plain('wrote')

function read.dest(name)
  local d = t.dest(name)
  add('dest', { key = name, paused = d.paused, failures = d.failures, open_to = text(d.open_to), open_for = text(d.open_for), probe = d.probe, up = text(d.up),
    answered = text(d.answered), brk = d.brk, brk_for = text(d.brk_for) })
end

function read.duty(name)
  local d = call('HMGET', P .. 'duty:' .. name, 'cursor', 'epoch', 'paused', 'since')
  add('duty', { key = name, cursor = d[1] or '', epoch = d[2] or '0', paused = d[3] or nil, since = d[4] or '0' })
end

-- resumption is what the last resume said. Which epochs the ledger goes on for is left out: one that is put
-- back from a backup goes on for none.
local function resumption()
  local m = call('HMGET', P .. 'meta', 'since', 'resumed')
  if m[1] then add('resumption', { since = m[1], resumed = m[2] or m[1] }) end
end

local function again(members)
  for _, m in ipairs(members) do
    local kind, key = m:match('^([^|]*)|(.*)$')
    read[kind](key)
  end
end

if what == 'start' then
  if copying and copier ~= id then return redis.error_reply('PBBUSY another backup is under way') end
  if copier ~= id then call('DEL', P .. 'copying', P .. 'copying:read') end
  call('HSET', P .. 'meta', 'copying', deadline, 'copier', id, 'copyround', 0)
elseif what == 'stop' then
  if copier == id then
    call('HDEL', P .. 'meta', 'copying', 'copier', 'copyround')
    call('DEL', P .. 'copying', P .. 'copying:read')
  end
elseif what == 'read' then
  local kind = arg()
  for _ = 1, num() do read[kind](arg()) end
elseif not copying or copier ~= id then
  return redis.error_reply('PBBUSY the backup took too long')
elseif what == 'scan' then
  call('HSET', P .. 'meta', 'copying', deadline)
  local kind, cursor = arg(), arg()
  local r = call('HSCAN', P .. kind, cursor, 'COUNT', 200)
  out[3] = r[1]
  for i = 1, #r[2], 2 do read[kind](r[2][i]) end
elseif what == 'changed' then
  call('HSET', P .. 'meta', 'copying', deadline)
  local n, round = num(), arg()
  if call('HGET', P .. 'meta', 'copyround') ~= round then
    call('HSET', P .. 'meta', 'copyround', round)
    call('DEL', P .. 'copying:read')
    local some = call('SPOP', P .. 'copying', n)
    if #some > 0 then call('SADD', P .. 'copying:read', unpack(some)) end
  end
  again(call('SMEMBERS', P .. 'copying:read'))
  out[3] = text(call('SCARD', P .. 'copying'))
else
  again(call('SUNION', P .. 'copying', P .. 'copying:read'))
  for _, name in ipairs(call('HKEYS', P .. 'dest')) do read.dest(name) end
  for _, name in ipairs(call('SMEMBERS', P .. 'duties')) do read.duty(name) end
  resumption()
  out[4] = text(call('LLEN', P .. 'activity'))
end
return out
