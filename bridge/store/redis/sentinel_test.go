package redisstore_test

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
	"github.com/pergabridge/pergabridge/bridge/store/storetest"
)

// The whole suite on master and replica under three Sentinels, each write on both.
func TestStoreUnderSentinels(t *testing.T) {
	t.Parallel()
	c := redistest.StartSentinels(t, redistest.SentinelOptions{Down: 20 * time.Second, InMemory: true})
	storetest.Run(t, storetest.Factory{New: func(t *testing.T, now func() time.Time) storetest.Handle {
		h := &handle{url: c.URL, o: redisstore.Options{Namespace: space(), Now: now, Log: quiet(), Wait: 1, WaitTimeout: 2 * time.Second}}
		h.open(t)
		return h
	}})
}

func TestAFailOverLosesNothingThatWasAnswered(t *testing.T) {
	c := startSentinels(t, 500*time.Millisecond)
	ns := space()
	o := redisstore.Options{Namespace: ns, Wait: 1, WaitTimeout: 300 * time.Millisecond, Timeout: 2 * time.Second}
	var mu sync.Mutex
	told := map[string]bool{} // by key
	var wg sync.WaitGroup
	stop := make(chan struct{})
	offered := make(chan struct{}, 1)
	for i := range 3 {
		s := open(t, c.URL, o)
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				e := submit(fmt.Sprintf("%d-%d", i, n))
				for { // as a sender does: until it is told that it was accepted
					e.ID = bridge.NewID()
					rs, err := s.Accept(ctx, []bridge.Event{e})
					if err == nil && (rs[0].Status == bridge.Accepted || rs[0].Status == bridge.Duplicate) {
						break
					}
					select {
					case <-stop:
						return
					case <-time.After(20 * time.Millisecond):
					}
				}
				mu.Lock()
				told[e.Key] = true
				n := len(told)
				mu.Unlock()
				if n%50 == 0 {
					select {
					case offered <- struct{}{}:
					default:
					}
				}
			}
		})
	}
	next := func(what string) {
		select {
		case <-offered:
		case <-time.After(60 * time.Second):
			require.Fail(t, "nothing is accepted any more", what)
		}
	}
	next("before")
	next("before")
	c.Master.Kill()
	nc := redis.NewClient(&redis.Options{Addr: c.Replica.Addr()})
	defer nc.Close()
	require.Eventually(t, func() bool {
		r, err := nc.Do(ctx, "role").Slice()
		return err == nil && len(r) > 0 && r[0] == "master"
	}, 60*time.Second, 50*time.Millisecond, "the replica becomes the master")
	c.Master.Start(t) // as a replica, told by the Sentinels
	select {
	case <-offered:
	default:
	}
	next("after the fail-over")
	next("after the fail-over")
	close(stop)
	wg.Wait()

	s := open(t, c.URL, o)
	first := map[string]int{}
	f := bridge.EventFilter{Limit: 1000}
	for {
		page, err := s.Events(ctx, f)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			require.Equal(t, bridge.StateQueued, e.State)
			first[e.Key]++
			f.After = e.Seq
		}
	}
	for key := range told {
		require.Equal(t, 1, first[key], "%s was answered, and is there once", key)
	}
	t.Logf("%d events were answered before, during and after the fail-over", len(told))
}

func TestTooFewReplicasIsNotAccepted(t *testing.T) {
	srv := startServer(t)
	s := open(t, srv.URL(), redisstore.Options{Wait: 1, WaitTimeout: 50 * time.Millisecond})
	e := submit("1")
	_, err := s.Accept(ctx, []bridge.Event{e})
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	require.ErrorContains(t, err, "0 of 1 replicas")
	kept, _, err := s.Event(ctx, e.ID)
	require.NoError(t, err, "the event stays")
	require.Equal(t, bridge.StateQueued, kept.State)
	replica := startServer(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(srv.Port))
	require.NotNil(t, replica)
	again := e
	again.ID = bridge.NewID()
	require.Eventually(t, func() bool {
		rs, err := s.Accept(ctx, []bridge.Event{again})
		return err == nil && rs[0].Status == bridge.Duplicate && rs[0].First == e.ID
	}, 20*time.Second, 20*time.Millisecond)
}
