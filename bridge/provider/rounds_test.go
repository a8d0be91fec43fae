package provider

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// cursored is a duty with a cursor and nothing else.
type cursored struct {
	bridge.Duty
	cursor string
}

func (c cursored) Cursor() string { return c.cursor }

// later is an error with a time.
type later time.Duration

func (later) Error() string          { return "come back later" }
func (l later) After() time.Duration { return time.Duration(l) }

func TestRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		loads := 0
		rounds := Rounds{Name: "x", Every: time.Minute, MaxPause: 3 * time.Minute, Log: slog.New(slog.DiscardHandler)}
		ctx, stop := context.WithCancel(t.Context())
		err := rounds.Run(ctx, cursored{cursor: "c"}, func(cursor string) error {
			require.Equal(t, "c", cursor)
			loads++
			return nil
		}, func(context.Context) error {
			at = append(at, time.Since(began))
			switch len(at) {
			case 2, 3, 4:
				return errors.New("no")
			case 5:
				return later(10 * time.Minute)
			case 7:
				stop()
			}
			return nil
		})
		require.NoError(t, err)
		const m = time.Minute
		// One at once; a failure: 1, 2, 3 (bounded) minutes; what the vendor asks for; then as usual.
		require.Equal(t, []time.Duration{0, m, 2 * m, 4 * m, 7 * m, 17 * m, 18 * m}, at)
		require.Equal(t, 5, loads, "at the start and after each failure")
	})
	fine := func(string) error { return nil }
	rounds := Rounds{Name: "x", Every: time.Hour, MaxPause: time.Hour, Log: slog.New(slog.DiscardHandler)}
	require.ErrorIs(t, rounds.Run(t.Context(), cursored{}, fine, func(context.Context) error { return bridge.ErrFenced }), bridge.ErrFenced)
	bad := errors.New("bad")
	require.ErrorIs(t, rounds.Run(t.Context(), cursored{}, func(string) error { return bad }, nil), bad)
}
