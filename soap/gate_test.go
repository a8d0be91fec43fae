package soap

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A description whose reading panics must not leave the gate busy for ever: every later delivery
// would wait for a check that nobody makes.
func TestPanicOfACheckFreesTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{
			source: panicking{}, now: time.Now, log: slog.New(slog.DiscardHandler),
			state: ContractState{Status: ContractUnchecked},
		}
		require.Panics(t, func() { _, _, _ = g.current(t.Context()) })

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.Panics(t, func() { _, _, _ = g.current(ctx) }, "the second caller waits instead of checking")
	})
}

type panicking struct{}

func (panicking) Root() string                          { return "panicking" }
func (panicking) Resolve(_, ref string) (string, error) { return ref, nil }
func (panicking) Get(context.Context, string) ([]byte, string, error) {
	panic("a reader with a fault")
}
