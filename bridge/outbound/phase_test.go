package outbound

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	peer "github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
)

// quick are times that only run out where a test wants them to.
func quick() Config {
	return Config{Timeout: Timeouts{FirstByte: short(150 * time.Millisecond), Total: short(300 * time.Millisecond), TLS: short(100 * time.Millisecond)}}
}

func TestPhasesOnRealSockets(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for _, c := range []struct {
		name   string
		script peer.Script
		bound  int64
		phase  Phase
		reason bridge.Reason
		kind   bridge.OutcomeKind
		words  string
	}{
		{"closed after some bytes", peer.CloseAfter(10), 0, Sent, bridge.NoAnswer, bridge.OutcomeUnknown, ""},
		{"closed after the request", peer.CloseAfterRequest(), 0, Sent, bridge.NoAnswer, bridge.OutcomeUnknown, "EOF"},
		{"reset after the request", peer.ResetAfterRequest(), 0, Sent, bridge.NoAnswer, bridge.OutcomeUnknown, "reset"},
		{"no answer", peer.Hang(), 0, Sent, bridge.NoAnswer, bridge.OutcomeUnknown, "await answer: nothing within 150ms"},
		{"only 100 continue", peer.Continue(peer.CloseAfterRequest()), 0, Sent, bridge.NoAnswer, bridge.OutcomeUnknown, ""},
		{"not HTTP", peer.Raw("220 mail.example.com ESMTP\r\n"), 0, Sent, bridge.BadAnswer, bridge.OutcomeUnknown, "malformed"},
		{"half a header", peer.Raw("HTTP/1.1 200 OK\r\nX-A: b\r\n"), 0, Sent, bridge.NoAnswer, bridge.OutcomeUnknown, ""},
		{"header too large", peer.Raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 2*maxHeader) + "\r\n\r\n"), 0, Sent, bridge.TooLarge, bridge.OutcomeUnknown, ""},
		{"half an answer", peer.HalfAnswer(200), 0, Answered, bridge.NoAnswer, bridge.OutcomeUnknown, "broke off after 10 bytes"},
		{"half a refusal", peer.HalfAnswer(400), 0, Answered, bridge.NoAnswer, bridge.OutcomeUnknown, "status 400 broke off"},
		{"hangs in the answer", peer.HangInAnswer(200), 0, Answered, bridge.NoAnswer, bridge.OutcomeUnknown, "no complete answer within 300ms"},
		{"drips for ever", peer.Slow(20*time.Millisecond, 1, 200, long), 0, Sent, bridge.NoAnswer, bridge.OutcomeUnknown, ""},
		{"answer too large", peer.Answer(200, "text/plain", long), 999, Answered, bridge.TooLarge, bridge.OutcomeUnknown, "larger than 999 bytes"},
		{"refusal too large", peer.Answer(422, "text/plain", long), 999, Answered, bridge.TooLarge, bridge.OutcomeRefused, ""},
		{"endless answer", peer.Endless(200), 0, Answered, bridge.TooLarge, bridge.OutcomeUnknown, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := peer.New(t, c.script)
			k := client(t, quick(), Options{})
			a, err := k.Do(context.Background(), Request{Method: "POST", URL: p.URL("/x"), Body: []byte("hello, this is a body"), MaxAnswer: c.bound})
			e := failed(t, err)
			require.Equal(t, c.phase, e.Phase, "%v", err)
			require.False(t, e.Stopped)
			require.ErrorContains(t, err, "acme: "+c.phase.String()+": ")
			require.ErrorContains(t, err, c.words)
			require.Equal(t, 1, p.Conns(), "it must not be sent again")
			require.LessOrEqual(t, len(p.Requests()), 1)
			o := Classify(a, err, Policy{})
			require.Equal(t, c.kind, o.Kind, "%v", err)
			if c.kind == bridge.OutcomeUnknown {
				require.Equal(t, c.reason, o.Reason, "%v", err)
			}
			require.Equal(t, c.reason, e.Reason)
			if c.phase == Answered {
				require.NotZero(t, a.Status)
				require.NotEmpty(t, a.Body, "what came is kept for the excerpt")
			}
		})
	}
}

