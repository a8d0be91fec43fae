package console

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Who a call is made for, where the caller does not say.
const (
	personToken    = "admin token"
	personLoopback = "loopback"
	personBrowser  = "console"
)

// maxPerson bounds the name of a person, in bytes.
const maxPerson = 200

// A caller is who a request comes from, once that is known.
type caller struct {
	person  string
	role    Role
	session *session // nil for programs
	// csrf must come with every form; empty where nothing is sent along by a browser on its own.
	csrf string
}

type callerKey struct{}

func with(ctx context.Context, c caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// guard decides who may come in.
type guard struct {
	hasToken bool
	token    [sha256.Size]byte
	users    map[string]User
	decoy    PasswordHash  // compared when the name is wrong, so that it takes as long
	hashing  chan struct{} // bounds how much sign-ins may cost at once
	loopback string        // that of [memory]
	cross    *http.CrossOriginProtection
	brake    *brake
	sessions *sessions
	log      *slog.Logger
}

func newGuard(token secret.Text, users []User, m *memory, log *slog.Logger) *guard {
	g := &guard{
		hasToken: !token.Empty(), token: sha256.Sum256([]byte(token.Reveal())),
		users: map[string]User{}, hashing: make(chan struct{}, 2), loopback: m.loopback,
		cross: http.NewCrossOriginProtection(), brake: m.brake, sessions: m.sessions, log: log,
	}
	for _, u := range users {
		g.users[u.Name], g.decoy = u, u.Hash
	}
	return g
}

// same reports whether x lets in the same people in the same way.
func (g *guard) same(x *guard) bool {
	return g.hasToken == x.hasToken && g.token == x.token && reflect.DeepEqual(g.users, x.users)
}

// open reports whether nobody has to sign in; then only this machine is served.
func (g *guard) open() bool { return !g.hasToken && len(g.users) == 0 }

// sameSite refuses what a browser asks on behalf of another site.
func (g *guard) sameSite(r *http.Request) error {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return problem(api.Forbidden, "a page of another site made this call")
	}
	if err := g.cross.Check(r); err != nil {
		return problem(api.Forbidden, "a page of another site made this call")
	}
	return nil
}

// identify returns the caller, or the problem that keeps it out.
func (g *guard) identify(r *http.Request) (caller, error) {
	person, err := personOf(r)
	if err != nil {
		return caller{}, err
	}
	if g.open() {
		if err := local(r); err != nil {
			return caller{}, err
		}
		return caller{person: or(person, personLoopback), role: Admin, csrf: g.loopback}, nil
	}
	if token, ok := bearer(r); ok {
		if err := g.try(r, token); err != nil {
			return caller{}, err
		}
		return caller{person: or(g.byToken(person), personToken), role: Admin}, nil
	}
	if s := g.sessions.of(r); s != nil {
		return caller{person: s.person, role: s.role, session: s, csrf: s.csrf}, nil
	}
	return caller{}, problem(api.Unauthorized, "send the admin token: Authorization: Bearer …")
}

// byToken keeps who has the token from signing with the name of somebody who has a password.
func (g *guard) byToken(person string) string {
	if _, taken := g.users[person]; taken {
		return person + " (by token)"
	}
	return person
}

// try compares a token that somebody offered.
func (g *guard) try(r *http.Request, token string) error {
	from := address(r)
	if err := g.braked(from); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(token))
	if g.hasToken && subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1 {
		return nil
	}
	g.brake.failed(from)
	g.log.Warn("console: a wrong admin token", slog.String("remote", r.RemoteAddr), slog.String("path", secret.Mask(r.URL.Path)))
	return problem(api.Unauthorized, "the admin token is wrong")
}

// braked returns the problem of an address that has failed too often.
func (g *guard) braked(from netip.Addr) error {
	wait := g.brake.blocked(from)
	if wait <= 0 {
		return nil
	}
	p := problem(api.TooMany, "too many failed attempts from this address")
	p.RetryAfter = int(wait/time.Second) + 1
	return p
}

