package mailin

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/pergabridge/pergabridge/bridge"
)

// Bounds of one batch: one FETCH, one commit, one MOVE.
const (
	batchMails = 100
	batchBytes = 8 << 20
)

// takeAll takes the listed mails in batches. While one is read and accepted the server already sends
// the next; while that comes, the one before is moved. Nothing is moved before it is durable.
func (s *session) takeAll(ctx context.Context, list []letter) (full bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var coming *fetched
	defer func() {
		if coming != nil {
			cancel()
			<-coming.done // it uses the connection
		}
		s.filed()
		cancel()
	}()
	next := func() *fetched {
		n, bytes := 0, int64(0)
		for n < len(list) && n < batchMails && (n == 0 || bytes+list[n].size <= batchBytes) {
			bytes += min(list[n].size, s.box.MaxMessage.Bytes())
			n++
		}
		if n == 0 {
			return nil
		}
		b := s.fetch(ctx, list[:n])
		list = list[n:]
		return b
	}
	if len(list) == 0 {
		return false, nil
	}
	if full, err := s.isFull(ctx); full || err != nil {
		return full, err
	}
	coming = next()
	for coming != nil {
		began := time.Now()
		b := coming
		<-b.done
		coming = nil
		s.watch.Took(s.Poller.name, StepFetch, len(b.list), time.Since(began))
		if b.err != nil {
			return false, b.err
		}
		if len(list) > 0 {
			if full, err = s.isFull(ctx); err != nil {
				return false, err
			}
			if !full {
				coming = next()
			}
		}
		if err := s.take(ctx, b); err != nil {
			return false, err
		}
	}
	return full, nil
}

// take accepts a batch that has come, and files it.
func (s *session) take(ctx context.Context, b *fetched) error {
	began := time.Now()
	events, files, owner, next := s.readAll(b)
	s.watch.Took(s.Poller.name, StepRead, len(files), time.Since(began))
	next.Read += int64(len(files))
	for _, f := range files {
		if f.Failed {
			next.Failed++
		}
	}
	before := next.Unfiled
	next.Unfiled = s.remember(before, files)
	began = time.Now()
	for _, e := range events {
		if e.Bounced != "" && s.bounced != nil {
			s.bounced(ctx, e.Provider, e.Bounced)
		}
	}
	receipts, err := s.duty.Accept(ctx, events, next.String())
	if err != nil {
		return fmt.Errorf("accept: %w", err)
	}
	s.watch.Took(s.Poller.name, StepAccept, len(files), time.Since(began))
	s.unsaved = false
	for i, r := range receipts {
		if r.Status == bridge.Quarantined || r.Status == bridge.Conflict {
			if f := &files[owner[i]]; !f.Failed {
				f.Failed, s.unsaved = true, true
				next.Failed++
			}
		}
		if r.Status == bridge.Ignored && events[i].Bounced != "" && r.First != "" {
			s.log.Warn("a mail of ours did not arrive", "event", r.First, "provider", events[i].Provider, "task", r.Task, "report", r.Event, "detail", events[i].Detail)
		}
	}
	next.Unfiled = s.remember(before, files) // failed ones go elsewhere
	s.cursor = &next
	s.log.Debug("mail read", "mails", len(files), "events", len(events), "uid", next.UID)
	s.filed()
	s.file(context.WithoutCancel(ctx), files) // at the end of the program, too: each command has its limit
	return nil
}

// remember returns the mails that were accepted and may not lie yet where they belong.
func (s *session) remember(before, files []unfiled) []unfiled {
	if !s.box.Done.acts() && !s.box.Failed.acts() {
		return before
	}
	all := slices.Concat(before, files)
	return all[max(0, len(all)-maxUnfiled):]
}

// readAll turns a batch into events, the mails side by side; owner is the file of each event.
func (s *session) readAll(b *fetched) (events []bridge.Event, files []unfiled, owner []int, next cursor) {
	type reading struct {
		x      *Reading
		events []bridge.Event
	}
	read := make([]reading, len(b.list))
	var wg sync.WaitGroup
	work := make(chan int)
	for range min(runtime.GOMAXPROCS(0), len(b.list)) {
		wg.Go(func() {
			for i := range work {
				read[i].x, read[i].events = s.reader.Read(s.inbound(b.list[i], b.raw[b.list[i].uid]))
			}
		})
	}
	for i, l := range b.list {
		if _, there := b.raw[l.uid]; there { // it may have been deleted meanwhile
			work <- i
		}
	}
	close(work)
	wg.Wait()
	next = *s.cursor
	if next.Threads = maps.Clone(s.cursor.Threads); next.Threads == nil {
		next.Threads = threads{}
	}
	for i, l := range b.list {
		if raw, there := b.raw[l.uid]; there {
			made := s.judge(l, raw, read[i].x, read[i].events, &next)
			files = append(files, unfiled{UID: l.uid})
			for _, e := range made {
				owner = append(owner, len(files)-1)
				files[len(files)-1].Failed = files[len(files)-1].Failed || e.Quarantine != ""
			}
			events = append(events, made...)
		} else {
			s.log.Info("a mail was gone before it could be read", "uid", l.uid)
		}
		next.pass(l.uid, l.came)
	}
	return events, files, owner, next
}

func (s *session) inbound(l letter, raw []byte) bridge.Inbound {
	return bridge.Inbound{
		Entrance: bridge.ByMailbox, ContentType: ContentType, Body: raw, Received: s.now(),
		Header: map[string]string{HeaderMailbox: s.Poller.name, HeaderFolder: s.folder.folder, HeaderUID: strconv.FormatUint(uint64(l.uid), 10)},
	}
}

// judge says what becomes of the events of one mail, beyond what stands in it, and counts it in c.
func (s *session) judge(l letter, raw []byte, x *Reading, events []bridge.Event, c *cursor) []bridge.Event {
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
		case e.Quarantine == "" && l.uid >= c.Until && c.Threads.pulls(s.box.Brake, x.Thread(), c.at(l.came, s.now())):
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
	level := slog.LevelInfo
	if x.Message != nil && x.Message.Report != nil && x.Message.Report.Action == "partial" {
		level = slog.LevelWarn
	}
	s.log.Log(context.Background(), level, "mail ignored", "uid", l.uid, "reason", x.Why, "provider", x.Provider, "task", x.Task, "message_id", id, "from", from, "subject", subject)
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

// A fetched is a batch that was asked for. done is closed when it has come, or failed.
type fetched struct {
	list []letter
	raw  map[uint32][]byte
	err  error
	done chan struct{}
}

// fetch asks for mails, by PEEK, each up to the bound. It returns when the command is on its way, so
// that no other can overtake it, and does not wait for the mails.
func (s *session) fetch(ctx context.Context, list []letter) *fetched {
	b := &fetched{list: list, raw: map[uint32][]byte{}, done: make(chan struct{})}
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
	asked := make(chan struct{})
	go func() {
		defer close(b.done)
		var got []*imapclient.FetchMessageBuffer
		err := s.conn.do(ctx, func() (err error) {
			cmd := s.conn.client.Fetch(set, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
			close(asked)
			got, err = cmd.Collect()
			return err
		})
		if err != nil {
			b.err = fmt.Errorf("fetch: %w", err)
			return
		}
		for _, m := range got {
			for _, x := range m.BodySection {
				b.raw[uint32(m.UID)] = x.Bytes
			}
		}
	}()
	<-asked // do always runs what it is given; a connection that takes nothing is closed by it
	return b
}
