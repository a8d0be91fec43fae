package main_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/cmd/pergabridge/bench"
)

func TestBenchMail(t *testing.T) {
	r := command(t, t.TempDir(), os.Environ(), "bench", "mail", "--mails", "30", "--tasks", "7", "--size", "3000", "--json")
	require.Equal(t, 0, r.code, r.err)
	var got bench.MailResult
	require.NoError(t, json.Unmarshal([]byte(r.out), &got), r.out)
	require.Equal(t, []int{30, 7, 3000, 30}, []int{got.Mails, got.Tasks, got.Size, got.Effects})
	require.Greater(t, got.Seconds, got.First)
	require.Greater(t, got.First, 0.0)
	require.InEpsilon(t, 30/got.Seconds, got.Rate, 1e-6)
	for _, step := range []string{"list", "fetch", "read", "accept", "file"} {
		require.Greater(t, got.Steps[step], 0.0, step)
	}
	require.Greater(t, got.Bridge.CPU(), 0.0)
	require.Greater(t, got.Bridge.Memory, int64(1<<20))

	r = command(t, t.TempDir(), os.Environ(), "bench", "mail", "--mails", "5", "--tasks", "5")
	require.Equal(t, 0, r.code, r.err)
	require.Contains(t, r.out, "5 mails of 20kB about 5 tasks: every one an answered SOAP call after")
	require.Contains(t, r.out, "of the processor")
}

func TestBenchMailSaysWhatIsMissing(t *testing.T) {
	r := command(t, t.TempDir(), os.Environ(), "bench", "mail", "--mails", "0")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "--mails")
	r = command(t, t.TempDir(), os.Environ(), "bench", "mail", "--limit", "1ms")
	require.Equal(t, 1, r.code)
	require.NotEmpty(t, r.err)
}
