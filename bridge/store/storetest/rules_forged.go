package storetest

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/transfer"
)

// rewrite returns the stream as it would be of other records: whole, with hashes that agree.
func (h *harness) rewrite(stream []byte, change func([]transfer.Record) []transfer.Record) []byte {
	h.t.Helper()
	in, err := transfer.NewReader(bytes.NewReader(stream))
	require.NoError(h.t, err)
	var all []transfer.Record
	for {
		rec, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(h.t, err)
		all = append(all, rec)
	}
	var b bytes.Buffer
	out, err := transfer.NewWriter(&b, in.Header)
	require.NoError(h.t, err)
	for _, rec := range change(all) {
		require.NoError(h.t, out.Put(rec))
	}
	_, err = out.Close()
	require.NoError(h.t, err)
	return b.Bytes()
}

// nth returns the place of the nth record of a type, from 0.
func nth[R transfer.Record](all []transfer.Record, n int) int {
	for i, rec := range all {
		if _, ok := rec.(R); ok {
			if n == 0 {
				return i
			}
			n--
		}
	}
	panic("the ledger has not so many")
}

// of is the nth record of a type.
func of[R transfer.Record](all []transfer.Record, n int) R {
	return all[nth[R](all, n)].(R) //nolint:forcetypeassert // nth looks for it
}

