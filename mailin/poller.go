package mailin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/outbound/mailauth"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// PollerOptions are what a Poller gets from the program. The zero value is usable.
type PollerOptions struct {
	Log      *slog.Logger
	Now      func() time.Time
	Outbound outbound.Options
	// Observer is told what the poller does; nil: nobody is.
	Observer Observer
	// Quarantined counts what waits in quarantine for the mailbox's providers; nil: nobody counts.
	Quarantined func(ctx context.Context, providers []string) (int64, error)
	// Bounced is told, before it is recorded, of which event a report says that its mail did not arrive: the
	// record says whether it counts. It may be told again of the same. nil: nobody is told.
	Bounced func(ctx context.Context, provider, event string)
	// Tell is told how the reading of a folder goes, at every change. It must not wait.
	Tell func(duty string, s State)
}

// A Poller reads the folders of one mailbox.
type Poller struct {
	name   string
	box    *Mailbox
	reader *Reader
	auth   *mailauth.Source
	tls    *tls.Config
	log    *slog.Logger
	now    func() time.Time
	watch  Observer
	full   func(ctx context.Context, providers []string) (int64, error)
	tell   func(duty string, s State)

	bounced func(ctx context.Context, provider, event string)
}

// NewPoller makes the poller of the mailbox called name, which reader must know. It connects to
// nothing.
func NewPoller(name string, reader *Reader, o PollerOptions) (*Poller, error) {
	box := reader.boxes[name]
	if box == nil {
		return nil, fmt.Errorf("mailbox %s: the reader does not know it", name)
	}
	if _, _, _, problem := box.address(); problem != "" {
		return nil, fmt.Errorf("mailbox %s: imap %s", name, problem)
	}
	p := &Poller{name: name, box: box, reader: reader, log: o.Log, now: o.Now, watch: o.Observer, full: o.Quarantined, tell: o.Tell, bounced: o.Bounced}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.log = p.log.With("mailbox", name)
	if p.now == nil {
		p.now = time.Now
	}
	if p.watch == nil {
		p.watch = unobserved{}
	}
	var err error
	if p.tls, err = box.TLS.ClientConfig(); err != nil {
		return nil, fmt.Errorf("mailbox %s: tls: %w", name, err)
	}
	if p.auth, err = mailauth.New("mailbox/"+name, box.Auth, o.Outbound); err != nil {
		return nil, fmt.Errorf("mailbox %s: %w", name, err)
	}
	return p, nil
}

// Name returns the name of the mailbox.
func (p *Poller) Name() string { return p.name }

// Mailbox returns the section of the mailbox, with its defaults. It must not be changed.
func (p *Poller) Mailbox() *Mailbox { return p.box }

// Close drops connections to the token endpoint. The mailbox's own end with [bridge.Source].Run.
func (p *Poller) Close() { p.auth.Close() }

// Sources returns one source for each folder, by the name of its duty.
func (p *Poller) Sources() map[string]bridge.Source {
	out := map[string]bridge.Source{}
	for _, f := range p.box.Folders {
		duty := DutyName(p.name, f)
		x := &folder{
			Poller: p, folder: f, log: p.log.With("folder", f),
			track: tracker{now: p.now, state: State{Mailbox: p.name, Folder: f, Phase: PhaseStopped}},
		}
		if p.tell != nil {
			x.track.tell = func(s State) { p.tell(duty, s) }
		}
		out[duty] = x
	}
	return out
}

// A folder is read by one source.
type folder struct {
	*Poller
	folder string
	log    *slog.Logger
	track  tracker
}

// Bounds of the pause after failures.
const (
	firstBackoff = time.Second
	maxBackoff   = 5 * time.Minute
	loginBackoff = 30 * time.Second
)

// Run reads until ctx or the duty ends. Failures of the mail server are repeated here.
func (f *folder) Run(ctx context.Context, d bridge.Duty) error {
	c, err := readCursor(d.Cursor())
	if err != nil {
		return fmt.Errorf("mailbox %s: %w", f.name, err)
	}
	s := &session{folder: f, duty: d, cursor: c}
	defer f.track.stopped()
	for failures := 0; ; {
		began := time.Now()
		f.track.phase(PhaseConnecting)
		err := s.run(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, bridge.ErrFenced):
			return err
		}
		if s.healthy {
			failures = 0
		}
		wait := f.pause(err, failures, time.Since(began))
		failures++
		f.track.failed(err, failures, wait)
		level := slog.LevelWarn
		if wait == 0 {
			level = slog.LevelInfo // a connection that had worked has ended
		}
		f.log.Log(ctx, level, "the mailbox connection ended; it is made again", "error", secret.Mask(errText(err)), "advice", advice(err), "failures", failures, "again_in", wait.String())
		if !sleep(ctx, wait) {
			return nil
		}
	}
}

func errText(err error) string {
	if err == nil {
		return "closed by the server"
	}
	return strings.TrimSpace(err.Error())
}

// pause is how long to wait before the next try. A connection that had worked is replaced at once.
func (f *folder) pause(err error, failures int, lived time.Duration) time.Duration {
	if err != nil {
		if wait := throttled(err); wait > 0 {
			return wait
		}
	}
	if failures == 0 && lived > firstBackoff {
		return 0
	}
	wait := min(firstBackoff<<min(failures, 12), maxBackoff)
	if _, refused := errors.AsType[loginError](err); refused {
		wait = max(wait, min(loginBackoff<<min(failures, 4), maxBackoff))
	}
	return wait/2 + time.Duration(rand.Int64N(int64(wait/2)+1))
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
