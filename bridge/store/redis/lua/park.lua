-- park.lua parks one piece of what is queued in a namespace that is about to be resumed: it was perhaps
-- delivered already, when the lost one was in force. Everything stands still meanwhile; a piece that comes
-- again finds its lanes parked.
--
-- KEYS[1], ARGV[1..7]  see core.lua; only now counts
-- ARGV[8]              epoch that was lost
-- ARGV[9]              highest counter the caller has seen: numbers go on behind it
-- ARGV[10]             cursor: "0" at first, then what the last piece returned
-- ARGV[11]             about how many lanes to look at
-- returns              {cursor, parked lanes}; cursor is "0" after the last piece, and when somebody resumed
local lost, seen, cursor, n = arg(), num(), arg(), num()
local meta = P .. 'meta'
local m = call('HMGET', meta, 'counter', 'reset', 'before')
if not m[2] then
  if m[3] and (',' .. m[3] .. ','):find(',' .. lost .. ',', 1, true) then return { '0', 0 } end
  call('HSET', meta, 'reset', lost)
end
counter, drawn = max(tonumber(m[1] or '0'), seen), 1
local parked, r = 0, call('HSCAN', P .. 'lane', cursor, 'COUNT', n)
for i = 1, #r[2], 2 do
  local l = t.lane_by(r[2][i])
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
t.flush()
return { r[1], parked }
