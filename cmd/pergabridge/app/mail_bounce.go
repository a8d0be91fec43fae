package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// A mail that did not arrive is told to people by a notice on the board: the replica that reads the
// mailbox need not be the one that notifies.
const (
	bounceNotice = "bounce"
	// bounceTold is how long it counts as wrong; the event itself stays as it is.
	bounceTold = 24 * time.Hour
)

// bounced puts up a notice that a report says of an event that its mail did not arrive. It is up before
// the report is recorded, so that no kill can come between; the event says whether it is true.
func (m *mailParts) bounced(log *slog.Logger, now func() time.Time) func(ctx context.Context, provider, event string) {
	return func(ctx context.Context, provider, event string) {
		err := m.store.Pin(ctx, bridge.Notice{Kind: bounceNotice, Key: provider + "/" + event, Value: []byte(event), Until: now().Add(bounceTold)})
		if err != nil {
			log.Warn("nobody is notified of a mail that did not arrive; it is recorded", "provider", provider, "event", event, "error", err)
		}
	}
}

// bounceCheck fails while a mail to, or about, a provider that did not arrive has not been repeated, for a
// day. It names the first, and says how many there are.
func (m *mailParts) bounceCheck(provider string) func(context.Context) error {
	return func(ctx context.Context) error {
		list, err := m.store.Notices(ctx, bounceNotice, "")
		if err != nil {
			return nil //nolint:nilerr // a store that fails is another trouble, and is told as such
		}
		var missing []bridge.Event
		for _, n := range list {
			if !strings.HasPrefix(n.Key, provider+"/") {
				continue
			}
			e, _, err := m.store.Event(ctx, string(n.Value))
			if err == nil && e.Reason == bridge.Bounced {
				missing = append(missing, e)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		e := slices.MinFunc(missing, func(a, b bridge.Event) int { return strings.Compare(a.ID, b.ID) })
		more := ""
		if n := len(missing) - 1; n > 0 {
			more = fmt.Sprintf("; nor did %d more, see events list --provider %s --reason %s", n, provider, bridge.Bounced)
		}
		return fmt.Errorf("a mail (%s of task %s) did not arrive: %s; correct the address and send it again with events retry %s%s", e.Kind, e.Task, e.Detail, e.ID, more)
	}
}

// mailChecks are what people are notified of beside parked lanes.
func (p *parts) mailChecks(c *Config, checks map[string]func(context.Context) error) map[string]func(context.Context) error {
	if len(c.Mailboxes) > 0 {
		for _, name := range c.names() {
			checks["mail:"+name] = p.mail.bounceCheck(name)
		}
	}
	return checks
}
