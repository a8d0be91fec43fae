package console_test

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// resettable is a store that somebody else keeps.
type resettable struct {
	console.Store
	mu      sync.Mutex
	lost    bool
	resumed []bridge.Resumption
}

func (r *resettable) ResetErr() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost {
		return fmt.Errorf("store_reset: it was wiped: %w", bridge.ErrReset)
	}
	return nil
}

func (r *resettable) Resume(_ context.Context, x bridge.Resumption) (bridge.Resumed, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.lost
	r.lost = false
	r.resumed = append(r.resumed, x)
	return bridge.Resumed{Changed: was, Parked: 3}, nil
}

func resettableWorld(t *testing.T) (*world, *resettable) {
	store := &resettable{}
	return newWorld(t, withPeople, func(o *console.Options) {
		store.Store = o.Store
		o.Store = store
	}), store
}

// PinNew refuses as a store does while it stands still.
func (r *resettable) PinNew(ctx context.Context, n bridge.Notice) (*bridge.Notice, error) {
	if err := r.ResetErr(); err != nil {
		return nil, err
	}
	return r.Store.PinNew(ctx, n)
}

func TestAResumptionWithAKeyNeedsNoBoard(t *testing.T) {
	t.Parallel()
	w, store := resettableWorld(t)
	for _, changed := range []string{"true", "false"} {
		store.lost = store.resumed == nil
		rec := w.request("POST", "/api/v1/store/resume", `{"since":"2026-02-27T10:00:00Z"}`, signed, header(api.IdempotencyHeader, "k"))
		require.Equal(t, 200, rec.Code, rec.Body.String())
		require.Contains(t, rec.Body.String(), `"changed":`+changed)
	}
}

func TestAPersonResumesAResetStore(t *testing.T) {
	t.Parallel()
	w, store := resettableWorld(t)
	s, err := w.client.Status(ctx)
	require.NoError(t, err)
	require.Empty(t, s.Reset)
	require.NotContains(t, w.request("GET", "/", "", signed).Body.String(), "Nothing is accepted")
	store.lost = true
	s, err = w.client.Status(ctx)
	require.NoError(t, err)
	require.Contains(t, s.Reset, "it was wiped")
	require.Contains(t, w.request("GET", "/parked", "", signed).Body.String(), "it was wiped")

	for since, says := range map[string]string{"": "is a date", "tomorrow": "is a date", "2026-03-02": "future", "2025-01-01": "more than 90 days"} {
		_, err := w.client.ResumeStore(ctx, api.StoreResume{Since: since})
		require.ErrorContains(t, err, says, since)
	}
	require.Empty(t, store.resumed)
	done, err := w.client.ResumeStore(ctx, api.StoreResume{Since: "2026-02-27T10:00:00Z", Note: "new disk"})
	require.NoError(t, err)
	require.Equal(t, api.StoreResumed{Changed: true, Parked: 3}, done)
	require.Equal(t, time.Date(2026, 2, 27, 10, 0, 0, 0, time.UTC), store.resumed[0].Since)
	require.Equal(t, "new disk", store.resumed[0].Note)
	require.NotEmpty(t, store.resumed[0].Person)
}

func TestAStoreThatIsAFileIsNotResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.client.ResumeStore(ctx, api.StoreResume{Since: "2026-02-27"})
	require.ErrorContains(t, err, "file of this process")
}

func TestTheBannerResumes(t *testing.T) {
	t.Parallel()
	w, store := resettableWorld(t)
	store.lost = true
	otto, ada := w.as(t, "otto"), w.as(t, "ada")
	require.Contains(t, otto.get("/").body, "Nothing is accepted and nothing is delivered")
	require.NotContains(t, otto.get("/").body, "Go on with this ledger", "it takes an admin")
	require.Equal(t, 403, otto.press("/", "/store/resume", url.Values{"since": {"2026-02-28T10:00"}}).status)
	require.Equal(t, 403, ada.post("/store/resume", url.Values{"since": {"2026-02-28T10:00"}}).status, "not from its page")
	require.Equal(t, 400, ada.press("/", "/store/resume", url.Values{"since": {"soon"}}).status)
	require.Empty(t, store.resumed)
	v := ada.press("/", "/store/resume", url.Values{"since": {"2026-02-28T10:00"}, "deliver": {"yes"}, "note": {"new disk"}, "back": {"/parked"}})
	require.Equal(t, []any{200, "/parked"}, []any{v.status, v.path})
	require.Equal(t, []bridge.Resumption{{Person: "ada", Note: "new disk", Since: time.Date(2026, 2, 28, 10, 0, 0, 0, time.UTC), Deliver: true}}, store.resumed)
	require.NotContains(t, v.body, "Nothing is accepted")
}
