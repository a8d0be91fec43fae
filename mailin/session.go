package mailin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
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
	healthy bool // this connection has worked
}

// Bounds of one batch.
const (
	batchMails = 100
	batchBytes = 8 << 20
)

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
	c, why := s.cursor.match(data.UIDValidity, next, s.now(), since)
	if why == "" {
		return nil
	}
	s.log.Info(why, "uidvalidity", data.UIDValidity, "uidnext", next)
	// Saved at once: mail that comes before the first one is read must not be taken for old.
	if _, err := s.duty.Accept(ctx, nil, c.String()); err != nil {
		return fmt.Errorf("save position: %w", err)
	}
	s.cursor = c
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
		list, more, err := s.list(ctx)
		if err != nil {
			return false, err
		}
		for len(list) > 0 {
			if full, err := s.isFull(ctx); full || err != nil {
				return full, err
			}
			n, bytes := 0, int64(0)
			for n < len(list) && n < batchMails && (n == 0 || bytes+list[n].size <= batchBytes) {
				bytes += min(list[n].size, s.box.MaxMessage.Bytes())
				n++
			}
			s.track.phase(PhaseReading)
			if err := s.take(ctx, list[:n]); err != nil {
				return false, err
			}
			list = list[n:]
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

// take reads a batch, accepts it, and files it.
func (s *session) take(ctx context.Context, list []letter) error {
	raws, err := s.fetch(ctx, list)
	if err != nil {
		return err
	}
	var events []bridge.Event
	next := *s.cursor
	next.Unfiled = slices.Clone(s.cursor.Unfiled)
	if next.Threads = maps.Clone(s.cursor.Threads); next.Threads == nil {
		next.Threads = threads{}
	}
	var files []unfiled
	owner := map[int]int{} // event → file
	for _, l := range list {
		if raw, there := raws[l.uid]; there { // it may have been deleted meanwhile
			made := s.read(l, raw, &next)
			files = append(files, unfiled{UID: l.uid})
			for range made {
				owner[len(owner)] = len(files) - 1
			}
			events = append(events, made...)
		}
		next.pass(l.uid, l.came)
	}
	for i, e := range events {
		files[owner[i]].Failed = files[owner[i]].Failed || e.Quarantine != ""
	}
	next.Read += int64(len(files))
	for _, f := range files {
		if f.Failed {
			next.Failed++
		}
	}
	if s.box.Done.acts() || s.box.Failed.acts() {
		next.Unfiled = append(next.Unfiled, files...)
		if n := len(next.Unfiled); n > maxUnfiled {
			next.Unfiled = next.Unfiled[n-maxUnfiled:]
		}
	}
	receipts, err := s.duty.Accept(ctx, events, next.String())
	if err != nil {
		return fmt.Errorf("accept: %w", err)
	}
	for i, r := range receipts {
		if r.Status == bridge.Quarantined || r.Status == bridge.Conflict {
			if f := &files[owner[i]]; !f.Failed {
				f.Failed = true
				next.Failed++ // saved with the next one
			}
		}
		if r.Status == bridge.Ignored && events[i].Bounced != "" {
			s.log.Warn("a mail of ours did not arrive", "event", r.First, "provider", events[i].Provider, "task", r.Task, "report", r.Event, "detail", events[i].Detail)
			if s.bounced != nil {
				s.bounced(context.WithoutCancel(ctx), events[i].Provider, r)
			}
		}
	}
	s.cursor = &next
	s.log.Debug("mail read", "mails", len(files), "events", len(events), "uid", next.UID)
	s.file(context.WithoutCancel(ctx), files) // at the end of the program, too: each command has its limit
	return nil
}

// read turns one mail into events, and counts it in c.
func (s *session) read(l letter, raw []byte, c *cursor) []bridge.Event {
	in := bridge.Inbound{
		Entrance: bridge.ByMailbox, ContentType: ContentType, Body: raw, Received: s.now(),
		Header: map[string]string{HeaderMailbox: s.name, HeaderFolder: s.folder.folder, HeaderUID: strconv.FormatUint(uint64(l.uid), 10)},
	}
	x, events := s.reader.Read(in)
	if x == nil {
		return events
	}
	for i := range events {
		e := &events[i]
		switch {
		case e.Ignore != "":
			return s.ignored(l, x, e, c)
		case l.size > s.box.MaxMessage.Bytes():
			e.Quarantine, e.Detail = bridge.TooLarge, fmt.Sprintf("the mail has %d bytes; only the first %d were read", l.size, len(raw))
		case e.Quarantine == "" && c.Threads.pulls(s.box.Brake, x.Thread(), s.now()):
			e.Quarantine = bridge.Throttled
			e.Detail = fmt.Sprintf("more than %d mails of one thread in %s: perhaps two machines answer each other", s.box.Brake.Messages, s.box.Brake.Per)
		}
	}
	return events
}

// ignored records a mail from which nothing follows, as far as there is room; the log has all.
func (s *session) ignored(l letter, x *Reading, e *bridge.Event, c *cursor) []bridge.Event {
	id, from, subject := "", "", ""
	if x.Message != nil {
		id, from, subject = x.Message.ID, x.Message.From.Email, x.Message.Subject
	}
	s.log.Info("mail ignored", "uid", l.uid, "reason", x.Why, "provider", x.Provider, "task", x.Task, "message_id", id, "from", from, "subject", subject)
	if e.Bounced != "" {
		return []bridge.Event{*e}
	}
	room, last := c.Left.take(s.now())
	if !room {
		return nil
	}
	if last {
		e.Detail += fmt.Sprintf("; %d mails of this folder were ignored in this hour: what else is, only the log and the folder tell", maxIgnored)
	}
	return []bridge.Event{*e}
}

// fetch reads the mails, by PEEK, each up to the bound.
func (s *session) fetch(ctx context.Context, list []letter) (map[uint32][]byte, error) {
	var set imap.UIDSet
	for _, l := range list {
		set.AddNum(imap.UID(l.uid))
	}
	section := &imap.FetchItemBodySection{Peek: true}
	for _, l := range list {
		if l.size > s.box.MaxMessage.Bytes() {
			section.Partial = &imap.SectionPartial{Offset: 0, Size: s.box.MaxMessage.Bytes()}
		}
	}
	var got []*imapclient.FetchMessageBuffer
	err := s.conn.do(ctx, func() (err error) {
		got, err = s.conn.client.Fetch(set, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	out := map[uint32][]byte{}
	for _, m := range got {
		for _, b := range m.BodySection {
			out[uint32(m.UID)] = b.Bytes
		}
	}
	return out, nil
}
