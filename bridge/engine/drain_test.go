package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

func TestDrainLetsDeliveriesFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := start(t, store, Options{}, &vendor{deliver: func(ctx context.Context, l bridge.Lease) bridge.Outcome {
			time.Sleep(15 * time.Second)
			require.NoError(t, ctx.Err())
			return done(ctx, l)
		}}, nil)
		b.accept(t, out("1", bridge.Submit), out("1", bridge.Update))
		synctest.Wait()
		begin := time.Now()
		b.end(t)
		require.Equal(t, 15*time.Second, time.Since(begin), "it ends as soon as all is settled")
		r := store.settledResults()
		require.Len(t, r, 1, "nothing new is leased")
		require.Equal(t, bridge.OutcomeDone, r[0].Outcome.Kind)
		require.Zero(t, store.fenced, "the session lives as long as its deliveries")
		require.Empty(t, store.duties[sweepDuty], "duties are released")
	})
}

func TestDrainLimitCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		var cause error
		b := start(t, store, Options{}, &vendor{deliver: func(ctx context.Context, _ bridge.Lease) bridge.Outcome {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Canceled}
		}}, nil)
		b.accept(t, out("1", bridge.Submit))
		synctest.Wait()
		begin := time.Now()
		b.end(t)
		require.Equal(t, 20*time.Second, time.Since(begin))
		require.ErrorIs(t, cause, errDrain)
		r := store.settledResults()
		require.Len(t, r, 1)
		require.Equal(t, bridge.ThenRetry, r[0].Then)
		require.Equal(t, r[0].Ended, r[0].Due, "the next replica need not wait")
	})
}

func TestDrainGivesUpOnWhatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newFakeStore(), Options{}, &vendor{deliver: func(ctx context.Context, l bridge.Lease) bridge.Outcome {
			time.Sleep(time.Hour)
			return done(ctx, l)
		}}, nil)
		b.accept(t, out("1", bridge.Submit))
		synctest.Wait()
		begin := time.Now()
		b.stop()
		require.ErrorContains(t, <-b.ran, "1 deliveries did not end")
		require.Equal(t, 23*time.Second, time.Since(begin))
		b.store.with(func() {
			for _, until := range b.store.sessions {
				require.True(t, until.After(time.Now()), "it may still be writing: nobody takes over before the session expires")
			}
		})
		pass(time.Hour)
	})
}

func TestDrainGivesUpOnAStoreThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := start(t, store, Options{}, &vendor{deliver: func(ctx context.Context, l bridge.Lease) bridge.Outcome {
			time.Sleep(time.Second)
			return done(ctx, l)
		}}, nil)
		b.accept(t, out("1", bridge.Submit))
		synctest.Wait()
		store.with(func() { store.before = func(string) error { return bridge.ErrUnavailable } })
		b.stop()
		require.ErrorContains(t, <-b.ran, "1 results could not be settled")
	})
}

// An engine that retires cuts nothing short, however long it takes, and leases nothing more.
func TestRetireLetsDeliveriesTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := start(t, store, Options{}, &vendor{deliver: func(ctx context.Context, l bridge.Lease) bridge.Outcome {
			time.Sleep(3 * time.Minute) // far beyond the drain limit
			require.NoError(t, ctx.Err())
			return done(ctx, l)
		}}, nil)
		b.accept(t, out("1", bridge.Submit), out("1", bridge.Update))
		synctest.Wait()
		begin := time.Now()
		b.Retire()
		b.Retire() // once is enough, twice does no harm
		synctest.Wait()
		require.Empty(t, store.duties[sweepDuty], "duties are released at once")
		b.accept(t, out("2", bridge.Submit)) // for its successor
		store.wake <- struct{}{}
		require.NoError(t, <-b.ran)
		require.Equal(t, 3*time.Minute, time.Since(begin))
		r := store.settledResults()
		require.Len(t, r, 1, "nothing new is leased")
		require.Equal(t, bridge.OutcomeDone, r[0].Outcome.Kind)
		require.Zero(t, store.fenced)
		require.Len(t, store.wake, 1, "the signal is its successor's, too")
	})
}

// The end of the process still bounds what a retired engine may take.
func TestRetiredEngineDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newFakeStore()
		b := start(t, store, Options{}, &vendor{deliver: func(ctx context.Context, _ bridge.Lease) bridge.Outcome {
			<-ctx.Done()
			return bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Canceled}
		}}, nil)
		b.accept(t, out("1", bridge.Submit))
		synctest.Wait()
		b.Retire()
		pass(time.Minute)
		begin := time.Now()
		b.end(t)
		require.Equal(t, 20*time.Second, time.Since(begin))
		require.Len(t, store.settledResults(), 1)
	})
}
