package recipe_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	_ "github.com/pergabridge/pergabridge/bridge/provider/http" // the kind that recipes are for
	"github.com/pergabridge/pergabridge/bridge/provider/http/recipe"
	"github.com/pergabridge/pergabridge/bridge/provider/providertest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type peer struct{ *desk }

func (p peer) Effects() []providertest.Effect {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]providertest.Effect(nil), p.effects...)
}

func (p peer) Calls() int { return len(p.Server.Calls()) }

func (p peer) Fail(f providertest.Failure) bool {
	x := fake.Fault{Match: func(r *http.Request) bool { return r.Method != http.MethodGet }}
	switch f {
	case providertest.Refuse:
		x.Kind, x.Status = fake.Status, 422
	case providertest.Throttle:
		x.Kind, x.Status, x.Header = fake.Status, 429, map[string]string{"Retry-After": "1"}
	case providertest.ServerError:
		x.Kind, x.Status = fake.Status, 500
	case providertest.Drop:
		x.Kind = fake.Drop
	case providertest.Hang:
		x.Kind = fake.Hang
	}
	p.Server.Fail(x)
	return true
}

func (p peer) Down(testing.TB)            { p.Server.Down() }
func (p peer) Up(t testing.TB)            { require.NoError(t, p.Server.Up()) }
func (p peer) Resolve(testing.TB, string) {}

var baseLine = regexp.MustCompile(`(?m)^base: .*$`)

// section returns the recipe with the fake's address in place of the vendor's.
func section(t testing.TB, name, address string) string {
	t.Helper()
	text, err := recipe.Show(name)
	require.NoError(t, err)
	require.Len(t, baseLine.FindAllString(text, -1), 1)
	return baseLine.ReplaceAllString(text, "base: "+address) + "timeout: {first_byte: 300ms, total: 600ms}\n"
}

func setup(t testing.TB, name string) (*desk, product) {
	t.Helper()
	p, ok := products[name]
	require.True(t, ok, "recipe %s has no fake", name)
	for k, v := range p.env {
		t.(*testing.T).Setenv(k, v)
	}
	d, err := newDesk(p.credential, p.routes)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	t.Cleanup(func() { require.Empty(t, d.violations) })
	return d, p
}

func TestRecipes(t *testing.T) {
	list := recipe.List()
	require.Len(t, list, len(products))
	for _, r := range list {
		t.Run(r.Name, func(t *testing.T) {
			text, err := recipe.Show(r.Name)
			require.NoError(t, err)
			require.Contains(t, text, "# Checked, ")
			require.Contains(t, text, "# Not checked: ")
			require.NotContains(t, r.Title, "#")
			providertest.Run(t, func(t testing.TB) *providertest.Fixture {
				d, p := setup(t, r.Name)
				log, logger := providertest.NewLog()
				made := flowtest.Build(t, "desk", "http", section(t, r.Name, d.URL()), provider.Deps{Log: logger, Outbound: outbound.Options{Log: logger}})
				hook := func(body string) bridge.Inbound {
					return bridge.Inbound{Provider: "desk", Entrance: bridge.ByWebhook, ContentType: "application/json", Body: []byte(body), Received: time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)}
				}
				private := hook(p.private)
				fx := &providertest.Fixture{Provider: made, Peer: peer{d}, Log: log, Private: &private, Unknown: hook(p.unknown), Unreadable: hook(`{"`),
					Inputs: map[bridge.Kind]bridge.Inbound{bridge.Update: hook(p.update), bridge.Resolve: hook(p.resolve)}}
				for _, v := range p.env {
					fx.Secrets = append(fx.Secrets, v)
				}
				return fx
			})
		})
	}
}

// The webhook section of every recipe is one that the entrance takes.
func TestWebhookSections(t *testing.T) {
	for _, r := range recipe.List() {
		_, p := setup(t, r.Name)
		n, err := config.Parse("c.yaml", []byte(section(t, r.Name, "http://127.0.0.1:1")))
		require.NoError(t, err)
		var c scheme.Config
		config.Decode(n.Key("webhook"), &c)
		require.Empty(t, n.Problems(), r.Name)
		v, err := scheme.New(c)
		require.NoError(t, err, r.Name)
		require.NotNil(t, v)
		_ = p
	}
}

// A whole life under the real engine: also the reopening of a resolved ticket by a second submit.
func TestWholeLife(t *testing.T) {
	for _, r := range recipe.List() {
		t.Run(r.Name, func(t *testing.T) {
			d, p := setup(t, r.Name)
			made := flowtest.Build(t, "desk", "http", section(t, r.Name, d.URL()), provider.Deps{})
			f := flowtest.Start(t, made, flowtest.Options{})
			ref := f.Submit("4711")
			f.Settled(f.Out(bridge.Update, "4711", "more").Event, bridge.StateDone)
			events, err := made.Receiver.Receive(t.Context(), bridge.Inbound{Provider: "desk", Entrance: bridge.ByWebhook, ContentType: "application/json", Body: []byte(p.resolve)})
			require.NoError(t, err)
			events[0].Reference, events[0].RefKey = ref, "" // the sample names another ticket
			_, err = f.Engine.Accept(t.Context(), events)
			require.NoError(t, err)
			require.Equal(t, bridge.Resolve, f.Next().Event.Kind)
			f.Settled(f.Out(bridge.Submit, "4711", "").Event, bridge.StateDone)
			f.Settled(f.Out(bridge.Close, "4711", "").Event, bridge.StateDone)
			var kinds []bridge.Kind
			for _, e := range (peer{d}).Effects() {
				require.Equal(t, ref, e.Reference)
				kinds = append(kinds, e.Kind)
			}
			require.Equal(t, bridge.Kinds(bridge.Out), kinds)
		})
	}
}

func TestShow(t *testing.T) {
	_, err := recipe.Show("remedy")
	require.ErrorContains(t, err, "known are jira-service-management, servicenow")
	_, err = recipe.Show("../recipe")
	require.Error(t, err)
	text, err := recipe.Section("zammad", "helpdesk")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(text, "providers:\n  helpdesk:\n    # Zammad"))
}
