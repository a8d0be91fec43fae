package outboundtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
)

// The one account that an [IIS] knows, and its password. The hash of the password (MD4 of its UTF-16)
// is the one of the protocol's own test vectors (MS-NLMP 4.2.2.1.1).
const (
	IISUser     = `CORP\User`
	IISPassword = "Password"
	iisHash     = "a4f49c406510bdcab6824ee7c30fd852"
)

// IISOptions is how an [IIS] behaves.
type IISOptions struct {
	// SingleRequest authenticates each request anew (authPersistSingleRequest).
	SingleRequest bool
	// Anonymous lets callers without credentials through to the handler, as nobody.
	Anonymous bool
	// Offers are the schemes of a 401; nil: Negotiate and NTLM, as IIS does.
	Offers []string
	// CloseAfter closes a connection after that many answers; 0: never.
	CloseAfter int
	// CloseInHandshake closes the connection with the challenge.
	CloseInHandshake bool
	// Handler answers whom the server lets through; nil: 200 and the name of the user.
	Handler http.Handler
}

// An IIS is a server with Windows authentication (NTLMv2) that is as strict as the real one: the
// handshake belongs to the connection, its steps have to follow each other there, and credentials
// that were accepted on one connection mean nothing on another.
type IIS struct {
	URL string

	t      testing.TB
	o      IISOptions
	server *httptest.Server

	mu         sync.Mutex
	conns      map[net.Conn]http.ConnState
	opened     int
	closed     int
	handshakes int
	anonymous  int
	requests   []IISRequest
}

// An IISRequest is a request that reached the handler.
type IISRequest struct {
	User string // empty: anonymous
	Body string
}

// An iisConn is what the server knows about one connection.
type iisConn struct {
	mu        sync.Mutex
	challenge []byte // sent and not answered yet
	user      string
	answers   int
}

type iisKey struct{}

// NewIIS starts the server; it ends with the test.
func NewIIS(t testing.TB, o IISOptions) *IIS {
	t.Helper()
	if o.Offers == nil {
		o.Offers = []string{"Negotiate", "NTLM"}
	}
	s := &IIS{t: t, o: o, conns: map[net.Conn]http.ConnState{}}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, iisKey{}, &iisConn{})
	}
	s.server.Config.ConnState = s.state
	s.server.Start()
	s.URL = s.server.URL
	t.Cleanup(s.server.Close)
	return s
}

func (s *IIS) state(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.opened++
	case http.StateClosed:
		s.closed++
		delete(s.conns, c)
		return
	}
	s.conns[c] = state
}

// Opened returns how many connections were opened.
func (s *IIS) Opened() int { s.mu.Lock(); defer s.mu.Unlock(); return s.opened }

// Closed returns how many connections have ended.
func (s *IIS) Closed() int { s.mu.Lock(); defer s.mu.Unlock(); return s.closed }

// Handshakes returns how many handshakes succeeded.
func (s *IIS) Handshakes() int { s.mu.Lock(); defer s.mu.Unlock(); return s.handshakes }

// Refused returns how many requests without credentials were sent away.
func (s *IIS) Refused() int { s.mu.Lock(); defer s.mu.Unlock(); return s.anonymous }

// Requests returns what reached the handler.
func (s *IIS) Requests() []IISRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]IISRequest(nil), s.requests...)
}

// CloseIdle closes the connections on which nothing is under way.
func (s *IIS) CloseIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c, state := range s.conns {
		if state == http.StateIdle {
			_ = c.Close()
		}
	}
}