// Whether a byte leaves before the end of the connection is noticed is a race; both answers are
// true ones, and neither is sent again.
func TestClosedBeforeAnythingIsRead(t *testing.T) {
	p := peer.New(t, peer.AcceptAndClose())
	k := client(t, Config{}, Options{})
	for n := 1; n <= 20; n++ {
		_, err := post(t, k, p.URL("/x"), "body")
		e := failed(t, err)
		want := map[Phase]bridge.Reason{NotSent: bridge.NotSent, Sent: bridge.NoAnswer}
		require.Contains(t, want, e.Phase)
		require.Equal(t, want[e.Phase], e.Reason)
		require.True(t, Classify(Answer{}, err, Policy{}).Down)
		require.Equal(t, n, p.Conns())
	}
}

func TestAnswersThatAreOneInTheEnd(t *testing.T) {
	for _, c := range []struct {
		name   string
		script peer.Script
		body   string
	}{
		{"plain", peer.Answer(200, "text/plain", "fine"), "fine"},
		{"empty", peer.Answer(204, "", ""), ""},
		{"slow but in time", peer.Slow(time.Millisecond, 30, 201, "a longer body that comes in pieces"), "a longer body that comes in pieces"},
		{"after 100 continue", peer.Continue(peer.Answer(200, "text/plain", "fine")), "fine"},
		{"to the end of the connection", peer.Raw("HTTP/1.0 200 OK\r\n\r\nno length"), "no length"},
		{"chunked", peer.Raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), "abc"},
		{"before the body was read", func(c *peer.Conn) { c.ReadBytes(20); c.WriteAnswer(413, "text/plain", "too much"); c.AwaitEnd() }, "too much"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := peer.New(t, c.script)
			a, err := post(t, client(t, Config{}, Options{}), p.URL("/x"), "hello")
			require.NoError(t, err)
			require.Equal(t, c.body, string(a.Body))
			require.Positive(t, a.Took)
		})
	}
}

func TestNotSent(t *testing.T) {
	gone := peer.New(t, peer.AcceptAndClose())
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	hang := peer.NewTLS(t, peer.NewCA(t).Server(), peer.HangUnread())
	noTLS := peer.New(t, peer.AcceptAndClose())
	for _, c := range []struct {
		name, url string
		reason    bridge.Reason
		words     string
	}{
		{"connection refused", "http://" + closed.Addr().String(), bridge.NotSent, "connect: "},
		{"no such name", "http://no.such.name.invalid/", bridge.NotSent, "name look-up"},
		{"tls hangs", hang.URL("/"), bridge.NotSent, "tls: no handshake within 100ms"},
		{"tls ends", "https://" + noTLS.Addr() + "/", bridge.NotSent, "tls: "},
		{"not a url", "http://[::1", bridge.MappingFailed, "cannot be read"},
		{"no scheme", "example.com/x", bridge.MappingFailed, "http://"},
		{"other scheme", "file:///etc/passwd", bridge.MappingFailed, "http://"},
		{"no host", "http:///x", bridge.MappingFailed, "no host"},
		{"password in it", "http://u:pw12345@" + gone.Addr(), bridge.MappingFailed, "put them under auth"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := client(t, quick(), Options{})
			_, err := post(t, k, c.url, "body")
			e := failed(t, err)
			require.Equal(t, NotSent, e.Phase)
			require.Equal(t, c.reason, e.Reason)
			require.ErrorContains(t, err, c.words)
			require.NotContains(t, err.Error(), "pw12345")
		})
	}
	require.Zero(t, gone.Conns())
}

func TestBadHeadersAreNotSent(t *testing.T) {
	p := peer.New(t, peer.Answer(200, "", ""))
	k := client(t, Config{}, Options{})
	for name, r := range map[string]Request{
		"value":  {Header: map[string][]string{"X-A": {"a\r\nInjected: b"}}},
		"name":   {Header: map[string][]string{"X A": {"a"}}},
		"host":   {Header: map[string][]string{"Host": {"a b/"}}},
		"method": {Method: "GET /x HTTP/1.1\r\nA:"},
	} {
		r.URL = p.URL("/")
		_, err := k.Do(context.Background(), r)
		e := failed(t, err)
		require.Equal(t, NotSent, e.Phase, name)
		o := Classify(Answer{}, err, Policy{})
		require.Equal(t, bridge.OutcomeRefused, o.Kind, name)
		require.Equal(t, bridge.MappingFailed, o.Reason, name)
	}
	require.Empty(t, p.Requests())
}

