package mailin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/pergabridge/pergabridge/bridge"
)

// A session is the reading of a folder over one connection after the other.
type session struct {
	*folder
	duty    bridge.Duty
	cursor  *cursor
	conn    *conn
	healthy bool             // this connection has worked
	filing  chan imap.UIDSet // what is being filed now; nil: nothing
	unsaved bool             // more was filed, or is known to have failed, than the saved cursor says
}

// run makes a connection and reads until it ends.
func (s *session) run(ctx context.Context) (err error) {
	s.healthy = false
	if s.conn, err = s.dial(ctx); err != nil {
		return err
	}
	defer s.conn.close()
	defer func() {
		if err == nil || ctx.Err() != nil {
			return
		}
		if _, said := errors.AsType[*imap.Error](err); said {
			s.conn.bye(ctx)
		}
	}()
	if err := s.open(ctx); err != nil {
		return err
	}
	s.track.connected()
	s.refile(ctx)
	idle := s.box.IDLE == nil || *s.box.IDLE
	if idle {
		idle = s.conn.client.Caps().Has(imap.CapIdle) || s.conn.client.Caps().Has(imap.CapIMAP4rev2)
	}
	poll := s.box.Poll.Std()
	for {
		full, err := s.round(ctx)
		if err == nil && s.unsaved {
			err = s.save(ctx, s.cursor)
		}
		if err != nil {
			return err
		}
		s.healthy = true
		// From here on the server is known to answer fast; one that falls silent is noticed early
		// enough to find new mail within the poll interval.
		s.conn.limit = min(s.box.Timeout.Std(), max(poll/4, time.Second))
		waits := PhasePolling
		if full {
			waits = PhaseFull
		} else if idle {
			waits = PhaseIdle
		}
		s.track.polled(waits)
		switch {
		case full:
			if !sleep(ctx, poll) {
				return nil
			}
		case idle:
			if err := s.conn.idle(ctx, min(poll/2, s.box.IDLERenew.Std())); err != nil {
				return err
			}
		default:
			if !sleep(ctx, poll/2) {
				return nil
			}
		}
		if ctx.Err() != nil {
			s.conn.bye(ctx)
			return nil
		}
	}
}

// open opens the folder and finds out where to go on.
func (s *session) open(ctx context.Context) error {
	var data *imap.SelectData
	err := s.conn.do(ctx, func() (err error) {
		data, err = s.conn.client.Select(s.folder.folder, nil).Wait()
		return err
	})
	if err != nil {
		return fmt.Errorf("open folder %s: %w", s.folder.folder, err)
	}
	if data.UIDValidity == 0 {
		return fmt.Errorf("open folder %s: the server gives no UIDVALIDITY, so nothing can be remembered about it", s.folder.folder)
	}
	next := uint32(data.UIDNext)
	if next == 0 { // old servers leave it out
		if next, err = s.highest(ctx); err != nil {
			return err
		}
	}
	since, err := s.box.start(time.Time{})
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if resumed := bridge.Since(s.duty); !resumed.IsZero() { // the ledger was reset: from where a person said
		since = resumed
	}
	c, why := s.cursor.match(data.UIDValidity, next, s.now(), since)
	if why == "" {
		return nil
	}
	s.log.Info(why, "uidvalidity", data.UIDValidity, "uidnext", next)
	// Saved at once: mail that comes before the first one is read must not be taken for old.
	return s.save(ctx, c)
}

// save keeps a cursor that no batch was accepted with, and goes on with it.
func (s *session) save(ctx context.Context, c *cursor) error {
	if _, err := s.duty.Accept(ctx, nil, c.String()); err != nil {
		return fmt.Errorf("save position: %w", err)
	}
	s.cursor, s.unsaved = c, false
	return nil
}

// highest asks for the next UID of a server that does not tell by itself.
func (s *session) highest(ctx context.Context) (uint32, error) {
	var found *imap.SearchData
	err := s.conn.do(ctx, func() (err error) {
		found, err = s.conn.client.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{{{Start: 1}}}}, nil).Wait()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("search: %w", err)
	}
	next := imap.UID(1)
	for _, u := range found.AllUIDs() {
		next = max(next, u+1)
	}
	return uint32(next), nil
}

// A letter is a mail that is on the server.
type letter struct {
	uid  uint32
	size int64
	came time.Time
}

// round reads everything new. full says that the quarantine has no room for more.
func (s *session) round(ctx context.Context) (full bool, err error) {
	for {
		began := time.Now()
		list, more, err := s.list(ctx)
		if err != nil {
			return false, err
		}
		s.watch.Took(s.Poller.name, StepList, len(list), time.Since(began))
		if len(list) > 0 {
			s.track.phase(PhaseReading)
		}
		if full, err := s.takeAll(ctx, list); full || err != nil {
			return full, err
		}
		if !more {
			return false, nil
		}
	}
}

func (s *session) isFull(ctx context.Context) (bool, error) {
	if s.full == nil {
		return false, nil
	}
	n, err := s.full(ctx, s.box.Names())
	if err != nil {
		return false, fmt.Errorf("count quarantine: %w", err)
	}
	if n >= int64(s.box.Quarantine) {
		s.log.Warn("the quarantine is full: mail is left on the server until there is room", "quarantined", n, "limit", s.box.Quarantine)
		return true, nil
	}
	return false, nil
}

// window bounds the UIDs that are listed at once.
const window = 5000

// list returns the new mails, in order; more says that there are further ones behind them.
func (s *session) list(ctx context.Context) (out []letter, more bool, err error) {
	if err := s.conn.do(ctx, func() error { return s.conn.client.Noop().Wait() }); err != nil { // servers tell of new mail between commands
		return nil, false, fmt.Errorf("noop: %w", err)
	}
	set := imap.UIDSet{{Start: imap.UID(s.cursor.UID) + 1}} // to the end
	if !s.cursor.From.IsZero() {
		if set, err = s.since(ctx); err != nil || len(set) == 0 {
			return nil, false, err
		}
	}
	var got []*imapclient.FetchMessageBuffer
	err = s.conn.do(ctx, func() (err error) {
		got, err = s.conn.client.Fetch(set, &imap.FetchOptions{UID: true, RFC822Size: true, InternalDate: true}).Collect()
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list: %w", err)
	}
	for _, m := range got {
		if uint32(m.UID) > s.cursor.UID && s.cursor.wants(uint32(m.UID), m.InternalDate) {
			out = append(out, letter{uint32(m.UID), m.RFC822Size, m.InternalDate})
		}
	}
	slices.SortFunc(out, func(a, b letter) int { return int(int64(a.uid) - int64(b.uid)) })
	if len(out) > window {
		return out[:window], true, nil
	}
	return out, false, nil
}

// since returns the mails that a time bound lets through: those new by date, and all that came after
// the bound was made. If there are none, the bound has done its work.
func (s *session) since(ctx context.Context) (imap.UIDSet, error) {
	var found *imap.SearchData
	err := s.conn.do(ctx, func() (err error) {
		found, err = s.conn.client.UIDSearch(&imap.SearchCriteria{
			UID: []imap.UIDSet{{{Start: imap.UID(s.cursor.UID) + 1}}}, Since: s.cursor.From.Add(-24 * time.Hour), // days have zones
		}, nil).Wait()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	var set imap.UIDSet
	for _, u := range found.AllUIDs() {
		if uint32(u) > s.cursor.UID && uint32(u) < s.cursor.Until {
			set.AddNum(u)
		}
	}
	set.AddSet(imap.UIDSet{{Start: imap.UID(max(s.cursor.Until, s.cursor.UID+1))}})
	return set, nil
}
