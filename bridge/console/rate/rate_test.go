package rate_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/console/rate"
)

func sum(n []int64) (s int64) {
	for _, x := range n {
		s += x
	}
	return s
}

func TestTheLastHourIsRemembered(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	r := rate.New(func() time.Time { return now })
	r.In("acme")
	r.Out("ssp")
	r.Out("ssp")
	now = now.Add(59 * time.Minute)
	r.In("acme")
	s := r.Series("acme")
	require.Len(t, s.In, rate.Minutes)
	require.Equal(t, []int64{1, 1, 2}, []int64{s.In[0], s.In[59], sum(s.In)}, "oldest first")
	require.False(t, s.Since.IsZero())
	require.EqualValues(t, 2, sum(r.Series("").Out), "all sides")
	require.EqualValues(t, 2, r.Series("ssp").Out[0])
	require.Zero(t, sum(r.Series("nobody").In))

	now = now.Add(time.Minute)
	s = r.Series("acme")
	require.EqualValues(t, 1, sum(s.In), "the first has left")
	require.EqualValues(t, 1, s.In[58])
	require.True(t, s.Since.IsZero())

	now = now.Add(1000 * time.Hour)
	require.Zero(t, sum(r.Series("").In))
	r.In("acme")
	require.Equal(t, 59, slices.Index(r.Series("acme").In, 1))
	now = now.Add(-2 * time.Minute) // a clock that was set back
	r.In("acme")
	require.EqualValues(t, 2, sum(r.Series("acme").In))
}

func TestWhatOthersCountedIsAdded(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	r := rate.New(func() time.Time { return now })
	r.In("acme")
	r.Out("ssp")
	now = now.Add(time.Minute)
	_, _, any := r.Minute(0)
	require.False(t, any)
	number, m, any := r.Minute(1)
	require.True(t, any)
	require.Equal(t, rate.Minute{"acme": {1, 0}, "ssp": {0, 1}}, m)
	_, _, any = r.Minute(rate.Minutes)
	require.False(t, any, "that far back nothing is remembered")

	s := r.Series("acme")
	s.Add(number+1, number, "acme", m)
	require.EqualValues(t, 2, s.In[58])
	require.Zero(t, s.Out[58], "that is another side's")
	all := r.Series("")
	all.Add(number+1, number, "", m)
	require.Equal(t, []int64{2, 2}, []int64{all.In[58], all.Out[58]})
	s.Add(number+100, number, "acme", m) // long ago
	s.Add(number-100, number, "acme", m) // from a clock that is ahead
	require.EqualValues(t, 2, sum(s.In))
}
