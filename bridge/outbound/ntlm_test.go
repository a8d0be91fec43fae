package outbound

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/go-ntlmssp"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	peer "github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
)

func account() Config {
	// The idle time is long, so that connections end only when the server or the test ends them.
	return Config{Auth: Auth{NTLM: &NTLM{Username: peer.IISUser, Password: text(peer.IISPassword)}}, Timeout: Timeouts{Idle: short(time.Minute)}}
}

func proactive() Config {
	c := account()
	c.Auth.NTLM.Proactive = true
	return c
}

func TestNTLMOneHandshakePerConnection(t *testing.T) {
	for name, c := range map[string]Config{"asked": account(), "proactive": proactive()} {
		t.Run(name, func(t *testing.T) {
			iis := peer.NewIIS(t, peer.IISOptions{})
			k := client(t, c, Options{})
			for i := range 20 {
				a, err := post(t, k, iis.URL, fmt.Sprintf("call %d", i))
				require.NoError(t, err)
				require.Equal(t, 200, a.Status)
				require.Equal(t, "hello "+peer.IISUser, string(a.Body))
			}
			require.Equal(t, 1, iis.Opened())
			require.Equal(t, 1, iis.Handshakes())
			require.Len(t, iis.Requests(), 20)
			require.Equal(t, map[string]int{"asked": 1, "proactive": 0}[name], iis.Refused(), "only the first call may go without")
			for i, r := range iis.Requests() {
				require.Equal(t, peer.IISRequest{User: peer.IISUser, Body: fmt.Sprintf("call %d", i)}, r)
			}
		})
	}
}

