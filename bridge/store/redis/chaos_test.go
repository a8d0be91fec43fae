package redisstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
)

// A sink is the other side: it writes down what has its effect, in order.
type sink struct {
	mu      sync.Mutex
	effects map[string][]string // task -> keys
	again   int                 // effects of leases that said that they may be repeats
	doubled []string
	moved   chan struct{} // signalled at every effect
}

func (s *sink) deliver(l bridge.Lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.effects[l.Event.Task] {
		if k != l.Event.Key {
			continue
		}
		if l.Unknown {
			s.again++
		} else {
			s.doubled = append(s.doubled, k)
		}
		return
	}
	s.effects[l.Event.Task] = append(s.effects[l.Event.Task], l.Event.Key)
	signal(s.moved)
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// awaits returns after so many more effects.
func (s *sink) awaits(t *testing.T, more int) {
	t.Helper()
	for end, patience := s.count()+more, time.After(30*time.Second); s.count() < end; {
		select {
		case <-s.moved:
		case <-patience:
			require.Fail(t, "nothing is delivered any more")
		}
	}
}

// pause is how long somebody takes, or waits before the next try; it returns early when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (s *sink) count() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, keys := range s.effects {
		n += len(keys)
	}
	return n
}

const shortLife = 2 * time.Second

// replica delivers to the sink until ctx ends; it then stops where it is, as kill -9 would.
func replica(ctx context.Context, s *redisstore.Store, to *sink) {
	var me bridge.Session
	var renewed, swept time.Time
	var results []bridge.Result
	for ctx.Err() == nil {
		now := time.Now()
		if now.Sub(renewed) > shortLife/4 {
			if me.ID == "" || now.After(me.Until) {
				me.ID, results = bridge.NewID(), nil
			}
			me.Until = now.Add(shortLife)
			if err := s.Renew(ctx, me); err != nil {
				me = bridge.Session{}
				pause(ctx, 20*time.Millisecond)
				continue
			}
			renewed = now
		}
		if now.Sub(swept) > shortLife/4 {
			_, _ = s.Sweep(ctx, bridge.SweepOptions{}) // the next one will do
			swept = now
		}
		out, err := s.Settle(ctx, me, results, []bridge.Want{{Dest: bridge.SSP, N: 8}})
		if err != nil {
			pause(ctx, 20*time.Millisecond)
			continue // the same results again
		}
		results = nil
		for _, l := range out.Leases {
			if ctx.Err() != nil || time.Now().After(me.Until) {
				break
			}
			to.deliver(l)
			pause(ctx, time.Millisecond) // the other side takes its time to answer
			results = append(results, bridge.Result{Lease: l, Started: now, Ended: time.Now(), Then: bridge.ThenDone,
				Outcome: bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered}})
		}
		if len(out.Leases) == 0 {
			select {
			case <-s.Wake():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

func TestDeathOfReplicasAndOfRedisLosesAndDoublesNothing(t *testing.T) {
	srv := startServer(t)
	o := redisstore.Options{Namespace: space(), Timeout: time.Second}
	first := open(t, srv.URL(), o)
	const tasks = 12
	link(t, first, "", tasks)
	to := &sink{effects: map[string][]string{}, moved: make(chan struct{}, 1)}
	random := rand.New(rand.NewPCG(7, 11)) //nolint:gosec // a seeded order of deaths

	var senders, workers sync.WaitGroup
	stop, refused := make(chan struct{}), make(chan struct{}, 1)
	sent := make([]int, tasks)
	for task := range tasks {
		s := open(t, srv.URL(), o)
		senders.Go(func() {
			for n := 0; ; n++ {
				e := update(fmt.Sprint(task), fmt.Sprintf("%d-%06d", task, n))
				for {
					e.ID = bridge.NewID()
					rs, err := s.Accept(ctx, []bridge.Event{e})
					if err == nil && (rs[0].Status == bridge.Accepted || rs[0].Status == bridge.Duplicate) {
						sent[task] = n + 1
						break
					}
					signal(refused)
					pause(ctx, 10*time.Millisecond)
				}
				select {
				case <-stop:
					return
				case <-time.After(2 * time.Millisecond):
				}
			}
		})
	}
	start := func() context.CancelFunc {
		run, kill := context.WithCancel(ctx)
		s, err := redisstore.Open(ctx, srv.URL(), redisstore.Options{Namespace: o.Namespace, Timeout: time.Second, Log: quiet()})
		require.NoError(t, err)
		workers.Go(func() {
			replica(run, s, to)
			_ = s.Close()
		})
		return kill
	}
	alive := []context.CancelFunc{start(), start(), start()}
	for range 6 {
		to.awaits(t, 30+random.IntN(60))
		if random.IntN(2) == 0 {
			srv.Kill()
			for range 1 + random.IntN(2*tasks) { // so many callers are refused
				<-refused
			}
			srv.Start(t)
			continue
		}
		i := random.IntN(len(alive))
		alive[i]()
		alive[i] = start()
	}
	close(stop)
	senders.Wait()
	total := 0
	for _, n := range sent {
		total += n
	}
	require.Eventually(t, func() bool { return to.count() >= total }, 30*time.Second, 50*time.Millisecond, "everything that was answered arrives")
	for _, kill := range alive {
		kill()
	}
	workers.Wait()
	require.Empty(t, to.doubled, "a second effect is always a recorded unknown")
	for task := range tasks {
		keys := to.effects[fmt.Sprint(task)]
		require.Len(t, keys, sent[task])
		require.IsIncreasing(t, keys, "in order")
	}
	t.Logf("%d events had their effect, %d of them were asked for twice as unknown", total, to.again)
}
