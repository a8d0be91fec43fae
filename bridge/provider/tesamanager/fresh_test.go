package tesamanager

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
)

// What a failed Accept did not keep is there for the next round, which begins with the state as it was saved.
func TestFreshRequestsOutliveAFailedAccept(t *testing.T) {
	p, d := &poll{fresh: &vendorapi.Fresh{}}, &flowtest.Moody{Fail: bridge.ErrUnavailable}
	p.fresh.Add("TESA-1", "TESA-2")
	for range 2 {
		st, err := readState("")
		require.NoError(t, err)
		require.ErrorIs(t, p.met(t.Context(), d, st), bridge.ErrUnavailable)
	}
	d.Fail = nil
	st, err := readState("")
	require.NoError(t, err)
	require.NoError(t, p.met(t.Context(), d, st))
	st, err = readState(d.Saved)
	require.NoError(t, err)
	for _, id := range []string{"TESA-1", "TESA-2"} {
		require.NotNil(t, st.Requests[id], id)
		require.True(t, st.Requests[id].Ours, id)
	}
	require.Empty(t, p.fresh.Take())
}
