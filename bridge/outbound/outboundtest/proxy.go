package outboundtest

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
)

// A Proxy is a forward proxy: CONNECT for https, absolute request lines for http. With a user it
// asks for Basic credentials.
type Proxy struct {
	*Peer
	user, password string

	mu      sync.Mutex
	targets []string
}

// NewProxy starts a proxy; an empty user means that it asks for none.
func NewProxy(t testing.TB, user, password string) *Proxy {
	t.Helper()
	p := &Proxy{user: user, password: password}
	p.Peer = New(t, p.serve)
	return p
}

// Targets returns the hosts that were asked for, in order, refused ones too.
func (p *Proxy) Targets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.targets...)
}

func (p *Proxy) serve(c *Conn) {
	r, err := http.ReadRequest(c.read())
	if err != nil {
		return
	}
	p.mu.Lock()
	p.targets = append(p.targets, r.Host)
	p.mu.Unlock()
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.password))
	if p.user != "" && r.Header.Get("Proxy-Authorization") != want {
		c.WriteAnswer(http.StatusProxyAuthRequired, "text/plain", "who are you?", `Proxy-Authenticate: Basic realm="test"`, "Connection: close")
		return
	}
	var target net.Conn
	host, _, err := net.SplitHostPort(r.Host)
	if err == nil && !net.ParseIP(host).IsLoopback() {
		err = fmt.Errorf("outboundtest: %s is not on loopback", host) // tests call nobody
	}
	if err == nil {
		target, err = net.Dial("tcp", r.Host)
	}
	if err != nil {
		c.WriteAnswer(http.StatusBadGateway, "text/plain", "no way", "Connection: close")
		return
	}
	defer func() { _ = target.Close() }()
	if r.Method != http.MethodConnect {
		r.Header.Del("Proxy-Authorization")
		if r.Write(target) != nil {
			return
		}
		if res, err := http.ReadResponse(bufio.NewReader(target), r); err == nil {
			defer func() { _ = res.Body.Close() }()
			res.Close = true
			_ = res.Write(c.stream)
		}
		return
	}
	fmt.Fprint(c.stream, "HTTP/1.1 200 Connection established\r\n\r\n")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(target, c.read())
		_ = target.Close()
	}()
	_, _ = io.Copy(c.stream, target)
	_ = c.raw.Close()
	<-done
}
