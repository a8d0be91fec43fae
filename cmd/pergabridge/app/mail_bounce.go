package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// bounced puts up a notice about a mail of ours that did not arrive.
func (m *mailParts) bounced(log *slog.Logger, now func() time.Time) func(context.Context, string, bridge.Receipt) {
	return func(ctx context.Context, provider string, r bridge.Receipt) {
		err := m.store.Pin(ctx, bridge.Notice{Kind: bounceNotice, Key: provider, Value: []byte(r.First), Until: now().Add(bounceTold)})
		if err != nil {
			log.Warn("nobody is notified of a mail that did not arrive; it is recorded", "provider", provider, "event", r.First, "error", err)
		}
	}
}

// bounceCheck fails while the last mail to, or about, a provider that did not arrive has not been
// repeated, for a day.
func (m *mailParts) bounceCheck(provider string) func(context.Context) error {
	return func(ctx context.Context) error {
		list, err := m.store.Notices(ctx, bounceNotice, provider)
		if err != nil || len(list) == 0 {
			return nil //nolint:nilerr // a store that fails is another trouble, and is told as such
		}
		e, _, err := m.store.Event(ctx, string(list[0].Value))
		switch {
		case errors.Is(err, bridge.ErrNotFound):
			return nil
		case err != nil || e.Reason != bridge.Bounced:
			return nil //nolint:nilerr // as above
		}
		return fmt.Errorf("a mail (%s of task %s) did not arrive: %s; correct the address and send it again with events retry %s", e.Kind, e.Task, e.Detail, e.ID)
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
