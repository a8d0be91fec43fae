package console

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
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
	session *session // nil for programs
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
	cross    *http.CrossOriginProtection
	brake    *brake
	sessions *sessions
	log      *slog.Logger
}

func newGuard(token secret.Text, now func() time.Time, log *slog.Logger) *guard {
	return &guard{
		hasToken: !token.Empty(), token: sha256.Sum256([]byte(token.Reveal())),
		cross: http.NewCrossOriginProtection(), brake: newBrake(now), sessions: newSessions(now), log: log,
	}
}

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
	if !g.hasToken {
		if err := local(r); err != nil {
			return caller{}, err
		}
		return caller{person: or(person, personLoopback)}, nil
	}
	if token, ok := bearer(r); ok {
		if err := g.try(r, token); err != nil {
			return caller{}, err
		}
		return caller{person: or(person, personToken)}, nil
	}
	if s := g.sessions.of(r); s != nil {
		return caller{person: personBrowser, session: s}, nil
	}
	return caller{}, problem(api.Unauthorized, "send the admin token: Authorization: Bearer …")
}

// try compares a token that somebody offered.
func (g *guard) try(r *http.Request, token string) error {
	from := address(r)
	if wait := g.brake.blocked(from); wait > 0 {
		p := problem(api.TooMany, "too many failed attempts from this address")
		p.RetryAfter = int(wait/time.Second) + 1
		return p
	}
	sum := sha256.Sum256([]byte(token))
	if g.hasToken && subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1 {
		return nil
	}
	g.brake.failed(from)
	g.log.Warn("console: a wrong admin token", slog.String("remote", r.RemoteAddr), slog.String("path", secret.Mask(r.URL.Path)))
	return problem(api.Unauthorized, "the admin token is wrong")
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
		return problem(api.Forbidden, "without server.admin_token only callers on this machine are served")
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip"} {
		if r.Header.Get(name) != "" {
			return problem(api.Forbidden, "the call came through a proxy; set server.admin_token")
		}
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
	return problem(api.Forbidden, "without server.admin_token the console answers only under localhost, 127.0.0.1 or [::1]")
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
	p := strings.TrimSpace(r.Header.Get(api.PersonHeader))
	bad := len(p) > maxPerson || !utf8.ValidString(p) || strings.ContainsFunc(p, func(c rune) bool { return !unicode.IsPrint(c) })
	if bad {
		return "", badQuery(api.PersonHeader, "a printable name of at most %d bytes", maxPerson)
	}
	return secret.Mask(p), nil
}

func or(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
