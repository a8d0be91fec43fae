package sqlite

import "github.com/pergabridge/pergabridge/bridge"

// eventErase removes what a settled event and its tries say.
func (t *tx) eventErase(c bridge.Command, out *bridge.CommandResult) error {
	e := t.eventByID(c.Event)
	switch {
	case e == nil:
		return notFound("event", c.Event)
	case !e.State.Final():
		return refuse("event %s is %s: only what is settled can be erased; settle, ignore or discard it first", e.ID, e.State)
	}
	var erased bool
	if t.row("SELECT detail = ? FROM event WHERE seq = ?", bridge.ErasedDetail, e.Seq).scan(&erased); erased {
		return nil
	}
	t.shrink(e.Seq, bridge.KeepDigest)
	t.exec("UPDATE event SET detail = ? WHERE seq = ?", bridge.ErasedDetail, e.Seq)
	t.exec("UPDATE attempt SET detail = '' WHERE seq = ?", e.Seq)
	moved(out, e)
	return nil
}
