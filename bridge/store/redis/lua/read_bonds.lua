-- read_bonds.lua looks through one piece of the bonds for a filter. It writes nothing.
--
-- KEYS[1], ARGV[1..7]  see core.lua
-- ARGV[8]              where to go on: "PROVIDER US TASK" of the last bond looked at, or empty
-- ARGV[9], ARGV[10]    how many bonds to return, and to look at, at most
-- ARGV[11..15]         filter: provider, task, ref_key, states (comma-separated), prefix
-- returns              {next, n, 10 texts for each bond (t.bond_out)...}; next is empty at the end
local after, limit, budget = arg(), num(), num()
local f = { provider = arg(), task = arg(), ref_key = arg(), states = arg(), prefix = arg() }
local states
if f.states ~= '' then
  states = {}
  for s in f.states:gmatch('[^,]+') do states[s] = true end
end
local keys
if f.ref_key ~= '' or f.task ~= '' then
  keys = {}
  if f.ref_key ~= '' then
    for _, p in ipairs(call('SMEMBERS', P .. 'providers')) do
      local task = t.owner(p, f.ref_key)
      if task ~= '' then insert(keys, p .. SEP .. task) end
    end
  else
    for _, p in ipairs(t.bonded_at(f.task)) do insert(keys, p .. SEP .. f.task) end
  end
  table.sort(keys)
elseif f.prefix ~= '' then
  keys = {}
  local seen = {}
  for _, p in ipairs(f.provider ~= '' and { f.provider } or call('SMEMBERS', P .. 'providers')) do
    local from = p .. SEP .. f.prefix
    for _, k in ipairs(call('ZRANGEBYLEX', P .. 'bonds', '[' .. from, '[' .. from .. '\255', 'LIMIT', 0, 1000)) do seen[k] = true end
    local of = call('ZRANGEBYLEX', P .. 'refs', '[' .. from, '[' .. from .. '\255', 'LIMIT', 0, 1000)
    for _, task in ipairs(#of > 0 and call('HMGET', P .. 'ref', unpack(of)) or {}) do
      if task then seen[p .. SEP .. task] = true end
    end
  end
  for k in pairs(seen) do insert(keys, k) end
  table.sort(keys)
else
  local from = after ~= '' and '(' .. after or f.provider ~= '' and '[' .. f.provider .. SEP or '-'
  keys = call('ZRANGEBYLEX', P .. 'bonds', from, '+', 'LIMIT', 0, budget)
end
local out, n, last = { '', '0' }, 0, ''
for _, k in ipairs(keys) do
  last = k
  if after == '' or k > after then
    local p, task = k:match('^([^\31]*)\31(.*)$')
    if f.provider ~= '' and p > f.provider and f.ref_key == '' and f.task == '' and f.prefix == '' then
      last = ''
      break
    end
    local b = (f.provider == '' or p == f.provider) and (f.task == '' or task == f.task) and t.bond(p, task)
    if b and (not states or states[b.state]) then
      t.bond_out(b, out)
      n = n + 1
      if n == limit then break end
    end
  end
end
if f.ref_key ~= '' or f.task ~= '' or f.prefix ~= '' or #keys < budget and n < limit then last = '' end
out[1], out[2] = last, text(n)
return out
