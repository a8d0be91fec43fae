package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client makes a client that is closed with the test.
func client(t *testing.T, c Config, o Options) *Client {
	t.Helper()
	k, err := New("acme", c, o)
	require.NoError(t, err)
	t.Cleanup(k.Close)
	return k
}

// failed requires err to be an *Error.
func failed(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	require.Error(t, err)
	require.True(t, errors.As(err, &e), "%T %v", err, err)
	return e
}

func short(d time.Duration) config.Duration { return config.Duration(d) }

func text(s string) config.Secret { return config.Secret{Text: secret.New(s)} }

func file(t *testing.T, path string) config.Secret {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return text(string(b))
}

func post(t *testing.T, c *Client, url, body string) (Answer, error) {
	t.Helper()
	return c.Do(context.Background(), Request{Method: "POST", URL: url, Body: []byte(body)})
}

// parse decodes the YAML of a Config and returns its problems, one a line.
func parse(t *testing.T, lines ...string) (Config, string) {
	t.Helper()
	n, err := config.Parse("c.yaml", []byte(strings.Join(lines, "\n")))
	require.NoError(t, err)
	var c Config
	config.Decode(n, &c)
	if ps := n.Problems(); len(ps) > 0 {
		return c, ps.Error()
	}
	return c, ""
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
