// Package smtptest is a small strict SMTP server for tests. It takes nothing that a real server would
// not have to take: bare line feeds, lines that are too long, eight-bit characters without
// 8BITMIME, commands out of order.
package smtptest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options configures a server.
type Options struct {
	TLS *tls.Config // offers STARTTLS; with Implicit, TLS from the first byte
	// Implicit speaks TLS from the first byte.
	Implicit bool
	// User and Password are asked for when User is not empty; Token for XOAUTH2 and OAUTHBEARER.
	User, Password, Token string
	// Mechanisms are those of AUTH; default PLAIN LOGIN XOAUTH2 OAUTHBEARER.
	Mechanisms string
}

// A Mail is one that was taken.
type Mail struct {
	From  string
	To    []string
	Raw   []byte
	Hello string // how the client named itself
	*mail.Message
}

// A Fault makes the next mail fail.
type Fault struct {
	At    string // connect, auth, mail, rcpt, data, dot
	Reply string // "451 4.3.0 later"; "" closes the connection
	Hang  bool   // takes the mail, never answers (dot only)
}

// A Server is a running fake.
type Server struct {
	Addr string

	o      Options
	t      testing.TB
	mu     sync.Mutex
	mails  []Mail
	faults []Fault
	calls  int
	strict []string // what it complained about
	taken  func(Mail)
	l      net.Listener
	conns  map[net.Conn]bool
	wg     sync.WaitGroup
}

// Start runs a server until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Mechanisms == "" {
		o.Mechanisms = "PLAIN LOGIN XOAUTH2 OAUTHBEARER"
	}
	s := &Server{o: o, t: t, conns: map[net.Conn]bool{}, Addr: "127.0.0.1:0"}
	s.Up(t)
	t.Cleanup(func() {
		s.Down(t)
		for _, c := range s.strict {
			t.Errorf("smtp: %s", c)
		}
	})
	return s
}

// Up listens, again on the same port after Down.
func (s *Server) Up(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	s.l, s.Addr = l, l.Addr().String()
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[c] = true
			s.mu.Unlock()
			s.wg.Go(func() {
				s.serve(c)
				_ = c.Close()
				s.mu.Lock()
				delete(s.conns, c)
				s.mu.Unlock()
			})
		}
	})
}

// Down closes everything.
func (s *Server) Down(testing.TB) {
	_ = s.l.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// Fail makes the next mail fail; several wait in line.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// Mails returns what was taken.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// OnMail makes the server tell f of each mail it takes, before it says so. f may be called concurrently.
func (s *Server) OnMail(f func(Mail)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = f
}

// Calls returns how many connections there were.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// fault takes the next fault if it is for this place.
func (s *Server) fault(at string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) > 0 && s.faults[0].At == at {
		f := s.faults[0]
		s.faults = s.faults[1:]
		return f, true
	}
	return Fault{}, false
}

func (s *Server) complain(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strict = append(s.strict, fmt.Sprintf(format, args...))
}

var errDone = errors.New("done")

type session struct {
	*Server
	conn       net.Conn
	r          *bufio.Reader
	secure, in bool
	hello      bool
	name       string // of the client
	from       string
	to         []string
}

func (s *Server) serve(c net.Conn) {
	s.mu.Lock()
	s.calls++
	s.mu.Unlock()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	x := &session{Server: s, conn: c}
	if s.o.Implicit {
		x.conn, x.secure = tls.Server(c, s.o.TLS), true
	}
	x.r = bufio.NewReader(x.conn)
	if f, ok := s.fault("connect"); ok {
		x.reply(f.Reply)
		return
	}
	x.reply("220 smtptest ESMTP")
	for {
		line, err := x.line()
		if err != nil {
			return
		}
		if err := x.command(line); err != nil {
			return
		}
	}
}

func (x *session) reply(s string) { _, _ = fmt.Fprintf(x.conn, "%s\r\n", s) }

func (x *session) line() (string, error) {
	l, err := x.r.ReadString('\n')
	if err != nil {
		return "", err
	}
	if !strings.HasSuffix(l, "\r\n") {
		x.complain("a bare line feed: %q", l)
	}
	return strings.TrimRight(l, "\r\n"), nil
}

// answer replies, unless a fault wants something else.
func (x *session) answer(at, ok string) error {
	f, failed := x.fault(at)
	switch {
	case !failed:
		x.reply(ok)
	case f.Reply == "":
		return errDone
	default:
		x.reply(f.Reply)
		if strings.HasPrefix(f.Reply, "421") {
			return errDone
		}
		return errFault
	}
	return nil
}

var errFault = errors.New("fault")

