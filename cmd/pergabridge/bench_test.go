package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/bench"
)

// Every webhook of a measurement has its one effect, and the figures belong together.
func TestBench(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := append(os.Environ(), "TMPDIR="+dir)
	r := redistest.Start(t)
	out := command(t, dir, env, "bench", "--store", "sqlite", "--store", "redis", "--store", r.URL(), "--events", "300", "--tasks", "20", "--callers", "8", "--json")
	require.Equal(t, 0, out.code, out.err)
	var all []bench.WebhookResult
	require.NoError(t, json.Unmarshal([]byte(out.out), &all), out.out)
	require.Len(t, all, 4)
	for _, x := range all {
		require.Equal(t, 300, x.Events)
		require.Zero(t, x.Doubled)
		require.Positive(t, x.Bridge.CPU())
		require.InEpsilon(t, 300/x.Seconds, x.Rate, 0.001)
		require.GreaterOrEqual(t, x.Seconds, x.EndToEnd.Max/1000, "no event takes longer than the run")
		require.LessOrEqual(t, x.Accept.P50, x.Accept.P99)
	}
	require.Equal(t, "sqlite", all[0].Store)
	require.Contains(t, all[1].Store, "always")
	require.Contains(t, all[2].Store, "everysec")
	require.Positive(t, all[1].Redis.CPU())
	require.Empty(t, r.Client(t).Keys(t.Context(), "*").Val(), "nothing is left in somebody's Redis")
	left, err := filepath.Glob(filepath.Join(dir, "pergabridge-bench*"))
	require.NoError(t, err)
	require.Empty(t, left, "nothing is left on disk")

	profile := command(t, dir, env, "bench", "--events", "50", "--tasks", "5", "--profile", "cpu.prof")
	require.Equal(t, 0, profile.code, profile.err)
	require.Contains(t, profile.out, "sqlite: 50 webhooks of 64 callers about 5 tasks")
	info, err := os.Stat(filepath.Join(dir, "cpu.prof"))
	require.NoError(t, err)
	require.Positive(t, info.Size())

	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--store", "mysql"}, 2, "--store mysql: use sqlite, redis, or redis://HOST:PORT/DB"},
		{[]string{"--events", "0"}, 2, "must be above zero"},
		{[]string{"mail", "--mails", "0"}, 2, "must be above zero"},
		{[]string{"--store", "redis", "--profile", "x"}, 2, "--profile needs one store"},
		{[]string{"--store", "redis://127.0.0.1:1/0", "--limit", "3s", "--events", "1"}, 1, "connection refused"},
	} {
		bad := command(t, dir, env, append([]string{"bench"}, c.args...)...)
		require.Equal(t, c.code, bad.code, "%v: %s", c.args, bad.err)
		require.Contains(t, bad.err, c.says)
	}
}
