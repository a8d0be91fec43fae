package recipe_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/provider"
	_ "github.com/pergabridge/pergabridge/bridge/provider/http" // the kind that recipes are for
	"github.com/pergabridge/pergabridge/bridge/provider/http/recipe"
	"github.com/pergabridge/pergabridge/bridge/provider/http/recipe/recipetest"
	"github.com/pergabridge/pergabridge/bridge/provider/providertest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func peer(d *recipetest.Desk) flowtest.Peer {
	return flowtest.Peer{Server: d.Server, Writes: func(r *http.Request) bool { return r.Method != http.MethodGet },
		Refusal: fake.Fault{Status: http.StatusUnprocessableEntity}, Ledger: d.Effects}
}

// sample is a ticket that webhooks are about.
var sample = recipetest.Ticket{ID: "1", Number: "N1"}

var baseLine = regexp.MustCompile(`(?m)^base: .*$`)

// section returns the recipe with the fake's address in place of the vendor's.
func section(t testing.TB, name, address string) string {
	t.Helper()
	text, err := recipe.Show(name)
	require.NoError(t, err)
	require.Len(t, baseLine.FindAllString(text, -1), 1)
	return baseLine.ReplaceAllString(text, "base: "+address) + "timeout: {first_byte: 300ms, total: 600ms}\n"
}

func setup(t testing.TB, name string) (*recipetest.Desk, *recipetest.Product) {
	t.Helper()
	d, p, err := recipetest.Start(name)
	flowtest.Watch(t, d, err)
	for k, v := range p.Env {
		t.Setenv(k, v)
	}
	return d, p
}

func TestRecipes(t *testing.T) {
	for _, r := range recipe.List() {
		t.Run(r.Name, func(t *testing.T) {
			text, err := recipe.Show(r.Name)
			require.NoError(t, err)
			require.Contains(t, text, "# Checked, ")
			require.Contains(t, text, "# Not checked: ")
			require.NotContains(t, r.Title, "#")
			providertest.Run(t, func(t testing.TB) *providertest.Fixture {
				d, p := setup(t, r.Name)
				fx := flowtest.Fixture(t, "desk", "http", section(t, r.Name, d.URL()), peer(d), slices.Collect(maps.Values(p.Env))...)
				hook := func(h recipetest.Hook) bridge.Inbound {
					return flowtest.Input("desk", bridge.ByWebhook, p.Hook(h, sample, 7, "hi"))
				}
				private := hook(recipetest.Private)
				fx.Private, fx.Unknown, fx.Unreadable = &private, hook(recipetest.Unknown), flowtest.Input("desk", bridge.ByWebhook, `{"`)
				fx.Inputs = map[bridge.Kind]bridge.Inbound{bridge.Update: hook(recipetest.Update), bridge.Resolve: hook(recipetest.Resolve)}
				return fx
			})
		})
	}
}

// The webhook section of every recipe is one that the entrance takes.
func TestWebhookSections(t *testing.T) {
	for _, r := range recipe.List() {
		_, _ = setup(t, r.Name)
		n, err := config.Parse("c.yaml", []byte(section(t, r.Name, "http://127.0.0.1:1")))
		require.NoError(t, err)
		var c scheme.Config
		config.Decode(n.Key("webhook"), &c)
		require.Empty(t, n.Problems(), r.Name)
		v, err := scheme.New(c)
		require.NoError(t, err, r.Name)
		require.NotNil(t, v)
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
			events, err := made.Receiver.Receive(t.Context(), bridge.Inbound{Provider: "desk", Entrance: bridge.ByWebhook, ContentType: "application/json", Body: []byte(p.Hook(recipetest.Resolve, d.Last(), 1, "done"))})
			require.NoError(t, err)
			_, err = f.Engine.Accept(t.Context(), events)
			require.NoError(t, err)
			require.Equal(t, bridge.Resolve, f.Next().Event.Kind)
			f.Settled(f.Out(bridge.Submit, "4711", "").Event, bridge.StateDone)
			f.Settled(f.Out(bridge.Close, "4711", "").Event, bridge.StateDone)
			var kinds []bridge.Kind
			for _, e := range d.Effects() {
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
