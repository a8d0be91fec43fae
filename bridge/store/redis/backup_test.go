package redisstore_test

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
)

// TestRestoreOfWhatCameDuringTheBackup puts a backup back in which events stand behind the lanes, as those do that
// are accepted while it is made, and which takes more than one call.
func TestRestoreOfWhatCameDuringTheBackup(t *testing.T) {
	const events = 500
	srv := startServer(t)
	s := open(t, srv.URL(), redisstore.Options{})
	var all []bridge.Event
	for i := range events {
		all = append(all, submit("T"+strconv.Itoa(i)))
	}
	_, err := s.Accept(ctx, all)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, s.Backup(ctx, &b))

	// The second half comes behind lanes of the first, one by one. Three letters tell the kinds apart.
	kinds := map[string][][]byte{}
	lines := slices.Collect(bytes.Lines(b.Bytes()))
	for _, line := range lines[1 : len(lines)-1] {
		kind := string(line[len(`{"kind":"`):][:3])
		kinds[kind] = append(kinds[kind], line)
	}
	late := func(line []byte) bool { return task(t, line) >= events/2 }
	first, second := split(kinds["eve"], late)
	early, behind := split(kinds["lan"], late)
	require.Len(t, second, len(early))
	stream := slices.Concat(lines[:1], first, kinds["bon"])
	for i := range early {
		stream = append(stream, early[i], second[i])
	}
	stream = append(stream, behind...)
	delete(kinds, "eve")
	delete(kinds, "bon")
	delete(kinds, "lan")
	for _, more := range kinds {
		stream = append(stream, more...)
	}
	stream = append(stream, lines[len(lines)-1])
	require.Len(t, stream, len(lines))

	r := open(t, srv.URL(), redisstore.Options{})
	require.NoError(t, r.Restore(ctx, bytes.NewReader(bytes.Join(stream, nil))))
	got, err := r.Events(ctx, bridge.EventFilter{Limit: events + 1})
	require.NoError(t, err)
	require.Len(t, got, events)
	fresh, err := r.Accept(ctx, []bridge.Event{submit("fresh")})
	require.NoError(t, err)
	require.EqualValues(t, events+1, fresh[0].Seq)
}

// task returns the number of the task that a line of a backup is about.
func task(t *testing.T, line []byte) int {
	t.Helper()
	m := taskNumber.FindSubmatch(line)
	require.NotNil(t, m, "%s", line)
	n, err := strconv.Atoi(string(m[1]))
	require.NoError(t, err)
	return n
}

var taskNumber = regexp.MustCompile(`(?:"task":"|/)T(\d+)"`)

// split returns the lines that are not late, and those that are.
func split(lines [][]byte, late func([]byte) bool) (early, behind [][]byte) {
	for _, line := range lines {
		if late(line) {
			behind = append(behind, line)
		} else {
			early = append(early, line)
		}
	}
	return early, behind
}
