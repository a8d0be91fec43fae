package app_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A parrot is a vendor, an SSP, a token endpoint, a proxy and a pager that says everything it heard.
type parrot struct {
	*httptest.Server
	obtained string
	mu       sync.Mutex
	hooks    []string
}

func newParrot(t *testing.T) *parrot {
	p := &parrot{obtained: "obtained-token-" + rawText()}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what came is what is said
		heard := fmt.Sprintf("%s %s\n%v\n%s", r.Method, r.URL, r.Header, body)
		if user, password, ok := r.BasicAuth(); ok {
			heard += user + " " + password
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"access_token": %q, "token_type": "Bearer", "expires_in": 3600}`, p.obtained)
		case strings.HasSuffix(r.URL.Path, "/hook"):
			p.mu.Lock()
			p.hooks = append(p.hooks, string(body))
			p.mu.Unlock()
		case strings.HasSuffix(r.URL.Path, ".asmx"):
			w.Header().Set("Content-Type", "text/xml; charset=utf-8")
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault><faultcode>soap:Server</faultcode><faultstring>%s</faultstring></soap:Fault></soap:Body></soap:Envelope>`,
				html.EscapeString(heard))
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Heard", strings.ReplaceAll(url.PathEscape(heard), "\n", " ")[:min(2000, len(url.PathEscape(heard)))])
			w.WriteHeader(http.StatusUnprocessableEntity)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": heard, "base64": base64.StdEncoding.EncodeToString([]byte(r.Header.Get("Authorization")))})
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *parrot) told() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.hooks)
}

// mailParrot is a mail server that refuses every login and says what it heard, decoded as well.
func mailParrot(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			serving.Go(func() { repeatLogin(c) })
		}
	})
	return l.Addr().String()
}

// repeatLogin speaks as much IMAP as a login needs.
func repeatLogin(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(c)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(c, format+"\r\n", args...) }
	say("* OK ready")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		tag, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		words := strings.Fields(rest)
		switch {
		case len(words) > 0 && strings.EqualFold(words[0], "CAPABILITY"):
			say("* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2")
			say("%s OK done", tag)
		case len(words) > 0 && strings.EqualFold(words[0], "AUTHENTICATE"):
			said := words[len(words)-1]
			if len(words) == 2 {
				say("+ ")
				if said, err = in.ReadString('\n'); err != nil {
					return
				}
			}
			said = strings.TrimSpace(said)
			raw, _ := base64.StdEncoding.DecodeString(said) // what is no base64 is said as it is
			say("%s NO heard %s %s", tag, said, strings.Map(func(r rune) rune {
				if r < ' ' {
					return ' '
				}
				return r
			}, string(raw)))
		default:
			say("%s NO heard %s", tag, rest)
		}
	}
}

// safe is a buffer for many goroutines.
type safe struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safe) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
