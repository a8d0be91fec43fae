package engine

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

type sourceFunc func(ctx context.Context, d bridge.Duty) error

func (f sourceFunc) Run(ctx context.Context, d bridge.Duty) error { return f(ctx, d) }

func TestSourceRunsAndIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		var cause error
		b := start(t, store, Options{Sources: map[string]bridge.Source{"poll": sourceFunc(func(ctx context.Context, d bridge.Duty) error {
			ev := in(" 1 ", bridge.Update)
			ev.Reference = "INC-7"
			r, err := d.Accept(ctx, []bridge.Event{ev}, "cursor-1")
			require.NoError(t, err)
			require.Len(t, r, 1)
			require.Equal(t, "cursor-1", d.Cursor())
			<-ctx.Done()
			cause = ctx.Err()
			return ctx.Err()
		})}}, nil, nil)
		synctest.Wait()
		r := store.settledResults()
		require.Len(t, r, 1, "what a duty accepts wakes the loop")
		require.Equal(t, "inc-7", r[0].Lease.Event.RefKey, "and is completed like everything else")
		require.Equal(t, "1", r[0].Lease.Event.Task)
		b.end(t)
		require.ErrorIs(t, cause, context.Canceled)
		require.Empty(t, store.duties["poll"])
	})
}

func TestSourceThatFailsIsStartedAgainWithBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Duration
		begin := time.Now()
		store := newFakeStore()
		b := start(t, store, Options{Sources: map[string]bridge.Source{"poll": sourceFunc(func(ctx context.Context, _ bridge.Duty) error {
			starts = append(starts, time.Since(begin).Round(time.Second))
			switch len(starts) {
			case 1:
				return errors.New("mailbox unreachable")
			case 2:
				panic("bug in a source")
			case 3:
				return nil
			case 4:
				sleep(ctx, time.Hour) // worked long: the series of failures is over
				return errDisk
			}
			<-ctx.Done()
			return nil
		})}}, nil, nil)
		pass(2 * time.Hour)
		require.Equal(t, []time.Duration{0, 1 * time.Second, 4 * time.Second, 8 * time.Second, 3610 * time.Second}, starts)
		b.end(t)
	})
}

func TestDutyHeldElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		other := bridge.Session{ID: "other", Until: time.Now().Add(20 * time.Second)}
		require.NoError(t, store.Renew(t.Context(), other))
		_, ok, err := store.Duty(t.Context(), "poll", other)
		require.NoError(t, err)
		require.True(t, ok)
		var began time.Duration
		begin := time.Now()
		b := start(t, store, Options{Sources: map[string]bridge.Source{"poll": sourceFunc(func(ctx context.Context, _ bridge.Duty) error {
			began = time.Since(begin)
			<-ctx.Done()
			return nil
		})}}, nil, nil)
		pass(time.Minute)
		require.InDelta(t, 21.5, began.Seconds(), 2, "taken over when the other one is gone")
		b.end(t)
	})
}

func TestDutyLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		runs := 0
		var causes []error
		b := start(t, store, Options{Sources: map[string]bridge.Source{"poll": sourceFunc(func(ctx context.Context, d bridge.Duty) error {
			if runs++; runs == 1 {
				store.with(func() { store.duties["poll"] = "stolen" })
				_, err := d.Accept(ctx, nil, "x")
				require.ErrorIs(t, err, bridge.ErrFenced)
			}
			<-ctx.Done()
			causes = append(causes, context.Cause(ctx))
			return ctx.Err()
		})}}, nil, nil)
		pass(10 * time.Second)
		require.Equal(t, 2, runs)
		store.with(func() { store.before = func(string) error { return bridge.ErrUnavailable } })
		pass(20 * time.Second)
		require.Equal(t, []error{errDutyLost, errDutyLost}, causes, "fenced by the store, and with the session")
		store.with(func() { store.before = nil })
		pass(10 * time.Second)
		require.Equal(t, 3, runs)
		b.end(t)
	})
}

func TestAPausedDutyStopsASourceThatOnlyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		runs, running := 0, false
		var cause error
		b := start(t, store, Options{Sources: map[string]bridge.Source{"mailbox": sourceFunc(func(ctx context.Context, _ bridge.Duty) error {
			runs++
			running = true
			<-ctx.Done()
			running = false
			cause = context.Cause(ctx)
			return ctx.Err()
		})}}, nil, nil)
		pass(time.Minute)
		require.Equal(t, 1, runs, "nothing disturbs it")
		store.with(func() { store.paused = map[string]bool{"mailbox": true} })
		pass(2 * dutyPoll)
		require.False(t, running)
		require.ErrorIs(t, cause, errDutyLost)
		pass(time.Hour)
		require.Equal(t, 1, runs)
		store.with(func() { store.paused = nil })
		pass(2 * dutyPoll)
		require.True(t, running)
		require.Equal(t, 2, runs)
		b.end(t)
	})
}

func TestSourceThatDoesNotStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), Options{Sources: map[string]bridge.Source{"poll": sourceFunc(func(context.Context, bridge.Duty) error {
			time.Sleep(time.Hour)
			return nil
		})}}, nil, nil)
		synctest.Wait()
		b.stop()
		require.ErrorContains(t, <-b.ran, "a source did not stop")
		pass(time.Hour)
	})
}

// slowDuty answers late who asks for the duty of the source; whoever does not wait for the answer never gets it.
type slowDuty struct {
	*fakeStore
	asked func()
}

func (s slowDuty) Duty(ctx context.Context, name string, x bridge.Session) (bridge.Duty, bool, error) {
	d, ok, err := s.fakeStore.Duty(context.WithoutCancel(ctx), name, x)
	if name != "poll" || !ok {
		return d, ok, err
	}
	s.asked()
	if !sleep(ctx, 2*time.Second) {
		return nil, false, ctx.Err()
	}
	return d, ok, err
}

// A duty that is granted while the engine retires is given back: its session may live for hours.
func TestDutyGrantedToARetiringEngineIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, asked, worked := newFakeStore(), make(chan struct{}), false
		e, err := New(Options{Store: slowDuty{store, func() { close(asked) }}, Log: slog.New(slog.DiscardHandler), Rand: func() float64 { return 0.999 },
			Destinations: []Destination{{Name: bridge.SSP, Dest: &vendor{deliver: done}}, {Name: "acme", Dest: &vendor{deliver: func(ctx context.Context, l bridge.Lease) bridge.Outcome {
				time.Sleep(time.Hour)
				return done(ctx, l)
			}}}},
			Sources: map[string]bridge.Source{"poll": sourceFunc(func(context.Context, bridge.Duty) error { worked = true; return nil })}})
		require.NoError(t, err)
		_, err = e.Accept(t.Context(), []bridge.Event{out("1", bridge.Submit)})
		require.NoError(t, err)
		ran := make(chan error, 1)
		go func() { ran <- e.Run(t.Context()) }()
		<-asked
		e.Retire()
		pass(10 * time.Second)
		require.Empty(t, store.duties["poll"], "the delivery still keeps the session alive")
		require.False(t, worked)
		require.NoError(t, <-ran)
		require.Len(t, store.settledResults(), 1)
	})
}

// A retired engine has time for a source that files what it has read; the end of the program has not.
func TestRetiredEngineWaitsForItsSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for slow, wrong := range map[time.Duration]bool{5 * time.Second: false, 2 * time.Minute: true} {
			store := newFakeStore()
			b := start(t, store, Options{Sources: map[string]bridge.Source{"poll": sourceFunc(func(ctx context.Context, _ bridge.Duty) error {
				<-ctx.Done()
				time.Sleep(slow)
				return nil
			})}}, nil, nil)
			synctest.Wait()
			begin := time.Now()
			b.Retire()
			err := <-b.ran
			if wrong {
				require.ErrorContains(t, err, "a source did not stop")
				require.Equal(t, retiredGrace+drainGrace, time.Since(begin))
				time.Sleep(slow)
				continue
			}
			require.NoError(t, err)
			require.Empty(t, store.duties["poll"])
			require.Equal(t, slow, time.Since(begin))
		}
	})
}
