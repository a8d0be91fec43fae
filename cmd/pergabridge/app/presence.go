package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/mailin"
)

// How often a replica tells of itself, and how long that is believed.
const (
	presenceEvery = 10 * time.Second
	presenceLife  = 35 * time.Second
	presenceLast  = 2 * time.Second
)

// noticeMailbox is the kind of the notices that say how a mailbox is, each a [mailin.State] under the
// name of its duty.
const noticeMailbox = "mailbox"

// presence tells the other replicas, and the console of each, how this one is.
type presence struct {
	store   bridge.Store
	session func() string
	about   api.Replica
	now     func() time.Time
	log     *slog.Logger
	rates   func() []bridge.Notice
	through func(source string, at time.Time, reads bool)

	mu    sync.Mutex
	boxes map[string]mailin.State // by duty
	news  chan struct{}
}

func newPresence(config string, now func() time.Time, log *slog.Logger, through func(string, time.Time, bool)) *presence {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &presence{
		about: api.Replica{Host: host, PID: os.Getpid(), Config: config, Started: now()},
		now:   now, log: log, through: through, boxes: map[string]mailin.State{}, news: make(chan struct{}, 1),
	}
}

// tell takes what a mailbox says of itself.
func (p *presence) tell(duty string, s mailin.State) {
	p.mu.Lock()
	news := p.boxes[duty].Phase != s.Phase || p.boxes[duty].Error != s.Error
	p.boxes[duty] = s
	p.mu.Unlock()
	p.through(duty, s.Polled, s.Phase != mailin.PhaseStopped)
	if !news {
		return // the next turn tells
	}
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// run tells until ctx ends.
func (p *presence) run(ctx context.Context) {
	t := time.NewTicker(presenceEvery)
	defer t.Stop()
	for {
		if err := p.pin(ctx); err != nil && ctx.Err() == nil {
			p.log.Debug("the other replicas could not be told", "error", err)
		}
		select {
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), presenceLast)
			defer cancel()
			_ = p.pin(end) // what went through since the last turn; nobody depends on it
			return
		case <-t.C:
		case <-p.news:
		}
	}
}

// pin puts everything up in one step.
func (p *presence) pin(ctx context.Context) error {
	until := p.now().Add(presenceLife)
	var all []bridge.Notice
	if id := p.session(); id != "" {
		all = append(all, notice(api.NoticeReplica, id, p.about, until))
	}
	p.mu.Lock()
	for duty, s := range p.boxes {
		if s.Phase != mailin.PhaseStopped { // another replica may read it by now
			all = append(all, notice(noticeMailbox, duty, s, until))
		}
	}
	p.mu.Unlock()
	all = append(all, p.rates()...)
	if len(all) == 0 {
		return nil
	}
	return p.store.Pin(ctx, all...)
}

func notice(kind, key string, v any, until time.Time) bridge.Notice {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs
	}
	return bridge.Notice{Kind: kind, Key: key, Value: raw, Until: until}
}

// mailboxes returns how the reading of every configured folder goes, whichever replica does it.
func (p *parts) mailboxStates(ctx context.Context) ([]api.Mailbox, error) {
	duties, err := p.presence.store.Duties(ctx)
	if err != nil {
		return nil, err
	}
	notices, err := p.presence.store.Notices(ctx, noticeMailbox, "")
	if err != nil {
		return nil, err
	}
	duty, state := map[string]bridge.DutyState{}, map[string]mailin.State{}
	for _, d := range duties {
		duty[d.Name] = d
	}
	for _, n := range notices {
		var s mailin.State
		if json.Unmarshal(n.Value, &s) == nil { // another version may write what this one does not know
			state[n.Key] = s
		}
	}
	var out []api.Mailbox
	for _, poller := range p.mail.pollers {
		box := poller.Mailbox()
		for _, folder := range box.Folders {
			key := mailin.DutyName(poller.Name(), folder)
			b := api.Mailbox{Name: poller.Name(), Folder: folder, Duty: key, Address: box.IMAP, Providers: box.Names()}
			fill(&b, duty[key], state[key])
			_, lately := state[key]
			b.Health, b.Why = p.mailboxHealth(&b, 3*box.Poll.Std(), lately || p.presence.now().Sub(p.presence.about.Started) < presenceLife)
			out = append(out, b)
		}
	}
	return out, nil
}

func fill(b *api.Mailbox, d bridge.DutyState, s mailin.State) {
	b.Session, b.Paused = d.Session, d.Paused
	if p, ok := mailin.ReadPosition(d.Cursor); ok {
		b.UIDValidity, b.UID, b.Start, b.Last, b.Read, b.Failed, b.Unfiled = int64(p.UIDValidity), int64(p.UID), p.Start, p.Last, p.Read, p.Failed, p.Unfiled
	}
	b.Phase = string(mailin.PhaseStopped)
	if d.Session != "" && s.Phase != "" {
		b.Phase, b.Since, b.Connected, b.Polled, b.Next = string(s.Phase), s.Since, s.Connected, s.Polled, s.Next
		b.Error, b.At, b.Failures, b.Advice = s.Error, s.At, s.Failures, s.Advice
	}
}

// mailboxHealth says in one word how a mailbox is, and why. A look at it is due within patience; lately
// says that somebody read it a moment ago, or may be about to.
func (p *parts) mailboxHealth(b *api.Mailbox, patience time.Duration, lately bool) (api.Health, string) {
	quiet := p.presence.now().Sub(b.Polled)
	switch phase := mailin.Phase(b.Phase); {
	case b.Paused:
		return api.Paused, "a person paused it; mail stays on the server"
	case b.Session == "" && lately:
		return api.Failing, "no replica reads it at the moment"
	case b.Session == "":
		return api.Down, "no replica reads it"
	case b.Failures > 2:
		return api.Down, fmt.Sprintf("%d tries in a row failed; mail stays on the server", b.Failures)
	case phase == mailin.PhaseThrottled:
		return api.Failing, "the mail server asked for a pause"
	case b.Failures > 0:
		return api.Failing, "the last try failed; mail stays on the server"
	case phase == mailin.PhaseFull:
		return api.Failing, "mail is left on the server until the quarantine has room"
	case !b.Polled.IsZero() && phase != mailin.PhaseReading && quiet > patience:
		return api.Failing, "the last complete look was " + quiet.Round(time.Second).String() + " ago"
	}
	return api.Fine, ""
}

// mailboxChecks are the mailboxes as checks: those that people are shown, and told of.
func (p *parts) mailboxChecks(bad func(*api.Mailbox) bool) map[string]func(context.Context) error {
	out := map[string]func(context.Context) error{}
	for _, poller := range p.mail.pollers {
		for _, folder := range poller.Mailbox().Folders {
			duty := mailin.DutyName(poller.Name(), folder)
			out["mailbox "+poller.Name()+"/"+folder] = func(ctx context.Context) error {
				all, err := p.mailboxStates(ctx)
				for i := range all {
					if b := &all[i]; b.Duty == duty && bad(b) {
						return fmt.Errorf("%s%s", b.Why, prefixed("; ", b.Error)+prefixed("; ", b.Advice))
					}
				}
				return err
			}
		}
	}
	return out
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// shownMailbox is what people should see on the first page.
func shownMailbox(b *api.Mailbox) bool { return b.Health != api.Fine && b.Health != api.Paused }

// toldMailbox is what somebody should be woken for; a blip is not.
func toldMailbox(b *api.Mailbox) bool { return b.Health == api.Down }
