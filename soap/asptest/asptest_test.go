package asptest

import (
	"context"
	"net"
	"net/url"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStartAndStop(t *testing.T) {
	var host *Host
	t.Run("running", func(t *testing.T) {
		host = Start(t)
		calls, err := host.Calls()
		require.NoError(t, err)
		require.Empty(t, calls)
	})
	u, err := url.Parse(host.URL)
	require.NoError(t, err)
	_, err = net.Dial("tcp", u.Host)
	require.Error(t, err, "it ends with its test")
}

func TestMissingNamesPackages(t *testing.T) {
	require.Empty(t, Missing(), "install what the other tests need")
	require.Empty(t, program("no-such-program-anywhere"))
}

// A process that ends at once is noticed, and what it said is kept.
func TestAwaitNoticesTheEnd(t *testing.T) {
	var kids children
	k := kids.run(os.Environ(), "/bin/sh", "-c", "echo broken >&2; exit 3")
	t.Cleanup(kids.stop)
	<-k.ended
	err := (&Host{URL: "http://127.0.0.1:1/"}).await(context.Background(), "definitions", k)
	require.ErrorContains(t, err, "sh ended: ")
	require.Equal(t, "broken\n", k.output())

	var none children
	k = none.run(nil, "/no/such/program")
	<-k.ended
	require.Contains(t, k.output(), "no such file")
	none.stop()
}

func TestCalls(t *testing.T) {
	h := &Host{log: t.TempDir() + "/calls.log"}
	require.NoError(t, os.WriteFile(h.log, []byte("Op =YQ0K = -\nOther =w6k=\n"), 0o600))
	calls, err := h.Calls()
	require.NoError(t, err)
	require.Equal(t, []Call{
		{Operation: "Op", Args: []string{"a\r\n", "", ""}, Null: []bool{false, false, true}},
		{Operation: "Other", Args: []string{"é"}, Null: []bool{false}},
	}, calls)
	require.NoError(t, os.WriteFile(h.log, []byte("Op =!!\n"), 0o600))
	_, err = h.Calls()
	require.ErrorContains(t, err, "illegal base64")
}
