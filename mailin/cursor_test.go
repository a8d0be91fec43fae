package mailin

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCursor(t *testing.T) {
	now := time.Unix(1e9, 0).UTC()
	var none *cursor
	c, why := none.match(7, 42, now, time.Time{})
	require.NotEmpty(t, why)
	require.EqualValues(t, 41, c.UID)
	back, err := readCursor(c.String())
	require.NoError(t, err)
	require.Equal(t, c, back)
	same, why := back.match(7, 50, now, time.Time{})
	require.Empty(t, why)
	require.Same(t, back, same)
	back.pass(49, now.Add(48*time.Hour))
	next, why := back.match(8, 10, now.Add(72*time.Hour), time.Time{})
	require.NotEmpty(t, why)
	require.Equal(t, now.Add(24*time.Hour), next.From, "the last mail less a day")
	require.True(t, next.wants(3, next.From))
	require.False(t, next.wants(3, next.From.Add(-time.Second)))
	require.True(t, next.wants(10, next.From.Add(-time.Hour)), "what came after the change is new, whatever its date")
	next.pass(9, now)
	require.True(t, next.From.IsZero())
	_, err = readCursor("{")
	require.Error(t, err)
}
