package transfer_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/store/transfer"
)

var records = []transfer.Record{
	&transfer.Ledger{Epoch: "e", Counter: 7},
	&transfer.Bond{Provider: "acme", Task: "T1", State: "open", RefKey: "r1"},
	&transfer.Reference{Provider: "acme", RefKey: "r1", Task: "T1"},
	&transfer.Event{Seq: 3, ID: "i", Provider: "acme", Dir: "in", State: "queued", Body: []byte(`{"text":"a < b \/ ` + "\u2028" + `"}`)},
	&transfer.Claim{Seq: 3, Key: "k:1"},
	&transfer.Event{Seq: 4, ID: "j", Provider: "acme", Dir: "in", State: "done", Body: []byte(`{}`)},
	&transfer.Lane{Provider: "acme", Task: "T1", Dir: "in", State: "ready", Events: 1},
	&transfer.Queue{Seqs: []int64{3}},
	&transfer.Activity{Person: "anna"},
}

func stream(t testing.TB, rs ...transfer.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := transfer.NewWriter(&b, transfer.Header{From: "sqlite", Made: time.Unix(0, 0).UTC()})
	require.NoError(t, err)
	for _, r := range rs {
		require.NoError(t, w.Put(r))
	}
	_, err = w.Close()
	require.NoError(t, err)
	return b.Bytes()
}

func read(b []byte) ([]transfer.Record, error) {
	r, err := transfer.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	var out []transfer.Record
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, rec)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	got, err := read(stream(t, records...))
	require.NoError(t, err)
	require.Equal(t, records, got)
}

func TestOrder(t *testing.T) {
	w, err := transfer.NewWriter(io.Discard, transfer.Header{})
	require.NoError(t, err)
	require.ErrorContains(t, w.Put(records[1]), "bond before the ledger")
	w, err = transfer.NewWriter(io.Discard, transfer.Header{})
	require.NoError(t, err)
	require.NoError(t, w.Put(records[0]))
	require.NoError(t, w.Put(records[3]))
	require.ErrorContains(t, w.Put(records[2]), "reference after event")
	_, err = w.Close()
	require.Error(t, err, "a stream with a mistake gets no end")
}

func TestBadStreams(t *testing.T) {
	whole := string(stream(t, records...))
	lines := strings.SplitAfter(strings.TrimSuffix(whole, "\n"), "\n")
	last := len(lines) - 1
	without := func(i int) string { return strings.Join(lines[:i], "") + strings.Join(lines[i+1:], "") }
	for name, c := range map[string]struct{ in, says string }{
		"nothing":          {"", "the file is empty"},
		"something else":   {"SQLite format 3\x00 and more\n", "not what `pergabridge export` writes"},
		"another version":  {strings.Replace(whole, `"version":1`, `"version":2`, 1), "version 2, this binary reads 1"},
		"no end":           {strings.Join(lines[:last], ""), "without its end: it was cut"},
		"cut in a line":    {whole[:len(whole)/2], "cut or altered"},
		"a record missing": {without(5), "0 records of kind claim were read, the end says 1"},
		"a record altered": {strings.Replace(whole, `"anna"`, `"ann4"`, 1), "kind activity are not those that were exported"},
		"another order":    {lines[0] + lines[1] + lines[4] + lines[2], "line 4: the stream was altered: bond after event"},
		"two ledgers":      {lines[0] + lines[1] + lines[1], "ledger after ledger"},
		"unknown field":    {lines[0] + `{"kind":"ledger","data":{"age":1}}`, "unknown field"},
		"unknown kind":     {lines[0] + `{"kind":"ticket","data":{}}`, `unknown kind "ticket"`},
		"no ledger":        {lines[0] + lines[last], "were read, the end says"},
		"something behind": {whole + lines[1], "something follows the end"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read([]byte(c.in))
			require.ErrorContains(t, err, c.says)
		})
	}
	_, err := read(stream(t))
	require.ErrorContains(t, err, "no ledger")
}

func FuzzReader(f *testing.F) {
	f.Add(stream(f, records...))
	f.Add([]byte(`{"kind":"pergabridge","data":{"version":1}}` + "\n" + `{"kind":"end","data":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		rs, err := read(b)
		if err != nil {
			return
		}
		again, err := read(stream(t, rs...))
		require.NoError(t, err, "what was read can be written")
		require.Equal(t, rs, again)
	})
}
