package listener

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// Networks are source addresses: single ones and networks in CIDR form. The zero value means
// everybody where it limits, and nobody where it trusts.
type Networks []netip.Prefix

// UnmarshalConfig reads a list of addresses and networks, or one of them.
func (s *Networks) UnmarshalConfig(n *config.Node) {
	items := []*config.Node{n}
	if n.Kind() == config.Sequence {
		items = n.Items()
	}
	if len(items) == 0 {
		n.Problemf("remove the key, or name a network", "names no network")
	}
	var out Networks
	for _, item := range items {
		text, ok := item.Text()
		if !ok {
			continue
		}
		p, err := parseNetwork(text)
		if err != "" {
			item.Problemf("for example 10.1.2.3, 10.1.0.0/16 or 2001:db8::/32", "%q %s", text, err)
			continue
		}
		out = append(out, p)
	}
	*s = out
}

func parseNetwork(text string) (netip.Prefix, string) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, "is neither an IP address nor a network"
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), ""
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return p, "is neither an IP address nor a network"
	case p.Addr().Is4In6():
		return p, "is an IPv4 network written as IPv6; write it as IPv4"
	case p.Masked() != p:
		return p, "has bits set behind its length; did you mean " + p.Masked().String() + "?"
	}
	return p, ""
}

// ConfigSchema describes the list.
func (Networks) ConfigSchema() map[string]any {
	one := map[string]any{"type": "string", "pattern": `^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$`}
	return map[string]any{"anyOf": []any{one, map[string]any{"type": "array", "minItems": 1, "items": one}}}
}

// Contain reports whether a is in one of the networks.
func (s Networks) Contain(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range s {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Admit reports whether a caller from a is let in: everybody is where no network is named.
func (s Networks) Admit(a netip.Addr) bool { return len(s) == 0 || s.Contain(a) }

// refusal is what a caller from elsewhere is told, as a problem document (RFC 9457).
const refusal = `{"type":"urn:pergabridge:problem:forbidden","title":"not allowed","status":403,"code":"forbidden","detail":"this listener does not serve your network"}` + "\n"

// Only lets in callers from these networks, and everybody to the paths in except. It stands behind
// [Front.Wrap].
func (s Networks) Only(h http.Handler, except ...string) http.Handler {
	if len(s) == 0 {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Contain(Address(r)) || slices.Contains(except, r.URL.Path) {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(refusal)) // fails only when the caller is gone
	})
}