func (s *IIS) serve(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(iisKey{}).(*iisConn)
	c.mu.Lock()
	defer c.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c.answers++
	if s.o.CloseAfter > 0 && c.answers >= s.o.CloseAfter {
		w.Header().Set("Connection", "close")
	}
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case scheme == "NTLM":
		token, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(token) < 12 || string(token[:8]) != "NTLMSSP\x00" {
			http.Error(w, "not a token", http.StatusBadRequest)
			return
		}
		switch kind := binary.LittleEndian.Uint32(token[8:]); {
		case kind == 1:
			if len(body) > 0 {
				s.t.Errorf("the first step of a handshake carries %d bytes", len(body))
			}
			c.user, c.challenge = "", make([]byte, 8)
			_, _ = rand.Read(c.challenge)
			if s.o.CloseInHandshake {
				w.Header().Set("Connection", "close")
			}
			w.Header().Set("WWW-Authenticate", "NTLM "+base64.StdEncoding.EncodeToString(challengeMessage(c.challenge)))
			w.WriteHeader(http.StatusUnauthorized)
			return
		case kind == 3 && c.challenge != nil:
			user, err := checkAuthenticate(token, c.challenge)
			c.challenge = nil
			if err != nil {
				s.refuse(w)
				return
			}
			c.user = user
			s.mu.Lock()
			s.handshakes++
			s.mu.Unlock()
		default: // out of order, or on another connection
			s.refuse(w)
			return
		}
	case scheme != "":
		s.refuse(w)
		return
	case c.user == "" && !s.o.Anonymous:
		s.mu.Lock()
		s.anonymous++
		s.mu.Unlock()
		s.refuse(w)
		return
	}
	user := c.user
	if s.o.SingleRequest {
		c.user = ""
	}
	s.mu.Lock()
	s.requests = append(s.requests, IISRequest{User: user, Body: string(body)})
	s.mu.Unlock()
	if s.o.Handler != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.o.Handler.ServeHTTP(w, r)
		return
	}
	_, _ = io.WriteString(w, "hello "+user)
}

func (s *IIS) refuse(w http.ResponseWriter) {
	for _, o := range s.o.Offers {
		w.Header().Add("WWW-Authenticate", o)
	}
	http.Error(w, "<html><body>401 - Unauthorized: Access is denied due to invalid credentials.</body></html>", http.StatusUnauthorized)
}

// challengeMessage is the second message of a handshake.
func challengeMessage(challenge []byte) []byte {
	name := utf16le("CORP")
	var info []byte
	for _, id := range []uint16{2, 1} { // domain and computer name
		info = binary.LittleEndian.AppendUint16(info, id)
		info = binary.LittleEndian.AppendUint16(info, uint16(len(name)))
		info = append(info, name...)
	}
	info = append(info, 0, 0, 0, 0)
	const header = 56
	b := append([]byte("NTLMSSP\x00"), 2, 0, 0, 0)
	field := func(n, at int) {
		b = binary.LittleEndian.AppendUint16(b, uint16(n))
		b = binary.LittleEndian.AppendUint16(b, uint16(n))
		b = binary.LittleEndian.AppendUint32(b, uint32(at))
	}
	field(len(name), header)
	// Unicode, request target, NTLM, always sign, target type domain, extended session security,
	// target info.
	b = binary.LittleEndian.AppendUint32(b, 0x1|0x4|0x200|0x8000|0x10000|0x80000|0x800000)
	b = append(b, challenge...)
	b = append(b, make([]byte, 8)...)
	field(len(info), header+len(name))
	b = append(b, 6, 1, 0xB1, 0x1D, 0, 0, 0, 0x0F) // version
	return append(append(b, name...), info...)
}

// checkAuthenticate checks the third message against the account and returns its user.
func checkAuthenticate(token, challenge []byte) (string, error) {
	part := func(at int) ([]byte, error) {
		if len(token) < at+8 {
			return nil, errors.New("too short")
		}
		n, off := int(binary.LittleEndian.Uint16(token[at:])), int(binary.LittleEndian.Uint32(token[at+4:]))
		if off < 0 || off+n > len(token) {
			return nil, errors.New("out of bounds")
		}
		return token[off : off+n], nil
	}
	var fields [3][]byte // NT response, domain, user
	for i, at := range []int{20, 28, 36} {
		var err error
		if fields[i], err = part(at); err != nil {
			return "", err
		}
	}
	response, domain, user := fields[0], fromUTF16(fields[1]), fromUTF16(fields[2])
	if len(response) < 24 {
		return "", errors.New("not NTLMv2")
	}
	hash, _ := hex.DecodeString(iisHash)
	key := hmacMD5(hash, utf16le(strings.ToUpper(user)+domain))
	if proof := hmacMD5(key, append(append([]byte{}, challenge...), response[16:]...)); !hmac.Equal(proof, response[:16]) {
		return "", errors.New("wrong password")
	}
	if name := domain + `\` + user; !strings.EqualFold(name, IISUser) {
		return "", errors.New("unknown user " + name)
	}
	return domain + `\` + user, nil
}

func hmacMD5(key, data []byte) []byte {
	h := hmac.New(md5.New, key)
	h.Write(data)
	return h.Sum(nil)
}

func utf16le(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func fromUTF16(b []byte) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u))
}
