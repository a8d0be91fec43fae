package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// A Tool is one provider in the hands of an operator, without a bridge around it.
type Tool struct {
	name    string
	kind    string
	address string
	made    *provider.Provider
}

// NewTool builds the provider called name alone. Close it.
func NewTool(c *Config, name string, log io.Writer) (*Tool, error) {
	section, ok := c.Providers[name]
	if !ok {
		return nil, fmt.Errorf("the config names no provider %q; it has %s", name, strings.Join(c.names(), ", "))
	}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	made, err := section.Kind.New(name, section.Config, provider.Deps{Log: logger, Outbound: outbound.Options{Log: logger, UserAgent: "pergabridge"}})
	if err != nil {
		return nil, fmt.Errorf("provider %s: %w", name, err)
	}
	return &Tool{name, section.Kind.Name, section.address(), made}, nil
}

// Close releases connections.
func (t *Tool) Close() { t.made.Close() }

func (t *Tool) operations() (provider.Operations, error) {
	if t.made.Operations == nil {
		return nil, fmt.Errorf("a provider of kind %s has no operations of its own; `pergabridge map %s` shows the calls that its config describes", t.kind, t.name)
	}
	return t.made.Operations, nil
}

// Operations lists what can be called.
func (t *Tool) Operations() ([]provider.OperationInfo, error) {
	o, err := t.operations()
	if err != nil {
		return nil, err
	}
	return o.List(), nil
}

// Show returns a call as it would be sent, and what the vendor's own description objects to.
func (t *Tool) Show(operation string, in json.RawMessage) (call string, objections []string, err error) {
	o, err := t.operations()
	if err != nil {
		return "", nil, err
	}
	return o.Show(operation, in)
}

// Call makes a call.
func (t *Tool) Call(ctx context.Context, operation string, in json.RawMessage) (answer string, err error) {
	o, err := t.operations()
	if err != nil {
		return "", err
	}
	answer, err = o.Call(ctx, operation, in)
	return secret.Mask(answer), err
}

// Check tries the provider out without changing anything there.
func (t *Tool) Check(ctx context.Context) []provider.CheckResult {
	return tryOut(ctx, t.made, t.address)
}

// tryOut tries a provider out in the way its kind knows, or at least connects.
func tryOut(ctx context.Context, made *provider.Provider, address string) []provider.CheckResult {
	if made.Checker != nil {
		return made.Checker.Check(ctx)
	}
	return []provider.CheckResult{reach(ctx, address)}
}

// Redeem takes the code that a person got at the vendor's authorization page.
func (t *Tool) Redeem(ctx context.Context, code string) error {
	r, ok := t.made.Checker.(provider.Redeemer)
	if !ok {
		return fmt.Errorf("a provider of kind %s takes no code", t.kind)
	}
	return r.Redeem(ctx, code)
}

// reach connects, and nothing more: a kind without a call that is known to change nothing must not be
// called.
func reach(ctx context.Context, address string) provider.CheckResult {
	out := provider.CheckResult{What: "connection to " + address}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		out.Detail = "the config does not say where the provider is"
		return out
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[u.Scheme]
		if port == "" {
			port = "80"
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	d := net.Dialer{}
	at := net.JoinHostPort(u.Hostname(), port)
	var conn net.Conn
	if u.Scheme == "https" {
		conn, err = (&tls.Dialer{NetDialer: &d}).DialContext(ctx, "tcp", at)
	} else {
		conn, err = d.DialContext(ctx, "tcp", at)
	}
	if err != nil {
		out.Detail = err.Error()
		return out
	}
	_ = conn.Close()
	out.OK, out.Detail = true, "connected; credentials are not tried, because no call of this config is known to change nothing (kind http: name one under test)"
	return out
}
