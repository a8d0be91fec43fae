package mailin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound/mailauth"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/mailin/dovecottest"
)

func TestTokens(t *testing.T) {
	var fetched atomic.Int32
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/introspect") {
			ok := r.PostForm.Get("token") == "access-token-2" // the first one has been withdrawn
			_ = json.NewEncoder(w).Encode(map[string]any{"active": fmt.Sprint(ok), "username": dovecottest.User})
			return
		}
		fmt.Fprintf(w, `{"access_token":"access-token-%d","token_type":"Bearer","expires_in":3600}`, fetched.Add(1))
	}))
	defer tokens.Close()
	s := dovecottest.Start(t, dovecottest.Options{Introspect: tokens.URL + "/introspect"})
	for _, mechanism := range []string{"xoauth2", "oauthbearer"} {
		t.Run(mechanism, func(t *testing.T) {
			fetched.Store(0)
			b := mailbox(t, s)
			b.Auth = mailauth.Config{Username: dovecottest.User, OAuth2: &mailauth.OAuth2{
				Mechanism: mechanism, TokenURL: tokens.URL + "/token", ClientID: "bridge", ClientSecret: config.Secret{Text: secret.New("client-secret-x")}, Style: "params",
			}}
			r := NewReader(map[string]*Mailbox{"support": b}, marks(t), ReaderOptions{})
			p, err := NewPoller("support", r, PollerOptions{})
			require.NoError(t, err)
			defer p.Close()
			_, err = p.dial(t.Context())
			_, refused := errors.AsType[loginError](err)
			require.True(t, refused, "%v", err)
			c, err := p.dial(t.Context())
			require.NoError(t, err, "the token that was turned down is not shown again: %s", s.Log())
			c.close()
			require.EqualValues(t, 2, fetched.Load())
		})
	}
}

func TestWrongPasswordIsNotTriedFast(t *testing.T) {
	s := dovecottest.Start(t, dovecottest.Options{})
	b := mailbox(t, s)
	b.Auth.Password = config.Secret{Text: secret.New("wrong-password")}
	p, err := NewPoller("support", NewReader(map[string]*Mailbox{"support": b}, marks(t), ReaderOptions{}), PollerOptions{})
	require.NoError(t, err)
	defer p.Close()
	_, err = p.dial(t.Context())
	_, refused := errors.AsType[loginError](err)
	require.True(t, refused, "%v", err)
	f := &folder{Poller: p}
	require.GreaterOrEqual(t, f.pause(err, 0, 0), loginBackoff/2)
	require.Equal(t, time.Duration(0), f.pause(io.EOF, 0, time.Minute), "a connection that had worked is replaced at once")
	require.LessOrEqual(t, f.pause(fmt.Errorf("tls: %w", context.DeadlineExceeded), 0, 0), firstBackoff, "a server that does not answer has not asked for a pause")
	require.Equal(t, 92415*time.Millisecond, f.pause(fmt.Errorf("NO Request is throttled. Suggested Backoff Time: 92415 milliseconds"), 0, time.Minute))
	require.Equal(t, time.Minute, f.pause(&imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeLimit}, 3, 0))
}
