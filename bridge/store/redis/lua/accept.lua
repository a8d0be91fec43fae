-- accept.lua takes events in (package bridge, "Accept"), in order, all in one step.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- ARGV[8..11]          fence of a duty: its name, session and epoch, and the cursor to save; name ''
--                      if the events come by no duty
-- ARGV[12]             number of events; then 22 arguments for each, see t.read_event
-- returns              {"counter:writes", woke, receipts...}: 8 texts a receipt, see t.receipt;
--                      or the error PBFENCED
local memo = t.begin()
if memo then return memo end
local duty, session, epoch, cursor = arg(), arg(), arg(), arg()
if duty ~= '' then
  if not t.holds(duty, session, epoch) then return redis.error_reply('PBFENCED duty ' .. duty .. ' passed to another session') end
end
local n = num()
local out = { '', '' }
local fresh = {}
for i = 1, n do fresh[i] = t.read_event() end
t.prefetch_accept(fresh)
for _, e in ipairs(fresh) do
  for _, v in ipairs(t.accept(e)) do out[#out + 1] = v end
end
if duty ~= '' then
  call('HSET', P .. 'duty:' .. duty, 'cursor', cursor)
  if cursor ~= '' then call('HSET', P .. 'duty:' .. duty, 'since', '0') end
end
return t.finish(out)