func TestFramingHeadersAreOurs(t *testing.T) {
	p := peer.New(t, peer.Answer(200, "", ""))
	k := client(t, Config{}, Options{UserAgent: "bridge/1"})
	_, err := k.Do(context.Background(), Request{Method: "put", URL: p.URL("/a%2Fb?q=1"), Body: []byte("abc"), Header: map[string][]string{
		"Content-Length": {"99"}, "Transfer-Encoding": {"chunked"}, "Connection": {"close"}, "Expect": {"100-continue"},
		"Host": {"virtual.example"}, "Content-Type": {"text/plain"},
	}})
	require.NoError(t, err)
	got := p.Requests()[0]
	require.Equal(t, "PUT", got.Method)
	require.Equal(t, "/a%2Fb?q=1", got.URL)
	require.Equal(t, "virtual.example", got.Host)
	require.Equal(t, "abc", string(got.Body))
	require.Equal(t, "3", got.Header.Get("Content-Length"))
	require.Equal(t, "bridge/1", got.Header.Get("User-Agent"))
	require.Empty(t, got.Header.Get("Connection"))
	require.Empty(t, got.Header.Get("Expect"))
	require.Empty(t, got.Header.Get("Accept-Encoding"))

	_, err = k.Do(context.Background(), Request{Method: "POST", URL: p.URL("/"), Body: nil})
	require.NoError(t, err)
	require.Equal(t, "0", p.Requests()[1].Header.Get("Content-Length"), "an empty POST has a length")
}

func TestGivenUp(t *testing.T) {
	t.Run("before it began", func(t *testing.T) {
		p := peer.New(t, peer.Answer(200, "", ""))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := client(t, Config{}, Options{}).Do(ctx, Request{URL: p.URL("/")})
		e := failed(t, err)
		require.Equal(t, NotSent, e.Phase)
		require.Equal(t, bridge.Canceled, e.Reason)
		require.ErrorIs(t, err, context.Canceled)
		o := Classify(Answer{}, err, Policy{})
		require.Equal(t, bridge.OutcomeRetry, o.Kind)
		require.False(t, o.Down)
		require.Empty(t, p.Requests())
	})
	for name, script := range map[string]peer.Script{"while waiting": peer.Hang(), "within the answer": peer.HangInAnswer(200)} {
		t.Run(name, func(t *testing.T) {
			p := peer.New(t, script)
			ctx, cancel := context.WithCancelCause(context.Background())
			go func() {
				p.AwaitRequests(1)
				cancel(errors.New("the lease is lost"))
			}()
			a, err := client(t, Config{}, Options{}).Do(ctx, Request{Method: "POST", URL: p.URL("/"), Body: []byte("x")})
			e := failed(t, err)
			require.NotEqual(t, NotSent, e.Phase)
			require.True(t, e.Stopped)
			require.ErrorContains(t, err, "the lease is lost")
			o := Classify(a, err, Policy{})
			require.Equal(t, bridge.OutcomeUnknown, o.Kind)
			require.Equal(t, bridge.NoAnswer, o.Reason)
			require.False(t, o.Down, "our stopping says nothing about the destination")
		})
	}
}

// What is called "not sent" must never have reached the peer, at whatever moment a call is given up.
func TestNotSentIsTrueAtEveryMoment(t *testing.T) {
	p := peer.New(t, peer.Answer(200, "text/plain", "ok"))
	k := client(t, Config{}, Options{})
	const calls = 400
	r := rand.New(rand.NewPCG(1, 2))
	var notSent, sent sync.Map
	var all sync.WaitGroup
	for i := range calls {
		wait := time.Duration(r.IntN(1500)) * time.Microsecond
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), wait)
			defer cancel()
			id := fmt.Sprintf("/call-%d", i)
			_, err := k.Do(ctx, Request{Method: []string{"GET", "POST"}[i%2], URL: p.URL(id), Body: []byte(strings.Repeat("b", i%2*50))})
			var e *Error
			if errors.As(err, &e) && e.Phase == NotSent {
				notSent.Store(id, true)
			} else {
				sent.Store(id, true)
			}
		})
		if i%20 == 19 {
			all.Wait()
		}
	}
	all.Wait()
	k.Close()
	seen := map[string]int{}
	for _, q := range p.Requests() {
		seen[q.URL]++
		require.Equal(t, 1, seen[q.URL], "%s was sent twice", q.URL)
		_, wrong := notSent.Load(q.URL)
		require.False(t, wrong, "%s was called not sent and arrived", q.URL)
	}
}
