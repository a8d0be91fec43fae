package app_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// TestKilledBridgeRepeatsTheSameLinks kills the bridge while a call with links is under way. The repeat
// says the same, to the letter, and the links work.
func TestKilledBridgeRepeatsTheSameLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "", "0s")
	_, submit := w.assign()
	w.withLinks()
	w.stop()
	var tries atomic.Int64
	w.ssp.Script(func(c ssptest.Call) *ssptest.Trouble {
		if linked(c) != "" && tries.Add(1) == 1 {
			return &ssptest.Trouble{Kind: ssptest.Hang}
		}
		return nil
	})
	cmd := w.child()
	w.attached(submit, "k1", "Jo Helper <jo@acme.example>")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	told := func() (out []string) {
		for _, c := range w.ssp.Calls() {
			if s := linked(c); s != "" {
				out = append(out, s)
			}
		}
		return out
	}
	require.NoError(t, w.ssp.Wait(ctx, func() bool { return len(told()) == 1 }), "no call with links")
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	w.start()
	require.NoError(t, w.ssp.Wait(ctx, func() bool { return len(told()) == 2 }), "the call is not repeated")
	require.Equal(t, told()[0], told()[1])
	links := fileURL.FindAllString(told()[1], -1)
	require.Len(t, links, 2)
	res, body := fetch(t, "GET", links[0])
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, pdf, body)
}

// linked returns the text of a call that has links, "" for any other.
func linked(c ssptest.Call) string {
	for _, arg := range c.Args {
		if strings.Contains(arg, "/files/pbf1") {
			return arg
		}
	}
	return ""
}
