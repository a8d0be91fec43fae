package outbound

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// proxyURL returns nil when there is no proxy.
func proxyURL(c Config) (*url.URL, error) {
	if c.Proxy == "" {
		return nil, nil
	}
	u, err := parseURL(c.Proxy)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, errors.New("proxy: bad url: it has a path")
	}
	if c.ProxyAuth != nil {
		u.User = url.UserPassword(c.ProxyAuth.Username, c.ProxyAuth.Password.Reveal())
		registerBasic(*c.ProxyAuth)
	}
	return u, nil
}

// proxyAnswer turns a proxy's "no" into words; without it the error is the bare status text.
func proxyAnswer(_ context.Context, proxy *url.URL, _ *http.Request, res *http.Response) error {
	switch {
	case res.StatusCode == http.StatusOK:
		return nil
	case res.StatusCode == http.StatusProxyAuthRequired:
		return fmt.Errorf("the proxy %s asks for credentials (proxy_auth) or does not take ours", proxy.Host)
	}
	return fmt.Errorf("the proxy %s answered %s", proxy.Host, res.Status)
}

// checkHost is the guard for calls through a proxy, which looks names up itself: only addresses
// and the names of this machine can be told from here.
func (c *Client) checkHost(host string) error {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return fmt.Errorf("%w: %s is this machine", ErrDenied, name)
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return checkAddr(a, true, c.options.Allow)
	}
	return nil
}
