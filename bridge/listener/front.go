package listener

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// Front is what stands before a handler. The zero value changes nothing.
type Front struct {
	// Trusted are the proxies that are believed.
	Trusted Networks
	// Prefix is the path under which a proxy publishes the handler, "" or /path without a slash at
	// its end.
	Prefix string
}

type secureKey struct{}

// Wrap puts f before h. Behind it [http.Request.RemoteAddr] is the caller's address (its port is 0
// where a proxy told it), Host the name the caller used, the path has no prefix, and [Secure] tells
// whether the caller used HTTPS.
func (f Front) Wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = f.caller(r)
		if f.Prefix == "" {
			h.ServeHTTP(w, r)
			return
		}
		if r.URL.Path == f.Prefix { // a link in the page would lead out of the prefix
			to := url.URL{Path: f.Prefix + "/", RawQuery: r.URL.RawQuery}
			http.Redirect(w, r, to.String(), http.StatusPermanentRedirect)
			return
		}
		h.ServeHTTP(w, f.strip(r))
	})
}

// strip takes the prefix off.
func (f Front) strip(r *http.Request) *http.Request {
	path, ok := strings.CutPrefix(r.URL.Path, f.Prefix+"/")
	if !ok {
		return r
	}
	out := new(http.Request)
	*out = *r
	u := *r.URL
	u.Path = "/" + path
	if u.RawPath != "" {
		raw, ok := strings.CutPrefix(u.RawPath, f.Prefix+"/")
		if !ok { // the prefix itself is written with escapes
			return r
		}
		u.RawPath = "/" + raw
	}
	out.URL = &u
	return out
}

// caller tells who made a request.
func (f Front) caller(r *http.Request) *http.Request {
	secure := r.TLS != nil
	peer := Address(r)
	if !f.Trusted.Contain(peer) {
		return marked(r, secure)
	}
	out := new(http.Request)
	*out = *r
	if a := f.behind(peer, r.Header.Values("X-Forwarded-For")); a != peer {
		out.RemoteAddr = netip.AddrPortFrom(a, 0).String()
	}
	if proto := last(r.Header.Values("X-Forwarded-Proto")); proto != "" {
		secure = strings.EqualFold(proto, "https")
	} else if r.Header.Get("X-Arr-Ssl") != "" {
		secure = true
	}
	if host := last(r.Header.Values("X-Forwarded-Host")); host != "" && !strings.ContainsAny(host, "/\\@?# \t") {
		out.Host = host
	}
	return marked(out, secure)
}

func marked(r *http.Request, secure bool) *http.Request {
	if !secure {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), secureKey{}, true))
}

// Secure reports whether a request behind [Front.Wrap] was made by HTTPS, to us or to the proxy.
func Secure(r *http.Request) bool {
	s, _ := r.Context().Value(secureKey{}).(bool)
	return s || r.TLS != nil
}

// maxHops bounds how many addresses of X-Forwarded-For are looked at.
const maxHops = 32

// behind walks from the peer to the left until an address is no trusted proxy.
func (f Front) behind(peer netip.Addr, headers []string) netip.Addr {
	rest := strings.Join(headers, ",")
	for range maxHops {
		if rest == "" || !f.Trusted.Contain(peer) {
			break
		}
		i := strings.LastIndexByte(rest, ',')
		a, ok := hop(rest[i+1:])
		if !ok {
			break
		}
		peer, rest = a, rest[:max(i, 0)]
	}
	return peer
}

// hop reads one entry: an address, with or without a port, IPv6 with or without brackets.
func hop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		return netip.Addr{}, false
	}
	return a.Unmap().WithZone(""), true
}

// last returns the last value of a list header: what the nearest proxy wrote.
func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	list := values[len(values)-1]
	return strings.TrimSpace(list[strings.LastIndexByte(list, ',')+1:])
}

// Address returns the address of the caller of r; it is not valid where there is none.
func Address(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap().WithZone("")
}

// Prefix is a path under which a proxy publishes a listener.
type Prefix string

// UnmarshalConfig reads the path.
func (p *Prefix) UnmarshalConfig(n *config.Node) {
	text, ok := n.Text()
	if !ok {
		return
	}
	u, err := url.Parse(text)
	clean := strings.TrimSuffix(text, "/")
	if err != nil || !strings.HasPrefix(text, "/") || u.Path != text || clean == "" || u.EscapedPath() != text ||
		strings.Contains(text, "//") || strings.Contains(text+"/", "/./") || strings.Contains(text+"/", "/../") {
		n.Problemf("for example /bridge", "%q is not a path of plain letters, digits, -, _, . and /", text)
		return
	}
	*p = Prefix(clean)
}

// ConfigSchema describes the path.
func (Prefix) ConfigSchema() map[string]any {
	return map[string]any{"type": "string", "pattern": "^/[^?#]+$"}
}
