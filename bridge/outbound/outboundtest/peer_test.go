package outboundtest_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
)

const get = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	return c
}

func TestScripts(t *testing.T) {
	for _, c := range []struct {
		name   string
		script outboundtest.Script
		want   string // everything the peer sends until it closes
	}{
		{"accept and close", outboundtest.AcceptAndClose(), ""},
		{"close after bytes", outboundtest.CloseAfter(5), ""},
		{"close after request", outboundtest.CloseAfterRequest(), ""},
		{"half answer", outboundtest.HalfAnswer(200), "HTTP/1.1 200 x\r\nContent-Type: text/plain\r\nContent-Length: 20\r\n\r\nten bytes."},
		{"wrong length", outboundtest.WrongLength(201, 9, "abc"), "HTTP/1.1 201 x\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nabc"},
		{"continue", outboundtest.Continue(outboundtest.Raw("END")), "HTTP/1.1 100 Continue\r\n\r\nEND"},
		{"keep-alive ends", outboundtest.CloseAfterAnswers(0), ""},
		{"no content", func(c *outboundtest.Conn) { c.ReadRequest(); c.WriteAnswer(204, "", "") }, "HTTP/1.1 204 No Content\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := outboundtest.New(t, c.script)
			conn := dial(t, p.Addr())
			_, err := io.WriteString(conn, get)
			require.NoError(t, err)
			got, err := io.ReadAll(conn)
			if !errors.Is(err, syscall.ECONNRESET) { // closing with unread data resets, which is what it is for
				require.NoError(t, err)
			}
			require.Equal(t, c.want, string(got))
		})
	}
}

func TestPeerPlaysScriptsInOrderAndRecords(t *testing.T) {
	p := outboundtest.New(t, outboundtest.AcceptAndClose(), outboundtest.Answer(200, "text/plain", "fine", "X-A: b"))
	_, _ = io.ReadAll(dial(t, p.Addr()))
	p.AwaitConns(1)
	for n := 1; n <= 2; n++ { // two connections get the last script
		conn := dial(t, p.Addr())
		r := bufio.NewReader(conn)
		for range 2 { // and keep alive
			_, err := io.WriteString(conn, "POST /y?z HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")
			require.NoError(t, err)
			res, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, "fine", string(body))
			require.Equal(t, "b", res.Header.Get("X-A"))
		}
		got := p.AwaitRequests(2 * n)
		require.Equal(t, n, got[len(got)-1].Conn)
		require.Equal(t, "/y?z", got[len(got)-1].URL)
		require.Equal(t, "hi", string(got[len(got)-1].Body))
	}
	require.Equal(t, 3, p.Conns())
}

func TestResetIsAReset(t *testing.T) {
	p := outboundtest.New(t, outboundtest.ResetAfterRequest())
	conn := dial(t, p.Addr())
	_, err := io.WriteString(conn, get)
	require.NoError(t, err)
	_, err = io.ReadAll(conn)
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestSlowSendsEverythingInTheEnd(t *testing.T) {
	p := outboundtest.New(t, outboundtest.Slow(time.Millisecond, 7, 200, "a longer body"))
	conn := dial(t, p.Addr())
	_, err := io.WriteString(conn, get)
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, "a longer body", string(body))
}

func TestProxyForwardsBothWays(t *testing.T) {
	ca := outboundtest.NewCA(t)
	plain := outboundtest.New(t, outboundtest.Answer(200, "text/plain", "plain"))
	safe := outboundtest.NewTLS(t, ca.Server(), outboundtest.Answer(200, "text/plain", "safe"))
	proxy := outboundtest.NewProxy(t, "u", "p")
	tr := &http.Transport{
		Proxy:             http.ProxyURL(&url.URL{Scheme: "http", Host: proxy.Addr(), User: url.UserPassword("u", "p")}),
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives: true,
	}
	for _, p := range []*outboundtest.Peer{plain, safe} {
		res, err := (&http.Client{Transport: tr}).Get(p.URL("/a"))
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.True(t, strings.HasPrefix(p.URL(""), "http"))
		require.Contains(t, []string{"plain", "safe"}, string(body))
	}
	require.Equal(t, []string{plain.Addr(), safe.Addr()}, proxy.Targets())

	tr.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: proxy.Addr()})
	res, err := (&http.Client{Transport: tr}).Get(plain.URL("/a"))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusProxyAuthRequired, res.StatusCode)
	require.Len(t, plain.Requests(), 1)
}
