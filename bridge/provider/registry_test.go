package provider

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

func TestRegistry(t *testing.T) {
	k := Kind{Name: "test-kind", Config: func() any { return &Common{} }, New: func(name string, _ any, d Deps) (*Provider, error) {
		d = d.WithDefaults()
		require.NotNil(t, d.Log)
		require.NotNil(t, d.Now)
		return &Provider{Name: name}, nil
	}}
	Register(k)
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		delete(kinds, k.Name)
	})
	got, ok := Lookup("test-kind")
	require.True(t, ok)
	p, err := got.New("x", got.Config(), Deps{})
	require.NoError(t, err)
	require.Equal(t, "x", p.Name)
	require.Equal(t, []string{"test-kind"}, Kinds())
	_, ok = Lookup("none")
	require.False(t, ok)
	require.PanicsWithValue(t, `provider: kind "test-kind" is registered twice`, func() { Register(k) })
	require.Panics(t, func() { Register(Kind{Name: "half"}) })
}

type fake struct{ lease bridge.Lease }

func (f *fake) Deliver(context.Context, bridge.Lease) bridge.Outcome { return bridge.Outcome{} }
func (f *fake) Render(l bridge.Lease) (string, error) {
	f.lease = l
	return "shown", nil
}

type mute struct{}

func (mute) Deliver(context.Context, bridge.Lease) bridge.Outcome { return bridge.Outcome{} }

type receiver struct{}

func (receiver) Receive(_ context.Context, in bridge.Inbound) ([]bridge.Event, error) {
	return []bridge.Event{{Provider: in.Provider}}, nil
}

func TestMapping(t *testing.T) {
	f := &fake{}
	p := &Provider{Name: "acme", Destination: f, Receiver: receiver{}}
	l, err := ParseSample([]byte(`{"event":{"kind":"submit","task":"4711","reference":"A-1"}}`))
	require.NoError(t, err)
	shown, err := MapOutbound(p, l)
	require.NoError(t, err)
	require.Equal(t, "shown", shown)
	require.Equal(t, bridge.ModeContinue, f.lease.Event.Mode)
	require.Equal(t, "A-1", f.lease.Bond.Reference)
	require.Equal(t, "4711", f.lease.Bond.Task)
	require.Equal(t, 1, f.lease.Attempt)
	require.Equal(t, bridge.ModeNew, Complete("acme", bridge.Lease{Event: bridge.Event{Kind: bridge.Submit}}).Event.Mode)
	_, err = MapOutbound(&Provider{Name: "acme", Destination: mute{}}, l)
	require.Error(t, err)

	events, err := MapInbound(t.Context(), p, bridge.Inbound{})
	require.NoError(t, err)
	require.Equal(t, "acme", events[0].Provider)
	_, err = MapInbound(t.Context(), &Provider{Name: "acme"}, bridge.Inbound{})
	require.Error(t, err)

	for _, bad := range []string{`{`, `{"event":{"kind":"resolve"}}`, `{"event":{}}`, `{"evnt":{}}`, `{"event":{"kind":"close"}} 1`} {
		_, err := ParseSample([]byte(bad))
		require.Error(t, err, bad)
	}
}
