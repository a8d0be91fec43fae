-- read_event.lua returns one event with its attempts.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- ARGV[8]              id of the event
-- returns              {} if there is none, else {17 texts (t.event_out), body, attempts}; attempts
--                      are lines "n TAB token TAB json"
local e = t.event_by_id(arg())
if not e then return {} end
local out = {}
t.event_out(e, out)
out[18] = call('HGET', P .. 'body', e.seq) or ''
out[19] = call('HGET', P .. 'attempt', e.seq) or ''
return out
