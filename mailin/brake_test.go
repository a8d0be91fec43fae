package mailin

import (
	"fmt"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/mailin/dovecottest"
)

func TestBrake(t *testing.T) {
	b := Brake{Messages: 2, Per: config.Duration(time.Hour)}
	now := time.Unix(1e9, 0)
	pulls := func(c *cursor, thread string, after time.Duration) bool {
		return c.Threads.pulls(b, thread, now.Add(after))
	}
	c := &cursor{Threads: threads{}}
	require.False(t, pulls(c, "a", 0))
	require.False(t, pulls(c, "a", time.Minute))
	before := c.String()
	require.True(t, pulls(c, "a", 2*time.Minute))

	c, err := readCursor(before) // another replica, or the next start, goes on counting
	require.NoError(t, err)
	require.True(t, pulls(c, "a", 2*time.Minute))
	require.False(t, pulls(c, "b", 2*time.Minute))
	require.False(t, pulls(c, "a", time.Hour+3*time.Minute), "they are an hour old")
	require.False(t, pulls(c, "a", time.Hour+4*time.Minute))
	require.True(t, pulls(c, "a", time.Hour+5*time.Minute))
	moved, _ := c.match(8, 1, now, time.Time{})
	require.True(t, pulls(moved, "a", time.Hour+5*time.Minute), "a renumbered folder is the same")
}

// The brake's memory is bounded whatever comes, and never forgets the thread that is busy.
func TestBrakeIsBounded(t *testing.T) {
	b := Brake{Messages: 3, Per: config.Duration(time.Hour)}
	now := time.Unix(1e9, 0)
	c := &cursor{Threads: threads{}}
	for i := range 5 * maxThreads {
		c.Threads.pulls(b, fmt.Sprint("thread ", i), now.Add(time.Duration(i)*time.Second/2))
		c.Threads.pulls(b, "busy", now.Add(time.Duration(i)*time.Second/2))
	}
	require.LessOrEqual(t, len(c.Threads), maxThreads)
	require.True(t, c.Threads.pulls(b, "busy", now.Add(5*maxThreads*time.Second/2)))
	require.Less(t, len(c.String()), 100<<10)
}

func TestQuota(t *testing.T) {
	var q quota
	now := time.Unix(1e9, 0).Truncate(time.Hour)
	for i := range maxIgnored {
		room, last := q.take(now)
		require.True(t, room)
		require.Equal(t, i == maxIgnored-1, last)
	}
	room, _ := q.take(now.Add(59 * time.Minute))
	require.False(t, room)
	room, _ = q.take(now.Add(time.Hour))
	require.True(t, room)
}

// The brake counts by when mail came, not by when it is read: what lay there while nobody read is no loop.
func TestBrakeCountsWhenMailCame(t *testing.T) {
	s := startOld(t, imap.CapSet{imap.CapIMAP4rev1: {}})
	b := s.mailbox(t)
	b.Brake = Brake{Messages: 2, Per: config.Duration(time.Hour)}
	l := newLedger()
	run(t, b, l)
	l.awaitStart(t)
	c, now := s.client(t), time.Now()
	for i := range 6 {
		dovecottest.Append(t, c, "INBOX", now.Add(time.Duration(i-8)*40*time.Minute), dovecottest.Mail(i, "4711", 300))
	}
	dovecottest.Append(t, c, "INBOX", now.Add(-30*24*time.Hour), dovecottest.Mail(7, "4711", 300)) // moved in by a person
	l.awaitEvents(t, 7)
	var held []string
	for _, e := range l.events {
		held = append(held, string(e.Quarantine))
	}
	require.Equal(t, []string{"", "", "", "", "", "", "throttled"}, held, "the last one counts as of when the one before it came")
}

// What the brake holds back is kept for a person, not thrown away.
func TestBrakeHoldsBack(t *testing.T) {
	s := startOld(t, imap.CapSet{imap.CapIMAP4rev1: {}})
	b := s.mailbox(t)
	b.Brake = Brake{Messages: 2, Per: config.Duration(time.Hour)}
	l := newLedger()
	run(t, b, l)
	l.awaitStart(t)
	c := s.client(t)
	for i := range 4 {
		dovecottest.Append(t, c, "INBOX", time.Now(), dovecottest.Mail(i, "4711", 300))
	}
	dovecottest.Append(t, c, "INBOX", time.Now(), dovecottest.Mail(9, "4712", 300))
	l.awaitEvents(t, 5)
	var held []string
	for _, e := range l.events {
		held = append(held, string(e.Quarantine))
	}
	require.Equal(t, []string{"", "", "throttled", "throttled", ""}, held)
}
