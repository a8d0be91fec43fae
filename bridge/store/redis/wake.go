package redisstore

import (
	"context"
	"time"
)

// pollEvery is how often the loop is woken while nobody can tell us of the others.
const pollEvery = time.Second

// Wake implements [bridge.Store]: other replicas tell by pub/sub that a lane became due. While the
// subscription is down the channel is signalled once a second.
func (s *Store) Wake() <-chan struct{} { return s.wake }

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// listen waits for wake-ups of other replicas until ctx ends.
func (s *Store) listen(ctx context.Context) {
	for ctx.Err() == nil {
		s.subscribed(ctx)
		s.signal() // something may have happened that nobody could tell
		select {
		case <-ctx.Done():
		case <-time.After(pollEvery):
		}
	}
}

// subscribed returns when the subscription breaks.
func (s *Store) subscribed(ctx context.Context) {
	sub := s.db.Subscribe(ctx, s.prefix+"wake")
	defer sub.Close()
	stop := context.AfterFunc(ctx, func() { sub.Close() })
	defer stop()
	for {
		m, err := sub.ReceiveTimeout(ctx, 30*time.Second)
		if err != nil {
			if ctx.Err() == nil && isTimeout(err) && sub.Ping(ctx) == nil {
				continue
			}
			return
		}
		if from, ok := payload(m); ok && from == s.id {
			continue
		}
		s.signal() // a message, or the confirmation of the subscription
	}
}