// password lets a named user in, or says why not.
func (g *guard) password(r *http.Request, name, password string) (User, error) {
	from := address(r)
	if err := g.braked(from); err != nil {
		return User{}, err
	}
	u, known := g.users[name]
	if !known {
		u.Hash = g.decoy
	}
	matches, err := g.compare(r, u.Hash, password)
	switch {
	case err != nil:
		return User{}, err
	case matches && known:
		return u, nil
	}
	g.brake.failed(from)
	g.log.Warn("console: a wrong name or password", slog.String("remote", r.RemoteAddr))
	return User{}, problem(api.Unauthorized, "the name or the password is wrong")
}

// compare compares a password when its turn has come.
func (g *guard) compare(r *http.Request, h PasswordHash, password string) (bool, error) {
	select {
	case g.hashing <- struct{}{}:
		defer func() { <-g.hashing }()
	case <-r.Context().Done():
		return false, r.Context().Err()
	}
	return h.Matches(password), nil
}

// decoyed spends the time of a comparison, so that a wrong token does not tell which names exist.
func (g *guard) decoyed(r *http.Request, password string) {
	if len(g.users) > 0 {
		_, _ = g.compare(r, g.decoy, password) // the answer is known
	}
}

// bearer returns the token of the Authorization header; ok is false when there is no such header.
func bearer(r *http.Request) (token string, ok bool) {
	h := r.Header.Get("Authorization")
	if h == "" {
		return "", false
	}
	kind, token, _ := strings.Cut(h, " ")
	if !strings.EqualFold(kind, "Bearer") {
		return "", true // another scheme is a wrong token
	}
	return strings.TrimSpace(token), true
}

// local reports why a caller without a token is not from this machine, nil if it is.
func local(r *http.Request) error {
	if a := address(r); !a.IsValid() || !a.IsLoopback() {
		return problem(api.Forbidden, "without server.admin_token or server.users only callers on this machine are served")
	}
	if proxied(r) {
		return problem(api.Forbidden, "the call came through a proxy; set server.admin_token or server.users")
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), "."))
	if a, err := netip.ParseAddr(host); err == nil && a.Unmap().IsLoopback() {
		return nil
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return nil
	}
	return problem(api.Forbidden, "without server.admin_token or server.users the console answers only under localhost, 127.0.0.1 or [::1]")
}

// proxied reports whether a call shows that a proxy handed it on: by a header that only proxies add, or by HTTP/1.0,
// which browsers no longer speak and nginx speaks unless told otherwise. A proxy that speaks HTTP/1.1 and adds nothing
// cannot be told from a caller.
func proxied(r *http.Request) bool {
	if !r.ProtoAtLeast(1, 1) {
		return true
	}
	for name := range r.Header {
		switch {
		case name == "Via", name == "Forwarded", name == "X-Real-Ip", name == "X-Client-Ip", name == "True-Client-Ip",
			strings.HasPrefix(name, "X-Forwarded-"), strings.HasPrefix(name, "X-Arr-"), strings.HasPrefix(name, "X-Original-"):
			return true
		}
	}
	return false
}

// address returns the address the connection comes from.
func address(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap().WithZone("")
}

// personOf reads the name that a caller gives for the record.
func personOf(r *http.Request) (string, error) {
	return personName(r.Header.Get(api.PersonHeader), api.PersonHeader)
}

// personName checks a name that goes into the record.
func personName(p, param string) (string, error) {
	p = strings.TrimSpace(p)
	bad := len(p) > maxPerson || !utf8.ValidString(p) || strings.ContainsFunc(p, func(c rune) bool { return !unicode.IsPrint(c) })
	if bad {
		return "", badQuery(param, "a printable name of at most %d bytes", maxPerson)
	}
	return secret.Mask(p), nil
}

func or(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
