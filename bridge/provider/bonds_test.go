package provider

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// bonded is a store that holds bonds alone.
type bonded struct {
	bridge.Reader
	list  []bridge.Bond
	asked []bridge.BondFilter
}

func (b *bonded) Bonds(_ context.Context, f bridge.BondFilter) ([]bridge.Bond, error) {
	b.asked = append(b.asked, f)
	var out []bridge.Bond
	for _, x := range b.list {
		if x.Provider+"/"+x.Task > f.AfterKey && len(out) < f.Limit {
			out = append(out, x)
		}
	}
	return out, nil
}

func TestBookReadsEveryPage(t *testing.T) {
	var book Book
	read := book.Of("acme")
	_, err := read(t.Context())
	require.ErrorContains(t, err, "before the store is open")
	store := &bonded{}
	for i := range 2*pageOfBonds + 3 {
		b := bridge.Bond{Provider: "acme", Task: fmt.Sprintf("%06d", i), Reference: "R"}
		if i == 7 {
			b.Reference = "" // pending: nothing to follow
		}
		store.list = append(store.list, b)
	}
	book.Use(store)
	got, err := read(t.Context())
	require.NoError(t, err)
	require.Len(t, got, len(store.list)-1)
	require.Len(t, store.asked, 3)
	require.Equal(t, "acme", store.asked[0].Provider)
	require.Equal(t, []bridge.BondState{bridge.BondOpen, bridge.BondResolved}, store.asked[0].States)
	none, err := Deps{}.Bonds(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)
}
