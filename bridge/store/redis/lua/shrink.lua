-- shrink.lua takes away what an event says.
--
-- A library after core.lua; it reads no arguments.

-- shrink reduces one event to what is to be kept: "text", "digest", or "nothing", which takes the
-- details of the tries as well. The record stays.
function t.shrink(e, what)
  local small = { key = e.key ~= '' and e.key or nil, comment = e.comment ~= '' and e.comment or nil, content_hash = e.chash }
  if what == 'text' then
    local ok, body = pcall(cjson.decode, call('HGET', P .. 'body', e.seq) or '{}')
    if ok then
      for _, f in ipairs({ 'text', 'author', 'ticket', 'title' }) do small[f] = body[f] end
    end
  end
  call('HSET', P .. 'body', e.seq, cjson.encode(small))
  e.shrunk = 1
  t.touch_event(e)
  local s = call('HGET', P .. 'attempt', e.seq)
  if s then
    local lines = {}
    for line in s:gmatch('[^\n]+') do
      local head, json = line:match('^([^\t]*\t[^\t]*\t)(.*)$')
      local good, a = pcall(cjson.decode, json)
      if good then
        for _, f in ipairs({ 'started', 'ended' }) do a[f] = text(a[f] or 0) end
        a.request, a.answer = nil, nil
        if what == 'nothing' then a.detail = nil end
        json = cjson.encode(a)
      end
      lines[#lines + 1] = head .. json
    end
    call('HSET', P .. 'attempt', e.seq, table.concat(lines, '\n'))
  end
end
