package provider

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRegistry(t *testing.T) {
	k := Kind{Name: "test-kind", Config: func() any { return &Common{} }, New: func(name string, _ any, d Deps) (*Provider, error) {
		d = d.WithDefaults()
		require.NotNil(t, d.Log)
		require.NotNil(t, d.Now)
		require.Same(t, d.Log, d.Outbound.Log)
		require.NotNil(t, d.Outbound.Now)
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
