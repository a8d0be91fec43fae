-- resume.lua makes a namespace that was wiped, restored or set up anew the one to work with.
--
-- What is queued in it was perhaps delivered already, when the lost one was in force: its lanes park
-- unless the person says otherwise. The positions of all duties are forgotten; they begin again at the
-- date that the person names. Replicas that worked with the lost one, or with the one that stood here
-- until now, follow by themselves ("before").
--
-- KEYS[1], ARGV[1..7]  see core.lua; only now counts
-- ARGV[8]              epoch that was lost
-- ARGV[9]              a new epoch
-- ARGV[10]             highest counter the caller has seen: numbers go on behind it
-- ARGV[11]             version of the key layout
-- ARGV[12]             the date, microseconds
-- ARGV[13]             "park" or "deliver": what becomes of what is queued
-- ARGV[14..16]         person, target and note of the activity
-- returns              {epoch, counter, parked lanes}
local lost, fresh, seen, schema, since, queued, person, target, note = arg(), arg(), num(), arg(), arg(), arg(), arg(), arg(), arg()
local meta = P .. 'meta'
local m = call('HMGET', meta, 'epoch', 'counter', 'reset', 'before')
if m[1] and not m[3] and m[4] and (',' .. m[4] .. ','):find(',' .. lost .. ',', 1, true) then
  return { m[1], m[2], 0 } -- somebody was faster
end
local epoch = m[1] and m[1] ~= lost and m[1] ~= m[3] and m[1] or fresh
counter, drawn = max(tonumber(m[2] or '0'), seen), 1
local parked = 0
if queued == 'park' then
  for _, k in ipairs(call('HKEYS', P .. 'lane')) do
    local l = t.lane_by(k)
    local head = t.head_of(l)
    if head and (l.state == 'ready' or l.state == 'held' or l.state == 'leased') then
      local d = t.dest(l.dest)
      if d.probe ~= '' and d.probe == l.token then
        d.probe = ''
        t.touch_dest(d)
      end
      if l.state == 'leased' then t.unlease(l) end
      t.park(l, head, 'store_reset', 'the ledger was reset while this was queued; it may have been delivered already')
      parked = parked + 1
    end
  end
end
for _, name in ipairs(call('SMEMBERS', P .. 'duties')) do
  call('HDEL', P .. 'duty:' .. name, 'cursor')
  call('HSET', P .. 'duty:' .. name, 'session', '')
  call('HINCRBY', P .. 'duty:' .. name, 'epoch', 1)
end
t.flush()
local before = {}
for _, e in ipairs({ lost, m[3] or '', m[1] or '' }) do
  if e ~= '' and e ~= epoch then before[#before + 1] = e end
end
for e in (m[4] or ''):gmatch('[^,]+') do
  if #before < 20 then before[#before + 1] = e end
end
call('HSET', meta, 'epoch', epoch, 'counter', text(counter), 'schema', schema, 'since', since, 'before', table.concat(before, ','))
call('HDEL', meta, 'reset')
call('LPUSH', P .. 'activity', cjson.encode({ at = text(now), person = person, verb = 'store_resume', target = target, note = note }))
call('PUBLISH', P .. 'wake', me)
return { epoch, text(counter), parked }
