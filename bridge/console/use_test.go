package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// use puts changed options in force.
func (w *world) use(change ...func(*console.Options)) {
	w.t.Helper()
	o := console.Options{Store: w.store, Engine: w.engine, Token: token, Now: w.clock.now}
	for _, f := range change {
		f(&o)
	}
	require.NoError(w.t, w.handler.(*console.Console).Use(o))
}

func TestOtherOptionsKeepPeopleSignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPeople)
	otto := w.as(t, "otto")
	same := people()
	w.use(func(o *console.Options) { o.Users = same })
	w.use(func(o *console.Options) { o.Users, o.ConfigVersion = same, "c2" })
	require.Equal(t, "/", otto.get("/").path)
	status, err := w.client.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, "c2", status.Config)
	w.use(func(o *console.Options) { o.Users = same[:1] })
	require.Contains(t, otto.get("/").path, "/login", "somebody lost the right to be here")
}

func TestOtherOptionsKeepTheFormsOfThisMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, noToken)
	id := w.park("1")
	b := w.browser(t)
	csrf := csrfField.FindStringSubmatch(b.get("/tasks/acme/1").body)[1]
	w.use(noToken, func(o *console.Options) { o.ConfigVersion = "c2" })
	v := b.post("/act", url.Values{"csrf": {csrf}, "verb": {"event_retry"}, "target": {id}, "back": {"/"}})
	require.Equal(t, 200, v.status, "the form was filled while the config was read anew")
}

func TestOtherOptionsKeepWhatWasAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.park("1")
	post := func() int {
		rec := w.request("POST", "/api/v1/events/"+id+"/retry", "", signed, header(api.IdempotencyHeader, "k"))
		require.Equal(t, http.StatusOK, rec.Code, rec.Body)
		if rec.Header().Get("Idempotency-Replayed") != "" {
			return 1
		}
		return 0
	}
	require.Zero(t, post())
	w.use()
	require.Equal(t, 1, post())
	require.Error(t, w.handler.(*console.Console).Use(console.Options{}))
	require.Equal(t, 1, post(), "wrong options change nothing")
}

func TestReload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.client.Reload(t.Context())
	require.Equal(t, api.NotFound, refused(t, err).Code)
	by := ""
	answer := error(nil)
	w.use(func(o *console.Options) {
		o.Reload = func(_ context.Context, person string) (api.Reloaded, error) {
			by = person
			return api.Reloaded{Config: "b", Previous: "a"}, answer
		}
	})
	v, err := w.client.Reload(t.Context())
	require.NoError(t, err)
	require.Equal(t, api.Reloaded{Config: "b", Previous: "a"}, v)
	require.Equal(t, "Ada", by)
	answer = errors.New("pergabridge.yaml:1:1: no")
	_, err = w.client.Reload(t.Context())
	require.Equal(t, api.Unprocessable, refused(t, err).Code)
	require.Contains(t, refused(t, err).Detail, "pergabridge.yaml:1:1: no")
}
