package tesseron

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
)

// What a failed Accept did not keep is there for the next round, which begins with the state as it was saved; what
// one kept stays, also when the round breaks off afterwards.
func TestFreshTicketsOutliveAFailedAccept(t *testing.T) {
	broken := errors.New("the round breaks off")
	p := &poll{fresh: &vendorapi.Fresh{}, bonds: func(context.Context) ([]bridge.Bond, error) { return nil, broken }}
	d := &flowtest.Moody{Fail: bridge.ErrUnavailable}
	p.fresh.Add("T-1", "T-2")
	for range 2 {
		st, err := readSeen("")
		require.NoError(t, err)
		require.ErrorIs(t, p.round(t.Context(), d, st), bridge.ErrUnavailable)
	}
	d.Fail = nil
	st, err := readSeen("")
	require.NoError(t, err)
	require.ErrorIs(t, p.round(t.Context(), d, st), broken)
	st, err = readSeen(d.Saved)
	require.NoError(t, err)
	require.Contains(t, st.Tickets, "T-1")
	require.Contains(t, st.Tickets, "T-2")
	require.Empty(t, p.fresh.Take())
}
