package client_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ctx = context.Background()

// talk makes a client of a server that answers as h does.
func talk(t *testing.T, h http.HandlerFunc) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := client.New(client.Options{Address: s.Listener.Addr().String(), Token: secret.New("token-of-the-client"), Person: "Ada"})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestWhatIsSent(t *testing.T) {
	var got *http.Request
	c := talk(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		_, _ = w.Write([]byte(`{"items":[]}`))
	})
	_, err := c.Events(ctx, client.Events{Provider: "a b", Newest: true, Limit: 5})
	require.NoError(t, err)
	require.Equal(t, "/api/v1/events?limit=5&newest=true&provider=a+b", got.RequestURI)
	require.Equal(t, "Bearer token-of-the-client", got.Header.Get("Authorization"))
	require.Equal(t, "Ada", got.Header.Get(api.PersonHeader))
}

func TestAProblemIsHandedOnWhole(t *testing.T) {
	c := talk(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
		w.WriteHeader(503)
		_, _ = w.Write([]byte(`{"code":"unavailable","title":"t","detail":"disk full","retry_after":5,"status":1,"new_field":1}`))
	})
	_, err := c.Counts(ctx)
	var p *api.Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, []any{api.Unavailable, 503, 5}, []any{p.Code, p.Status, p.RetryAfter})
	require.EqualError(t, err, "disk full")
}

func TestSomebodyElseAnswers(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"a page": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
		},
		"a bad problem": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(400)
			_, _ = w.Write([]byte(`{]`))
		},
		"another API's problem": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(400)
			_, _ = w.Write([]byte(`{"title":"x"}`))
		},
	} {
		_, err := talk(t, h).Counts(ctx)
		var p *api.Problem
		require.ErrorAs(t, err, &p, name)
		require.Empty(t, p.Code, name)
		require.ErrorContains(t, err, "not the answer of a bridge", name)
	}
	_, err := talk(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }).Counts(ctx)
	require.ErrorContains(t, err, "not what this version expects")
}

func TestAnAnswerThatBreaksOff(t *testing.T) {
	c := talk(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"items":`))
	})
	_, err := c.Counts(ctx)
	require.ErrorContains(t, err, "broke off")
	var b bytes.Buffer
	n, err := c.Backup(ctx, &b)
	require.ErrorContains(t, err, "broke off after 9 bytes")
	require.EqualValues(t, 9, n)
}

func TestNobodyAnswers(t *testing.T) {
	s := httptest.NewServer(nil)
	address := s.Listener.Addr().String()
	s.Close()
	c, err := client.New(client.Options{Address: "http://" + address + "/"})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Counts(ctx)
	var u *client.UnreachableError
	require.ErrorAs(t, err, &u)
	require.Equal(t, address, u.Address)
	require.ErrorContains(t, err, "is it running?")

	over, cancel := context.WithCancel(ctx)
	cancel()
	_, err = c.Counts(over)
	require.ErrorIs(t, err, context.Canceled)
}

func TestAddresses(t *testing.T) {
	for _, bad := range []string{"", "http://", "ftp://x:1", "http://x:1/?a=b", "http://u:p@x:1", "http://x:1#f", "a b"} {
		_, err := client.New(client.Options{Address: bad})
		require.ErrorContains(t, err, "admin address", bad)
	}
	for given, asked := range map[string]string{
		"0.0.0.0:8081": "http://127.0.0.1:8081/api/v1/counts", "[::]:8081": "http://[::1]:8081/api/v1/counts",
		":8081": "http://127.0.0.1:8081/api/v1/counts", "https://bridge.example/admin/": "https://bridge.example/admin/api/v1/counts",
	} {
		var url string
		c, err := client.New(client.Options{Address: given, HTTP: &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
			url = r.URL.String()
			return nil, context.Canceled
		})}})
		require.NoError(t, err)
		_, err = c.Counts(ctx)
		require.Error(t, err)
		require.Equal(t, asked, url)
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestListsEndWithAnError(t *testing.T) {
	n := 0
	c := talk(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 2 {
			http.Error(w, "gone", http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte(`{"items":[{"id":"1"}],"next":"7"}`))
	})
	var ids []string
	var failed error
	for e, err := range c.AllEvents(ctx, client.Events{}) {
		if failed = err; err == nil {
			ids = append(ids, e.ID)
		}
	}
	require.Equal(t, []string{"1"}, ids)
	require.Error(t, failed)
	for range c.AllEvents(ctx, client.Events{}) {
		break
	}
	n = 3
	count := 0
	for range c.AllEvents(ctx, client.Events{}) { // a server that repeats itself is not asked for ever
		count++
	}
	require.Equal(t, 2, count)
}
