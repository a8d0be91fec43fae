package mailauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// shelf is a vault in memory.
type shelf struct {
	lock  sync.Mutex
	mu    sync.Mutex
	saved map[string][]byte
	fail  error
}

func (s *shelf) Lock(context.Context, string) (func(), error) {
	s.lock.Lock()
	return s.lock.Unlock, nil
}

func (s *shelf) Load(_ context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saved[name], nil
}

func (s *shelf) Save(_ context.Context, name string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.saved[name] = value
	return nil
}

// rotating is a token endpoint that voids a refresh token once it was used, and everything if a void one
// is used again.
type rotating struct {
	mu     sync.Mutex
	n      int
	valid  string
	abused bool
}

func (r *rotating) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = q.ParseForm()
	w.Header().Set("Content-Type", "application/json")
	if r.abused || q.PostForm.Get("refresh_token") != r.valid {
		r.abused = true
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return
	}
	r.n++
	r.valid = fmt.Sprintf("rotated-refresh-%d", r.n)
	fmt.Fprintf(w, `{"access_token":"rotated-access-%d","token_type":"Bearer","expires_in":600,"refresh_token":%q}`, r.n, r.valid)
}

// A refresh token that is replaced at every use survives restarts, is the same for all replicas and for
// mailbox and mail server, and cannot be read in the store.
func TestReplacedTokenIsKept(t *testing.T) {
	endpoint := &rotating{valid: "first-of-them-all"}
	server := httptest.NewServer(endpoint)
	defer server.Close()
	now := time.Now()
	vault := &shelf{saved: map[string][]byte{}}
	made := func(name, refresh string, scopes ...string) *Source {
		t.Helper()
		c := Config{Username: "u@example.com", OAuth2: &OAuth2{TokenURL: server.URL, ClientID: "id", ClientSecret: text("the-client-secret"), RefreshToken: text(refresh), Style: "params", Scopes: scopes}}
		s, err := New(name, c, outbound.Options{Now: func() time.Time { return now }, Vault: vault})
		require.NoError(t, err)
		t.Cleanup(s.Close)
		return s
	}
	login := func(s *Source) string {
		t.Helper()
		l, err := s.Login(t.Context())
		require.NoError(t, err)
		return l.Secret
	}
	one := made("mailbox/support", "first-of-them-all")
	require.Equal(t, "rotated-access-1", login(one))
	require.Equal(t, "rotated-access-1", login(made("mailbox/support", "first-of-them-all")), "after a restart, and on another replica")
	require.Equal(t, "rotated-access-1", login(made("acme", "first-of-them-all")), "the mail server shares it")
	require.Equal(t, "rotated-access-2", login(made("acme", "first-of-them-all", "smtp")), "other scopes, another token")
	require.Equal(t, "rotated-access-1", login(one))

	now = now.Add(10 * time.Minute)
	var all sync.WaitGroup
	for range 8 {
		s := made("mailbox/support", "first-of-them-all")
		all.Go(func() {
			l, err := s.Login(t.Context())
			if err != nil || l.Secret != "rotated-access-3" {
				t.Errorf("%v %v", l.Secret, err)
			}
		})
	}
	all.Wait()
	require.Equal(t, "rotated-access-3", login(one))
	one.Drop(Login{Secret: "rotated-access-3"})
	require.Equal(t, "rotated-access-4", login(one), "what the server turned down is not used again")
	require.False(t, endpoint.abused)

	require.Len(t, vault.saved, 1)
	for name, sealed := range vault.saved {
		require.NotContains(t, name+string(sealed), "first-of")
		require.NotContains(t, string(sealed), "rotated")
	}
	require.Equal(t, secret.Shown, secret.Mask("rotated-refresh-4"))

	// A person replaces the token in the config: what was kept does not stand in its way.
	endpoint.valid, endpoint.abused = "a-new-beginning", false
	require.Equal(t, "rotated-access-5", login(made("mailbox/support", "a-new-beginning")))
}

// A store that takes nothing does not keep mail away; the token is kept as soon as it does.
func TestTokenThatCannotBeKept(t *testing.T) {
	endpoint := &rotating{valid: "first-of-them-all"}
	server := httptest.NewServer(endpoint)
	defer server.Close()
	now := time.Now()
	vault := &shelf{saved: map[string][]byte{}, fail: errors.New("disk full")}
	c := Config{Username: "u@example.com", OAuth2: &OAuth2{TokenURL: server.URL, ClientID: "id", RefreshToken: text("first-of-them-all"), Style: "params"}}
	o := outbound.Options{Now: func() time.Time { return now }, Vault: vault}
	s, err := New("box", c, o)
	require.NoError(t, err)
	defer s.Close()
	for range 3 {
		now = now.Add(time.Hour)
		_, err = s.Login(t.Context())
		require.NoError(t, err)
	}
	require.Empty(t, vault.saved)
	vault.fail = nil
	now = now.Add(time.Hour)
	l, err := s.Login(t.Context())
	require.NoError(t, err)
	require.Equal(t, "rotated-access-4", l.Secret)
	next, err := New("box", c, o)
	require.NoError(t, err)
	defer next.Close()
	l, err = next.Login(t.Context())
	require.NoError(t, err)
	require.Equal(t, "rotated-access-4", l.Secret)
}

// What was damaged, or written by somebody else, is not believed.
func FuzzUnseal(f *testing.F) {
	s, err := newSafe(&shelf{}, &OAuth2{RefreshToken: text("first-of-them-all")})
	require.NoError(f, err)
	good, err := s.seal(tokens{Refresh: "kept"})
	require.NoError(f, err)
	require.Equal(f, "kept", s.unseal(good).Refresh)
	f.Add(good[:len(good)-1])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if string(sealed) != string(good) {
			require.Nil(t, s.unseal(sealed))
		}
	})
}
