package provider

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/pergabridge/pergabridge/bridge"
)

// Book gives providers their bonds. Providers are built before the store is open; until [Book.Use] their
// polls do not run. The zero value is usable.
type Book struct {
	store atomic.Pointer[bridge.Reader]
}

// Use sets where bonds are read.
func (b *Book) Use(r bridge.Reader) { b.store.Store(&r) }

// Of returns what [Deps].Bonded of a provider is.
func (b *Book) Of(name string) func(context.Context) ([]bridge.Bond, error) {
	return func(ctx context.Context) ([]bridge.Bond, error) {
		r := b.store.Load()
		if r == nil {
			return nil, errors.New("bonds are read before the store is open")
		}
		var out []bridge.Bond
		f := bridge.BondFilter{Provider: name, States: []bridge.BondState{bridge.BondOpen, bridge.BondResolved}, Limit: pageOfBonds}
		for {
			page, err := (*r).Bonds(ctx, f)
			if err != nil {
				return nil, err
			}
			for _, x := range page {
				if x.Reference != "" {
					out = append(out, x)
				}
			}
			if len(page) < f.Limit {
				return out, nil
			}
			last := page[len(page)-1]
			f.AfterKey = last.Provider + "/" + last.Task
		}
	}
}

const pageOfBonds = 500
