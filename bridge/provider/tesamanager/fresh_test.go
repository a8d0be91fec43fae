package tesamanager

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// moody is a duty whose store is away as long as fail is set.
type moody struct {
	bridge.Duty
	fail  error
	saved string
}

func (d *moody) Accept(_ context.Context, _ []bridge.Event, cursor string) ([]bridge.Receipt, error) {
	if d.fail == nil {
		d.saved = cursor
	}
	return nil, d.fail
}

// What a failed Accept did not keep is there for the next round, which begins with the state as it was saved.
func TestFreshRequestsOutliveAFailedAccept(t *testing.T) {
	p, d := &poll{fresh: &vendorapi.Fresh{}}, &moody{fail: bridge.ErrUnavailable}
	p.fresh.Add("TESA-1", "TESA-2")
	for range 2 {
		st, err := readState("")
		require.NoError(t, err)
		require.ErrorIs(t, p.met(t.Context(), d, st), bridge.ErrUnavailable)
	}
	d.fail = nil
	st, err := readState("")
	require.NoError(t, err)
	require.NoError(t, p.met(t.Context(), d, st))
	st, err = readState(d.saved)
	require.NoError(t, err)
	for _, id := range []string{"TESA-1", "TESA-2"} {
		require.NotNil(t, st.Requests[id], id)
		require.True(t, st.Requests[id].Ours, id)
	}
	require.Empty(t, p.fresh.Take())
}
