package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/engine"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/sspmail"
	"github.com/pergabridge/pergabridge/mailin"
)

// mailParts is what the sections on mail become.
type mailParts struct {
	marks   *mailmark.Marks
	ssp     *sspmail.Destination
	pollers []*mailin.Poller
	// store is set before anything runs; what is built from the config alone has none.
	store bridge.Store
}

// prepare makes the marks and returns what goes to SSP by mail, by its kind.
func (m *mailParts) prepare(c *Config, open *files.Opener, out outbound.Options) (routes map[bridge.Kind]bridge.Destination, err error) {
	if m.marks, err = mailmark.New(c.marks()); err != nil {
		return nil, err
	}
	if c.sspMail == nil {
		return nil, nil
	}
	if m.ssp, err = sspmail.New(*c.sspMail, m.marks, open, out); err != nil {
		return nil, err
	}
	routes = map[bridge.Kind]bridge.Destination{bridge.Open: m.ssp} // there is no other way
	for kind, by := range c.SSP.Route {
		if by == "mail" {
			routes[bridge.Kind(kind)] = m.ssp
		}
	}
	return routes, nil
}

// mailboxes makes the reader, the pollers and the reminders.
func (p *parts) mailboxes(c *Config, log *slog.Logger, now func() time.Time, out outbound.Options) error {
	m := &p.mail
	reader := mailin.NewReader(c.Mailboxes, m.marks, mailin.ReaderOptions{Log: log, Now: now, RefKey: func(provider, reference string) string {
		return bridge.ReferenceKey(reference, p.caseBound[provider])
	}})
	for _, name := range c.boxes() {
		poller, err := mailin.NewPoller(name, reader, mailin.PollerOptions{Log: log, Now: now, Outbound: out, Quarantined: m.quarantined, Bounced: m.bounced(log, now), Tell: p.presence.tell, Observer: p.mailWatch})
		if err != nil {
			return err
		}
		m.pollers = append(m.pollers, poller)
		for duty, source := range poller.Sources() {
			p.sources[duty] = source
		}
		for provider := range c.Mailboxes[name].Providers {
			p.receivers[engine.ReceiverKey(provider, bridge.ByMailbox)] = reader
		}
	}
	for _, name := range c.names() {
		r, ok := c.Providers[name].Config.(interface{ RemindAfter() config.Duration })
		if ok && r.RemindAfter() > 0 {
			p.sources["remind/"+name] = &reminder{provider: name, after: r.RemindAfter().Std(), mail: m, now: now, log: log}
		}
	}
	return nil
}

// quarantined counts what waits in quarantine.
func (m *mailParts) quarantined(ctx context.Context, providers []string) (int64, error) {
	counts, err := m.store.Counts(ctx)
	if err != nil {
		return 0, err
	}
	var n int64
	for _, p := range providers {
		for _, k := range counts.Quarantine[p] {
			n += k
		}
	}
	return n, nil
}

func (m *mailParts) close() {
	for _, p := range m.pollers {
		p.Close()
	}
	if m.ssp != nil {
		m.ssp.Close()
	}
}

// A reminder asks a provider once for the reference of a task that has none for long.
type reminder struct {
	provider string
	after    time.Duration
	mail     *mailParts
	now      func() time.Time
	log      *slog.Logger
}

// remindPage is how many bonds are looked at in one call.
const remindPage = 200

// Run looks at the pending bonds from time to time.
func (r *reminder) Run(ctx context.Context, d bridge.Duty) error {
	t := time.NewTicker(max(min(r.after/10, time.Hour), time.Second))
	defer t.Stop()
	for {
		if err := r.round(ctx, d); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("remind %s: %w", r.provider, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// round reminds of the submits that were delivered long enough ago and whose bond is still pending. The duty's
// cursor is up to which delivery that was done.
func (r *reminder) round(ctx context.Context, d bridge.Duty) error {
	until := r.now().Add(-r.after)
	told, _ := time.Parse(time.RFC3339Nano, d.Cursor()) // none yet: from the beginning
	f := bridge.BondFilter{Provider: r.provider, States: []bridge.BondState{bridge.BondPending}, Limit: remindPage}
	var events []bridge.Event
	for {
		bonds, err := r.mail.store.Bonds(ctx, f)
		if err != nil {
			return err
		}
		for _, b := range bonds {
			if b.Submit == "" || b.Created.After(until) {
				continue
			}
			submit, _, err := r.mail.store.Event(ctx, b.Submit)
			if err != nil && !errors.Is(err, bridge.ErrNotFound) {
				return err
			}
			if submit.State == bridge.StateDone && submit.Ended.After(told) && !submit.Ended.After(until) {
				events = append(events, bridge.Event{
					Provider: r.provider, Task: b.Task, Dir: bridge.Out, Kind: bridge.Update, Entrance: bridge.ByFollowUp,
					Key:  "remind:" + b.Submit, // once for each submit
					Text: "Reminder: this task was assigned to you on " + b.Created.UTC().Format(time.RFC1123) + ", and we have not received your ticket number yet. Please answer this mail with it.",
				})
			}
		}
		if len(bonds) < remindPage {
			break
		}
		f.AfterKey = r.provider + "/" + bonds[len(bonds)-1].Task
	}
	if len(events) == 0 {
		return nil
	}
	_, err := d.Accept(ctx, events, until.UTC().Format(time.RFC3339Nano))
	return err
}
