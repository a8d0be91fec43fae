package redisstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// Renew implements [bridge.Store].
func (s *Store) Renew(ctx context.Context, session bridge.Session) error {
	_, err := s.write(ctx, sessionScript, rand.Text(), append(newCall(4), "renew", session.ID, micros(session.Until), session.Replica))
	return err
}

// Duty implements [bridge.Store].
func (s *Store) Duty(ctx context.Context, name string, session bridge.Session) (bridge.Duty, bool, error) {
	r, err := s.write(ctx, sessionScript, rand.Text(), append(newCall(4), "take", session.ID, name, bridge.ResumptionLife.Microseconds()))
	if err != nil || !r.bool(2) {
		return nil, false, err
	}
	d := &duty{store: s, name: name, session: session.ID, epoch: r.str(3), cursor: r.str(4)}
	if since := r.num(5); since != 0 {
		d.since = fromMicros(max(since, s.now().Add(-bridge.ClaimLife).UnixMicro()))
	}
	return d, true, nil
}

// duty is a held [bridge.Duty]; its epoch is the fence.
type duty struct {
	store                *Store
	name, session, epoch string
	since                time.Time

	mu     sync.Mutex
	cursor string
}

func (d *duty) Name() string { return d.name }

func (d *duty) Cursor() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cursor
}

// Since is read by [bridge.Since].
func (d *duty) Since() time.Time { return d.since }

// Accept implements [bridge.Duty].
func (d *duty) Accept(ctx context.Context, events []bridge.Event, cursor string) ([]bridge.Receipt, error) {
	o := &offer{n: len(events)}
	for _, e := range events {
		if err := d.store.add(o, e); err != nil {
			return nil, err
		}
	}
	if err := d.store.acceptCall(ctx, fence{duty: d.name, session: d.session, epoch: d.epoch, cursor: cursor}, []*offer{o}); err != nil {
		return nil, fmt.Errorf("redis: duty %s: %w", d.name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cursor = cursor
	return o.receipts, nil
}

// Release implements [bridge.Duty].
func (d *duty) Release(ctx context.Context) error {
	_, err := d.store.write(ctx, sessionScript, rand.Text(), append(newCall(4), "release", d.session, d.name, d.epoch))
	return err
}