func (x *session) command(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb = strings.ToUpper(verb); {
	case verb == "EHLO":
		x.hello, x.name = true, rest
		x.reply("250-smtptest")
		if x.o.TLS != nil && !x.secure {
			x.reply("250-STARTTLS")
		}
		if x.o.User != "" && (x.o.TLS == nil || x.secure) {
			x.reply("250-AUTH " + x.o.Mechanisms)
		}
		x.reply("250 ENHANCEDSTATUSCODES")
	case verb == "STARTTLS" && x.o.TLS != nil && !x.secure:
		x.reply("220 go ahead")
		x.conn, x.secure, x.hello = tls.Server(x.conn, x.o.TLS), true, false
		x.r = bufio.NewReader(x.conn)
	case verb == "AUTH":
		return x.auth(rest)
	case verb == "MAIL" && x.hello:
		if x.o.User != "" && !x.in {
			x.reply("530 5.7.0 authentication required")
			return nil
		}
		x.from, x.to = address(rest), nil
		if x.from == "" {
			x.complain("MAIL without an address: %q", line)
		}
		if err := x.answer("mail", "250 2.1.0 ok"); err != nil {
			x.from = ""
			return ignore(err)
		}
	case verb == "RCPT" && x.from != "":
		if err := x.answer("rcpt", "250 2.1.5 ok"); err != nil {
			return ignore(err)
		}
		x.to = append(x.to, address(rest))
	case verb == "DATA" && len(x.to) > 0:
		return x.data()
	case verb == "RSET":
		x.from, x.to = "", nil
		x.reply("250 2.0.0 ok")
	case verb == "NOOP":
		x.reply("250 2.0.0 ok")
	case verb == "*": // go-mail gives up a login that has failed already
		x.reply("501 5.5.2 nothing to give up")
	case verb == "QUIT":
		x.reply("221 2.0.0 bye")
		return errDone
	default:
		x.complain("a command out of order: %q", line)
		x.reply("503 5.5.1 out of order")
	}
	return nil
}

func ignore(err error) error {
	if errors.Is(err, errFault) {
		return nil
	}
	return err
}

func address(s string) string {
	_, a, ok := strings.Cut(s, "<")
	if !ok {
		return ""
	}
	a, _, _ = strings.Cut(a, ">")
	return a
}

func (x *session) data() error {
	if err := x.answer("data", "354 go on"); err != nil {
		return ignore(err)
	}
	var raw bytes.Buffer
	for {
		l, err := x.line()
		if err != nil {
			return err
		}
		if l == "." {
			break
		}
		l = strings.TrimPrefix(l, ".")
		if len(l) > 998 {
			x.complain("a line of %d bytes", len(l))
		}
		for i := range len(l) {
			if l[i] >= 0x80 || l[i] == 0 {
				x.complain("eight bits without 8BITMIME: %q", l)
				break
			}
		}
		raw.WriteString(l + "\r\n")
	}
	f, failed := x.fault("dot")
	if failed && f.Reply != "" {
		x.reply(f.Reply)
		x.from, x.to = "", nil
		return nil
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw.Bytes()))
	if err != nil {
		x.complain("not a mail: %v", err)
		x.reply("554 5.6.0 not a mail")
		return nil
	}
	for _, h := range []string{"From", "To", "Date", "Message-Id", "Mime-Version"} {
		if len(m.Header[h]) != 1 {
			x.complain("%d headers %s", len(m.Header[h]), h)
		}
	}
	x.mu.Lock()
	took, tell := Mail{x.from, x.to, raw.Bytes(), x.name, m}, x.taken
	x.mails = append(x.mails, took)
	x.mu.Unlock()
	if tell != nil {
		tell(took)
	}
	x.from, x.to = "", nil
	switch {
	case failed && f.Hang:
		_, _ = x.r.ReadByte() // until the client gives up
		return errDone
	case failed:
		return errDone
	}
	x.reply("250 2.0.0 taken as 4711")
	return nil
}

func (x *session) auth(rest string) error {
	if f, ok := x.fault("auth"); ok {
		x.reply(f.Reply)
		return nil
	}
	mechanism, initial, _ := strings.Cut(rest, " ")
	first, _ := base64.StdEncoding.DecodeString(initial)
	ok := false
	switch strings.ToUpper(mechanism) {
	case "PLAIN":
		ok = string(first) == "\x00"+x.o.User+"\x00"+x.o.Password
	case "LOGIN":
		var got []string
		for _, ask := range []string{"Username:", "Password:"} {
			x.reply("334 " + base64.StdEncoding.EncodeToString([]byte(ask)))
			l, err := x.line()
			if err != nil {
				return err
			}
			b, _ := base64.StdEncoding.DecodeString(l)
			got = append(got, string(b))
		}
		ok = got[0] == x.o.User && got[1] == x.o.Password
	case "XOAUTH2":
		ok = x.o.Token != "" && string(first) == "user="+x.o.User+"\x01auth=Bearer "+x.o.Token+"\x01\x01"
	case "OAUTHBEARER":
		ok = x.o.Token != "" && strings.Contains(string(first), "auth=Bearer "+x.o.Token+"\x01")
	}
	if !ok {
		x.reply("535 5.7.8 authentication failed")
		return nil
	}
	x.in = true
	x.reply("235 2.7.0 welcome")
	return nil
}
