package app

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// vault keeps tokens on the board. The store is set before anything runs; without one (a config that is
// only checked) nothing is kept.
type vault struct {
	store bridge.Board
	now   func() time.Time
}

const (
	tokenNotice = "token"
	tokenLock   = "token-lock"
	// tokenKept is how long a token that nobody uses is kept; endpoints forget them earlier.
	tokenKept = 400 * 24 * time.Hour
	lockLife  = time.Minute
	lockLook  = 100 * time.Millisecond
)

// Lock implements [outbound.Vault].
func (v *vault) Lock(ctx context.Context, name string) (func(), error) {
	if v.store == nil {
		return func() {}, nil
	}
	me := []byte(bridge.NewID())
	for {
		there, err := v.store.PinNew(ctx, bridge.Notice{Kind: tokenLock, Key: name, Value: me, Until: v.now().Add(lockLife)})
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		if there == nil {
			break
		}
		t := time.NewTimer(lockLook)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil, fmt.Errorf("lock %s: %w", name, ctx.Err())
		case <-t.C:
		}
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockLife/4)
		defer cancel()
		// Held too long, it is somebody else's by now. If this fails, it ends by itself.
		list, err := v.store.Notices(ctx, tokenLock, name)
		if err != nil || len(list) == 0 || !bytes.Equal(list[0].Value, me) {
			return
		}
		_ = v.store.Pin(ctx, bridge.Notice{Kind: tokenLock, Key: name, Until: v.now()})
	}, nil
}

// Load implements [outbound.Vault].
func (v *vault) Load(ctx context.Context, name string) ([]byte, error) {
	if v.store == nil {
		return nil, nil
	}
	list, err := v.store.Notices(ctx, tokenNotice, name)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0].Value, nil
}

// Save implements [outbound.Vault].
func (v *vault) Save(ctx context.Context, name string, value []byte) error {
	if v.store == nil {
		return nil
	}
	return v.store.Pin(ctx, bridge.Notice{Kind: tokenNotice, Key: name, Value: value, Until: v.now().Add(tokenKept)})
}
