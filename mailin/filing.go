package mailin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
)

func (f Filing) acts() bool { return f.Move != "" || f.Keyword != "" }

// file moves or marks mails that were accepted, beside what the session does next; filed waits for it.
// Whether it succeeds changes nothing but where the mail lies: the position has been saved.
func (s *session) file(ctx context.Context, files []unfiled) {
	done := make(chan imap.UIDSet, 1)
	s.filing = done
	go func() {
		began := time.Now()
		var all imap.UIDSet
		for _, failed := range []bool{false, true} {
			how := s.box.Done
			if failed {
				how = s.box.Failed
			}
			var set imap.UIDSet
			for _, f := range files {
				if f.Failed == failed {
					set.AddNum(imap.UID(f.UID))
				}
			}
			if len(set) == 0 {
				continue
			}
			if err := s.put(ctx, set, how); err != nil {
				s.log.Warn("mail was taken, but could not be filed; it stays where it is and is not read again", "uids", set.String(), "error", err)
				continue
			}
			all.AddSet(set)
		}
		s.watch.Took(s.Poller.name, StepFile, len(files), time.Since(began))
		done <- all
	}()
}

// filed waits until nothing is filed any more; what was filed need not be remembered.
func (s *session) filed() {
	if s.filing == nil {
		return
	}
	set := <-s.filing
	s.filing = nil
	left := slices.DeleteFunc(s.cursor.Unfiled, func(u unfiled) bool { return set.Contains(imap.UID(u.UID)) })
	s.unsaved = s.unsaved || len(left) < len(s.cursor.Unfiled)
	s.cursor.Unfiled = left
}

// refile tries once more, on a new connection, to file what could not be filed before.
func (s *session) refile(ctx context.Context) {
	if len(s.cursor.Unfiled) > 0 {
		s.file(ctx, slices.Clone(s.cursor.Unfiled))
		s.filed()
	}
}

func (s *session) put(ctx context.Context, set imap.UIDSet, how Filing) error {
	c := s.conn.client
	switch {
	case how.Keyword != "":
		return s.flag(ctx, set, imap.Flag(how.Keyword))
	case how.Move == "":
		return nil
	}
	err := s.move(ctx, set, how.Move)
	if err == nil {
		return nil
	}
	if s.conn.do(ctx, func() error { return c.Create(how.Move, nil).Wait() }) != nil {
		return err // it was there, or must not be made: the first refusal says more
	}
	return s.move(ctx, set, how.Move)
}

// move moves mail; by COPY and \Deleted where the server has no MOVE, and then only removes it when
// the copy is made and nobody else's mail is removed with it.
func (s *session) move(ctx context.Context, set imap.UIDSet, to string) error {
	c := s.conn.client
	caps := c.Caps()
	if caps.Has(imap.CapMove) || caps.Has(imap.CapIMAP4rev2) {
		if err := s.conn.do(ctx, func() error { _, err := c.Move(set, to).Wait(); return err }); err != nil {
			return fmt.Errorf("move to %s: %w", to, err)
		}
		return nil
	}
	if err := s.conn.do(ctx, func() error { _, err := c.Copy(set, to).Wait(); return err }); err != nil {
		return fmt.Errorf("copy to %s: %w", to, err)
	}
	if err := s.flag(ctx, set, imap.FlagDeleted); err != nil {
		return err
	}
	if caps.Has(imap.CapUIDPlus) {
		if err := s.conn.do(ctx, func() error { return c.UIDExpunge(set).Close() }); err != nil {
			return fmt.Errorf("expunge: %w", err)
		}
	}
	return nil
}

func (s *session) flag(ctx context.Context, set imap.UIDSet, flag imap.Flag) error {
	err := s.conn.do(ctx, func() error {
		return s.conn.client.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{flag}}, nil).Close()
	})
	if err != nil {
		return fmt.Errorf("set %s: %w", flag, err)
	}
	return nil
}
