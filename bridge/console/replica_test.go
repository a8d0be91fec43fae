package console_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// another returns the console of another replica on the same store, or of this one after a restart.
func another(t *testing.T, o console.Options) func(method, target, body, key string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := console.New(o)
	require.NoError(t, err)
	return func(method, target, body, key string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Host, r.RemoteAddr = "127.0.0.1:8081", "127.0.0.1:5555"
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(api.PersonHeader, "Ada")
		if key != "" {
			r.Header.Set(api.IdempotencyHeader, key)
		}
		signed(r)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec
	}
}

func TestARepeatedWriteIsAnsweredAsTheFirstByEveryReplica(t *testing.T) {
	t.Parallel()
	var o console.Options
	w := newWorld(t, func(x *console.Options) { o = *x })
	id := w.park("1")
	one, two := another(t, o), another(t, o)
	path := "/api/v1/events/" + id + "/retry"
	first := one("POST", path, `{"note":"n"}`, "k")
	require.Equal(t, 200, first.Code, first.Body)
	again := two("POST", path, `{"note":"n"}`, "k")
	require.Equal(t, []any{200, first.Body.String(), "true", "application/json"},
		[]any{again.Code, again.Body.String(), again.Header().Get("Idempotency-Replayed"), again.Header().Get("Content-Type")})
	acts, err := w.store.Activities(ctx, 10)
	require.NoError(t, err)
	require.Len(t, acts, 1, "done once")
	require.Equal(t, 422, two("POST", path, `{"note":"another"}`, "k").Code)
	w.clock.advance(25 * time.Hour)
	require.Empty(t, two("POST", path, `{"note":"n"}`, "k").Header().Get("Idempotency-Replayed"), "a day is enough")
}

func TestAKeyIsHeldWhileItsWriteIsUnderWayElsewhere(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}, 2), make(chan struct{})
	var o console.Options
	w := newWorld(t, func(x *console.Options) {
		x.Map = func(context.Context, json.RawMessage) (any, error) {
			begun <- struct{}{}
			<-goOn
			return map[string]any{}, nil
		}
		o = *x
	})
	one, two := another(t, o), another(t, o)
	done := make(chan int, 2)
	go func() { done <- one("POST", "/api/v1/map", `{}`, "k").Code }()
	<-begun
	rec := two("POST", "/api/v1/map", `{}`, "k")
	require.Equal(t, []any{http.StatusConflict, api.InProgress}, []any{rec.Code, problem(t, rec).Code})
	w.clock.advance(3 * time.Minute) // longer than any write takes: the first one's replica is dead
	go func() { done <- two("POST", "/api/v1/map", `{}`, "k").Code }()
	<-begun
	close(goOn)
	require.Equal(t, []int{200, 200}, []int{<-done, <-done})
}

func TestRepairsAreShownByEveryReplica(t *testing.T) {
	t.Parallel()
	var o console.Options
	w := newWorld(t, withPeople, func(x *console.Options) { o = *x })
	w.park("1")
	w.park("2")
	one, two := another(t, o), another(t, o)
	var begun api.Repair
	require.NoError(t, json.Unmarshal(one("POST", "/api/v1/repairs", `{"of":"parked","verb":"retry","provider":"acme"}`, "").Body.Bytes(), &begun))
	require.Equal(t, 2, begun.Total)
	seen := func() (v api.Repair) {
		rec := two("GET", "/api/v1/repairs/"+begun.ID, "", "")
		if rec.Code == 200 {
			require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &v))
		}
		return v
	}
	require.Eventually(t, func() bool { return !seen().Ended.IsZero() }, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, []any{2, 0, "Ada", ""}, []any{seen().Done, seen().Failed, seen().Person, seen().Stopped})
	require.Contains(t, two("GET", "/repairs", "", "").Body.String(), "/repairs/"+begun.ID)

	// One whose replica dies in the middle of it.
	raw, err := json.Marshal(map[string]any{"id": "dead", "of": "parked", "verb": "retry", "provider": "acme", "person": "Eve", "total": 10, "done": 4,
		"started": w.clock.now(), "at": w.clock.now()})
	require.NoError(t, err)
	require.NoError(t, w.store.Pin(ctx, bridge.Notice{Kind: "repair", Key: "dead", Value: raw, Until: w.clock.now().Add(time.Hour)}))
	page := func() string { return two("GET", "/repairs/dead", "", "").Body.String() }
	require.Contains(t, page(), "Under way")
	w.clock.advance(time.Minute)
	require.Contains(t, page(), "begin again to do the rest")
	require.Contains(t, page(), "4 of 10 done")
}

func TestATaskSaysInASentenceHowItStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bonded("1", "INC-1")
	standing := func(task string) string {
		body := w.request("GET", "/tasks/acme/"+task, "", signed).Body.String()
		_, rest, ok := strings.Cut(body, `id="standing"`)
		require.True(t, ok)
		text, _, _ := strings.Cut(rest, "</p>")
		return text
	}
	require.Contains(t, standing("1"), "Ticket <strong>INC-1</strong> at acme.")
	require.Contains(t, standing("1"), "Nothing waits")
	w.park("2")
	require.Contains(t, standing("2"), `class="alert"`)
	require.Contains(t, standing("2"), "SSP to acme has stopped and waits for a person: the other side understood it and said no")
	w.accept(submit("3"))
	require.Contains(t, standing("3"), "SSP to acme is under way")
}
