-- resume.lua makes a namespace that was wiped, restored or set up anew the one to work with, under an epoch
-- that nobody has worked with: a copy that is put back later is then another one.
--
-- What is queued was parked before, unless the person says otherwise (park.lua). The positions of all duties
-- are forgotten; they begin again at the date that the person names, also those that are new here for a while
-- (session.lua): a wiped namespace does not say which there were. Replicas that worked with the lost one,
-- or with the one that stood here until now, follow by themselves ("before").
--
-- KEYS[1], ARGV[1..7]  see core.lua; only now counts
-- ARGV[8]              epoch that was lost
-- ARGV[9]              a new epoch
-- ARGV[10], ARGV[11]   highest counter and number of writes the caller has seen: they go on behind them
-- ARGV[12]             version of the key layout
-- ARGV[13]             the date, microseconds
-- ARGV[14..16]         person, target and note of the activity
-- returns              {epoch, counter, writes}; another epoch than the new one if somebody else resumed before
local lost, fresh, seen, written, schema, since, person, target, note = arg(), arg(), num(), num(), arg(), arg(), arg(), arg(), arg()
local meta = P .. 'meta'
local m = call('HMGET', meta, 'epoch', 'counter', 'reset', 'before', 'writes')
if m[1] and not m[3] and m[4] and (',' .. m[4] .. ','):find(',' .. lost .. ',', 1, true) then
  return { m[1], m[2], m[5] or '0' } -- somebody was faster
end
local counted, wrote_so_far = max(tonumber(m[2] or '0'), seen), max(tonumber(m[5] or '0'), written) + 1
for _, name in ipairs(call('SMEMBERS', P .. 'duties')) do
  call('HDEL', P .. 'duty:' .. name, 'cursor')
  call('HSET', P .. 'duty:' .. name, 'session', '', 'since', since)
  call('HINCRBY', P .. 'duty:' .. name, 'epoch', 1)
end
local before, listed = {}, {}
for _, e in ipairs({ lost, m[3] or '', m[1] or '' }) do
  if e ~= '' and not listed[e] then
    listed[e] = true
    before[#before + 1] = e
  end
end
for e in (m[4] or ''):gmatch('[^,]+') do
  if #before < 20 and not listed[e] then before[#before + 1] = e end
end
call('HSET', meta, 'epoch', fresh, 'counter', text(counted), 'writes', text(wrote_so_far), 'schema', schema, 'since', since, 'resumed', text(now), 'before', table.concat(before, ','))
call('HDEL', meta, 'reset')
call('LPUSH', P .. 'activity', cjson.encode({ at = text(now), person = person, verb = 'store_resume', target = target, note = note }))
call('PUBLISH', P .. 'wake', me)
return { fresh, text(counted), text(wrote_so_far) }