func TestNTLMConcurrent(t *testing.T) {
	const workers, calls = 8, 25
	iis := peer.NewIIS(t, peer.IISOptions{CloseAfter: 7})
	k := client(t, account(), Options{})
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range calls {
				a, err := post(t, k, iis.URL, fmt.Sprintf("%d/%d", w, i))
				if err != nil || a.Status != 200 || string(a.Body) != "hello "+peer.IISUser {
					t.Errorf("%d/%d: %v %d %s", w, i, err, a.Status, a.Body)
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]int{}
	for _, r := range iis.Requests() {
		require.Equal(t, peer.IISUser, r.User)
		seen[r.Body]++
	}
	require.Len(t, seen, workers*calls)
	for body, n := range seen {
		require.Equal(t, 1, n, body)
	}
	require.LessOrEqual(t, iis.Handshakes(), iis.Opened(), "one handshake a connection")
	require.Eventually(t, func() bool { return iis.Opened() <= workers+iis.Closed() }, 5*time.Second, time.Millisecond,
		"opened %d, closed %d", iis.Opened(), iis.Closed())
}

// A server that has closed the idle connection is met with another one and another handshake; a call
// never goes over an unauthenticated connection by mistake, even where that would be answered.
func TestNTLMServerClosesIdleConnections(t *testing.T) {
	iis := peer.NewIIS(t, peer.IISOptions{Anonymous: true})
	k := client(t, proactive(), Options{})
	for i := range 10 {
		before := len(iis.Requests())
		a, err := post(t, k, iis.URL, "x")
		if err != nil { // the end of the connection had not arrived: it may have been sent
			require.Equal(t, Sent, failed(t, err).Phase)
		} else {
			require.Equal(t, "hello "+peer.IISUser, string(a.Body))
			require.Len(t, iis.Requests(), before+1)
		}
		require.Eventually(t, func() bool { iis.CloseIdle(); return iis.Closed() == iis.Opened() }, 5*time.Second, time.Millisecond, "%d", i)
	}
	for _, r := range iis.Requests() {
		require.Equal(t, peer.IISUser, r.User)
	}
	require.Greater(t, iis.Handshakes(), 1)
}

func TestNTLMSingleRequestMode(t *testing.T) {
	iis := peer.NewIIS(t, peer.IISOptions{SingleRequest: true})
	k := client(t, account(), Options{})
	for i := range 10 {
		a, err := post(t, k, iis.URL, fmt.Sprint(i))
		require.NoError(t, err)
		require.Equal(t, "hello "+peer.IISUser, string(a.Body))
	}
	require.Len(t, iis.Requests(), 10)
	require.Equal(t, 10, iis.Handshakes(), "each request is authenticated")
	require.Equal(t, 1, iis.Opened(), "on one connection")
	require.Equal(t, 1+askedAgain, iis.Refused(), "it learns to authenticate at once")
}

func TestNTLMWrongPassword(t *testing.T) {
	iis := peer.NewIIS(t, peer.IISOptions{})
	c := account()
	c.Auth.NTLM.Password = text("not the password")
	k := client(t, c, Options{})
	for range 3 {
		a, err := post(t, k, iis.URL, "x")
		require.NoError(t, err)
		require.Equal(t, 401, a.Status)
		require.Equal(t, bridge.Unauthorized, Classify(a, err, Policy{}).Reason)
	}
	require.Empty(t, iis.Requests())
	require.Zero(t, iis.Handshakes())
}

func TestNTLMIsNotOffered(t *testing.T) {
	iis := peer.NewIIS(t, peer.IISOptions{Offers: []string{"Negotiate"}})
	for _, c := range []Config{account()} {
		a, err := post(t, client(t, c, Options{}), iis.URL, "x")
		require.NoError(t, err)
		require.Equal(t, 401, a.Status)
		require.Equal(t, "Negotiate", a.Header.Get("Www-Authenticate"))
	}
	require.Empty(t, iis.Requests())
}

func TestNTLMHandshakeOverClosingConnections(t *testing.T) {
	iis := peer.NewIIS(t, peer.IISOptions{CloseInHandshake: true})
	_, err := post(t, client(t, account(), Options{}), iis.URL, "x")
	e := failed(t, err)
	require.Equal(t, NotSent, e.Phase)
	require.Equal(t, bridge.Unauthorized, e.Reason)
	require.Contains(t, e.Error(), "closed in the middle of the handshake")
	require.Equal(t, handshakes, iis.Opened())
	require.Zero(t, iis.Handshakes())
	require.Empty(t, iis.Requests())
}

// A server that asks for nothing gets the call itself, once.
func TestNTLMNobodyAsks(t *testing.T) {
	for name, c := range map[string]Config{"asked": account(), "proactive": proactive()} {
		p := peer.New(t, func(c *peer.Conn) {
			for {
				if _, ok := c.ReadRequest(); !ok {
					return
				}
				c.WriteAnswer(200, "text/plain", "open")
			}
		})
		a, err := post(t, client(t, c, Options{}), p.URL("/"), "body")
		require.NoError(t, err, name)
		require.Equal(t, "open", string(a.Body))
		var bodies []string
		for _, r := range p.Requests() {
			bodies = append(bodies, string(r.Body))
		}
		require.Equal(t, "body", strings.Join(bodies, ""), name)
	}
}

func TestNTLMDownIsNotSent(t *testing.T) {
	p := peer.New(t, func(c *peer.Conn) { c.ReadRequest() }) // closes without an answer
	_, err := post(t, client(t, proactive(), Options{}), p.URL("/"), "body")
	e := failed(t, err)
	require.Equal(t, NotSent, e.Phase, "only the first step of the handshake was sent")
	require.Empty(t, p.Requests()[0].Body)
}

func TestNTLMConfig(t *testing.T) {
	t.Setenv("NTLM_PASSWORD", "some-password-1")
	c, problems := parse(t, `auth: {ntlm: {username: user, domain: CORP, password: {env: NTLM_PASSWORD}, proactive: true}}`)
	require.Empty(t, problems)
	require.Equal(t, `CORP\user`, c.Auth.NTLM.account())
	_, problems = parse(t, `auth: {ntlm: {username: 'CORP\user', domain: CORP, password: {env: NTLM_PASSWORD}}}`, `http2: true`)
	require.Contains(t, problems, "auth.ntlm.domain: the domain is in username already")
	require.Contains(t, problems, "http2: NTLM authenticates a connection")
	_, problems = parse(t, `auth: {negotiate: {}}`)
	require.Contains(t, problems, "Negotiate (Kerberos) is not supported")
	_, problems = parse(t, `auth: {bearer: {env: NTLM_PASSWORD}, ntlm: {username: u, password: {env: NTLM_PASSWORD}}}`)
	require.Contains(t, problems, "bearer and ntlm both fill the Authorization header")
}

// What a server says in the middle of a handshake is outside data as well.
func FuzzNTLMChallenge(f *testing.F) {
	iis := peer.NewIIS(f, peer.IISOptions{})
	k, err := New("acme", Config{}, Options{})
	require.NoError(f, err)
	defer k.Close()
	hello, err := ntlmssp.NewNegotiateMessage("", "")
	require.NoError(f, err)
	a, err := k.Do(f.Context(), Request{URL: iis.URL, Header: http.Header{"Authorization": {"NTLM " + base64.StdEncoding.EncodeToString(hello)}}})
	require.NoError(f, err)
	f.Add(ntlmChallenge(a.Header))
	f.Add([]byte("NTLMSSP\x00\x02\x00\x00\x00"))
	p := newNTLM(k, *account().Auth.NTLM)
	f.Fuzz(func(t *testing.T, challenge []byte) {
		reply, err := p.reply(challenge)
		require.NotEqual(t, err == nil, reply == nil)
	})
}