var forgedRules = []rule{
	{"a stream that contradicts itself is refused at its line, and leaves nothing", func(h *harness) {
		h.open("T1", "R1")
		h.open("T2", "R2")
		for _, task := range []string{"T1", "T2"} {
			h.queue(h.out(bridge.Update, task, key("one "+task)))
			h.queue(h.out(bridge.Update, task, key("two "+task)))
		}
		h.advance(allSessionsEnd)
		stream := h.export()
		h.replace(h.make)
		for says, change := range map[string]func([]transfer.Record) []transfer.Record{
			"belongs to": func(all []transfer.Record) []transfer.Record { // one reference of two tasks
				of[*transfer.Reference](all, 1).RefKey = of[*transfer.Reference](all, 0).RefKey
				return all
			},
			"bond of task T1 at acme comes twice": func(all []transfer.Record) []transfer.Record {
				return slices.Insert(all, nth[*transfer.Bond](all, 1), transfer.Record(of[*transfer.Bond](all, 0)))
			},
			"its number": func(all []transfer.Record) []transfer.Record {
				return slices.Insert(all, nth[*transfer.Event](all, 1), transfer.Record(of[*transfer.Event](all, 0)))
			},
			"is that of": func(all []transfer.Record) []transfer.Record { // one id of two events
				of[*transfer.Event](all, 1).ID = of[*transfer.Event](all, 0).ID
				return all
			},
			"belongs to an event": func(all []transfer.Record) []transfer.Record { // one claim of two
				of[*transfer.Claim](all, 1).Key = of[*transfer.Claim](all, 0).Key
				of[*transfer.Claim](all, 1).Dir = of[*transfer.Claim](all, 0).Dir
				return all
			},
			"attempt 1 at event": func(all []transfer.Record) []transfer.Record {
				return slices.Insert(all, nth[*transfer.Attempt](all, 0), transfer.Record(of[*transfer.Attempt](all, 0)))
			},
			"lane acme/out/T1 comes twice": func(all []transfer.Record) []transfer.Record {
				at := nth[*transfer.Lane](all, 0)
				return slices.Insert(all, at+2, all[at:at+2]...)
			},
			"is not one of its queued events": func(all []transfer.Record) []transfer.Record { // two lanes with each other's
				a, b := of[*transfer.Queue](all, 0).Seqs, of[*transfer.Queue](all, 1).Seqs
				a[1], b[1] = b[1], a[1]
				return all
			},
			"lane acme/out/T1: event": func(all []transfer.Record) []transfer.Record { // one event at two places
				seqs := of[*transfer.Queue](all, 0).Seqs
				seqs[1] = seqs[0]
				return all
			},
			"are in its queue": func(all []transfer.Record) []transfer.Record {
				of[*transfer.Lane](all, 0).Events++
				return all
			},
		} {
			_, _, err := transfer.Import(h.ctx, h.porter(), bytes.NewReader(h.rewrite(stream, change)))
			require.ErrorContains(h.t, err, "import: line ", says)
			require.ErrorContains(h.t, err, says)
			require.Empty(h.t, h.events(bridge.EventFilter{}), says)
			require.Empty(h.t, h.bonds(bridge.BondFilter{}), says)
		}
		_, _, err := transfer.Import(h.ctx, h.porter(), bytes.NewReader(stream))
		require.NoError(h.t, err)
		h.same(stream, h.export())
	}},
	{"an export of before notices moved is read", func(h *harness) {
		h.open("T1", "R1")
		h.advance(allSessionsEnd)
		stream := h.export()
		h.replace(h.make)
		lines := strings.SplitAfter(string(stream), "\n")
		end := len(lines) - 2
		at := strings.Index(lines[end], `,"notice":`)
		require.Positive(h.t, at)
		lines[end] = lines[end][:at] + lines[end][at+strings.Index(lines[end][at:], "}"):][1:]
		_, _, err := transfer.Import(h.ctx, h.porter(), strings.NewReader(strings.Join(lines, "")))
		require.NoError(h.t, err)
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"where duties begin after a reset moves with the ledger", func(h *harness) {
		h.moveCursor("poll acme", "")
		h.moveCursor("poll beta", "cursor 7")
		h.advance(allSessionsEnd)
		since := h.now().Add(-time.Hour)
		stream := h.rewrite(h.export(), func(all []transfer.Record) []transfer.Record {
			l := of[*transfer.Ledger](all, 0)
			l.Since, l.Resumed, l.Before = since.UnixMicro(), h.now().UnixMicro(), []string{"one", "another"}
			of[*transfer.Duty](all, 0).Since = since.UnixMicro()
			return all
		})
		h.replace(h.make)
		_, _, err := transfer.Import(h.ctx, h.porter(), bytes.NewReader(stream))
		require.NoError(h.t, err)
		h.same(stream, h.export())
		begins := func(name string) time.Time {
			d := h.duty(name, h.session(bridge.NewID(), bridge.SessionLife))
			defer func() { require.NoError(h.t, d.Release(h.ctx)) }()
			return bridge.Since(d)
		}
		require.True(h.t, since.Equal(begins("poll acme")))
		require.Zero(h.t, begins("poll beta"), "it has its cursor")
		require.True(h.t, since.Equal(begins("poll that was lost")), "a wiped ledger knows nothing of it")
		h.advance(bridge.ResumptionLife)
		require.Zero(h.t, begins("poll that is new"), "somebody configured it later")
		require.True(h.t, since.Equal(begins("poll that was lost")), "it has not begun yet")
		h.advance(bridge.ClaimLife)
		require.True(h.t, h.now().Add(-bridge.ClaimLife).Equal(begins("poll acme")), "what is older nobody would recognise")
		d := h.duty("poll acme", h.session(bridge.NewID(), bridge.SessionLife))
		_, err = d.Accept(h.ctx, nil, "cursor 1")
		require.NoError(h.t, err)
		require.Zero(h.t, bridge.Since(d))
		_, err = d.Accept(h.ctx, nil, "")
		require.NoError(h.t, err)
		require.NoError(h.t, d.Release(h.ctx))
		require.Zero(h.t, begins("poll acme"), "it has begun")
	}},
	{"the board moves, and a backup holds it", func(h *harness) {
		want := map[string]string{"token": "\x00\xff\n\"", "bounce": "", "mailbox": "two"}
		for kind, value := range want {
			h.pin(bridge.Notice{Kind: kind, Key: "a / b:\x1f", Value: []byte(value), Until: h.now().Add(2 * allSessionsEnd)})
		}
		up := func(s bridge.Board) map[string]string {
			got := map[string]string{}
			for kind := range maps.Keys(want) {
				all, err := s.Notices(h.ctx, kind, "")
				require.NoError(h.t, err)
				for _, n := range all {
					require.Equal(h.t, "a / b:\x1f", n.Key)
					got[kind] += string(n.Value)
				}
			}
			return got
		}
		if o, ok := h.handle.(BackupOpener); ok {
			var b bytes.Buffer
			require.NoError(h.t, h.store().Backup(h.ctx, &b))
			s := o.OpenBackup(h.outer, &b)
			require.Equal(h.t, want, up(s))
			require.NoError(h.t, s.Close())
		}
		h.advance(allSessionsEnd)
		h.move(h.make)
		require.Equal(h.t, want, up(h.store()))
	}},
}
