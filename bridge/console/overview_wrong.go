package console

import (
	"fmt"

	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// A concern is one thing that somebody should look at, and where.
type concern struct {
	Word api.Health // how it stands
	Text string
	Path string
}

// wrong lists what somebody should look at, what stops most first: it is what a person reads who was
// woken, before everything else.
func (p *overviewPage) wrong() []concern {
	var out []concern
	for _, h := range []api.Health{api.Down, api.Paused, api.Failing} {
		for _, d := range p.Destinations {
			if d.Health == h {
				out = append(out, concern{h, d.Name + ": " + d.Why, "/providers/" + escape(d.Name)})
			}
		}
		for _, m := range p.Mailboxes {
			if m.Health == h {
				out = append(out, concern{h, "mailbox " + m.Name + " " + m.Folder + ": " + or(m.Why, m.Error), "/mailboxes"})
			}
		}
	}
	if p.ParkedN > 0 {
		out = append(out, concern{api.Parked, counted(p.ParkedN, "lane waits", "lanes wait") + " for a person", "/parked"})
	}
	if p.QuarantineN > 0 {
		out = append(out, concern{"quarantined", counted(p.QuarantineN, "event fits", "events fit") + " no rule or no bond", "/quarantine"})
	}
	return out
}

func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n) + " " + many
}
