-- out.lua: records as flat texts for the caller.

-- event_out adds the columns of an event: seq, id, provider, task, dir, kind, reference, ref_key,
-- mode, entrance, state, reason, detail, first, repeat, received, ended.
function t.event_out(e, out)
  local n = #out
  out[n + 1], out[n + 2], out[n + 3], out[n + 4], out[n + 5], out[n + 6] = text(e.seq), e.id, e.provider, e.task, e.dir, e.kind
  out[n + 7], out[n + 8], out[n + 9], out[n + 10], out[n + 11], out[n + 12] = e.reference, e.ref_key, e.mode, e.entrance, e.state, e.reason
  out[n + 13], out[n + 14], out[n + 15], out[n + 16], out[n + 17] = e.detail, e.first, text(e.rep), text(e.received), text(e.ended)
end

-- bond_out adds a bond: provider, task, state, reference, ref_key, resolves, submit, acknowledged,
-- created, changed.
function t.bond_out(b, out)
  local n = #out
  out[n + 1], out[n + 2], out[n + 3], out[n + 4], out[n + 5] = b.provider, b.task, b.state, b.reference, b.ref_key
  out[n + 6], out[n + 7], out[n + 8], out[n + 9], out[n + 10] = text(b.resolves), b.submit, b.acked and '1' or '0', text(b.created), text(b.changed)
end
