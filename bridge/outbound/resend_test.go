package outbound

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	peer "github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
)

// idempotent are requests that net/http re-sends by itself when a kept connection is lost.
var idempotent = map[string]Request{
	"GET":                       {Method: "GET"},
	"PUT":                       {Method: "PUT", Body: []byte("body")},
	"POST with idempotency key": {Method: "POST", Body: []byte("body"), Header: http.Header{"Idempotency-Key": {"k"}}},
	"empty POST with key":       {Method: "POST", Header: http.Header{"X-Idempotency-Key": {"k"}}},
	"POST":                      {Method: "POST", Body: []byte("body")},
}

func TestALostKeptConnectionIsNotReplayed(t *testing.T) {
	for name, r := range idempotent {
		t.Run(name, func(t *testing.T) {
			p := peer.New(t, peer.CloseAfterAnswers(1))
			k := client(t, Config{}, Options{})
			r.URL = p.URL("/first")
			_, err := k.Do(context.Background(), r)
			require.NoError(t, err)
			r.URL = p.URL("/second")
			_, err = k.Do(context.Background(), r)
			e := failed(t, err)
			require.Equal(t, Sent, e.Phase)
			require.Equal(t, bridge.NoAnswer, e.Reason)
			if len(r.Body) == 0 { // net/http could send it again, and tried to
				require.ErrorIs(t, err, errResend)
			}
			seconds := 0
			for _, q := range p.AwaitRequests(2) {
				if q.URL == "/second" {
					seconds++
				}
			}
			require.Equal(t, 1, seconds)
		})
	}
}

// breaking is a socket whose writes fail after n more bytes, once it is told to.
type breaking struct {
	net.Conn
	after *atomic.Int64 // below zero: whole
}

func (b breaking) Write(p []byte) (int, error) {
	n := b.after.Load()
	if n < 0 {
		return b.Conn.Write(p)
	}
	if n > 0 {
		_, _ = b.Conn.Write(p[:n])
	}
	return int(n), syscall.EPIPE
}

func TestAWriteErrorOnADeadKeptConnection(t *testing.T) {
	for name, r := range idempotent {
		for _, c := range []struct {
			name   string
			bytes  int64
			phase  Phase
			reason bridge.Reason
			kind   bridge.OutcomeKind
		}{
			{"no byte written", 0, NotSent, bridge.NotSent, bridge.OutcomeRetry},
			{"one byte written", 1, Sent, bridge.NoAnswer, bridge.OutcomeUnknown},
		} {
			t.Run(name+", "+c.name, func(t *testing.T) {
				p := peer.New(t, peer.Answer(200, "", "ok"))
				k := client(t, Config{}, Options{})
				var after atomic.Int64
				after.Store(-1)
				k.transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
					raw, err := new(net.Dialer).DialContext(ctx, network, addr)
					return &conn{Conn: breaking{raw, &after}}, err
				}
				r.URL = p.URL("/first")
				_, err := k.Do(context.Background(), r)
				require.NoError(t, err)
				after.Store(c.bytes)
				r.URL = p.URL("/second")
				_, err = k.Do(context.Background(), r)
				e := failed(t, err)
				require.Equal(t, c.phase, e.Phase, "%v", err)
				require.Equal(t, c.reason, e.Reason)
				require.Equal(t, c.kind, Classify(Answer{}, err, Policy{}).Kind)
				require.Len(t, p.Requests(), 1)
			})
		}
	}
}

func TestAWriteInProgressCountsAsSent(t *testing.T) {
	k := &call{}
	require.True(t, k.begin())
	require.True(t, k.seal(), "the write may yet succeed")
	require.False(t, k.begin())

	k = &call{}
	require.True(t, k.begin())
	k.end(0)
	require.False(t, k.seal(), "the only write wrote nothing")
}

func TestASealedCallWritesNothing(t *testing.T) {
	k := &call{}
	here, there := net.Pipe()
	defer func() { _, _ = here.Close(), there.Close() }()
	c := &conn{Conn: here}
	c.current.Store(k)
	require.False(t, k.seal())
	n, err := c.Write([]byte("x"))
	require.Zero(t, n)
	require.ErrorIs(t, err, errSealed)
}

func TestIdleConnectionsAreDroppedBeforeThePeerDoes(t *testing.T) {
	ended := make(chan struct{}, 1)
	p := peer.New(t, func(c *peer.Conn) {
		c.ReadRequest()
		c.WriteAnswer(200, "", "ok")
		c.AwaitEnd()
		ended <- struct{}{}
	})
	k := client(t, Config{Timeout: Timeouts{Idle: short(20 * time.Millisecond)}}, Options{})
	for n := 1; n <= 2; n++ {
		_, err := post(t, k, p.URL("/"), "x")
		require.NoError(t, err)
		<-ended
		require.Equal(t, n, p.Conns())
	}
}

func TestConnectionsAreKept(t *testing.T) {
	p := peer.New(t, peer.Answer(200, "", "ok"))
	k := client(t, Config{}, Options{})
	for range 5 {
		_, err := post(t, k, p.URL("/"), "x")
		require.NoError(t, err)
	}
	require.Equal(t, 1, p.Conns())
}

func TestRedirectsAreAnswers(t *testing.T) {
	p := peer.New(t, peer.Answer(307, "", "", "Location: /elsewhere"))
	a, err := post(t, client(t, Config{}, Options{}), p.URL("/"), "x")
	require.NoError(t, err)
	require.Equal(t, 307, a.Status)
	require.Len(t, p.Requests(), 1)
	o := Classify(a, err, Policy{})
	require.Contains(t, o.Detail, "/elsewhere")
}
