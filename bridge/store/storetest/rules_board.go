package storetest

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var boardRules = []rule{
	{"a notice is up until its end", func(h *harness) {
		h.pin(h.notice("mailbox", "a", "one", time.Minute), h.notice("mailbox", "b", "two", time.Hour), h.notice("repair", "a", "three", time.Hour))
		require.Equal(h.t, []string{"one", "two"}, h.values("mailbox", ""))
		require.Equal(h.t, []string{"two"}, h.values("mailbox", "b"))
		require.Equal(h.t, []string{"three"}, h.values("repair", ""))
		require.Empty(h.t, h.values("mailbox", "c"))
		require.Empty(h.t, h.values("nothing", ""))
		h.advance(time.Minute)
		require.Equal(h.t, []string{"two"}, h.values("mailbox", ""))
		require.Empty(h.t, h.values("mailbox", "a"))
	}},
	{"a notice takes the place of the one before", func(h *harness) {
		h.pin(h.notice("mailbox", "a", "one", time.Minute))
		h.pin(h.notice("mailbox", "a", "two", time.Hour))
		h.advance(time.Minute)
		require.Equal(h.t, []string{"two"}, h.values("mailbox", ""))
		h.pin(bridge.Notice{Kind: "mailbox", Key: "a"}) // over: taken down
		require.Empty(h.t, h.values("mailbox", ""))
	}},
	{"a notice that is new gives way to the one that is there", func(h *harness) {
		one, two := h.notice("answer", "k", "one", time.Minute), h.notice("answer", "k", "two", time.Hour)
		require.Nil(h.t, h.pinNew(one))
		there := h.pinNew(two)
		require.NotNil(h.t, there)
		require.Equal(h.t, "one", string(there.Value))
		require.Equal(h.t, []any{"answer", "k"}, []any{there.Kind, there.Key})
		require.True(h.t, there.Until.Equal(one.Until))
		require.Equal(h.t, []string{"one"}, h.values("answer", "k"))
		h.advance(time.Minute)
		two.Until = h.now().Add(time.Hour)
		require.Nil(h.t, h.pinNew(two), "the first is over")
		require.Equal(h.t, []string{"two"}, h.values("answer", "k"))
	}},
	{"of many that are new one is put up", func(h *harness) {
		var won atomic.Int32
		errs := make(chan error, 20)
		var wg sync.WaitGroup
		for range 20 {
			n := h.notice("answer", "k", bridge.NewID(), time.Hour)
			wg.Go(func() {
				there, err := h.store().PinNew(h.ctx, n)
				if there == nil && err == nil {
					won.Add(1)
				}
				errs <- err
			})
		}
		wg.Wait()
		for range 20 {
			require.NoError(h.t, <-errs)
		}
		require.EqualValues(h.t, 1, won.Load())
	}},
	{"notices hold any bytes, and survive a crash", func(h *harness) {
		value := []byte{0, 255, '\n', '"', 0x1f, ':', 0xc3}
		h.pin(bridge.Notice{Kind: "k", Key: "a / b:\x1f", Value: value, Until: h.now().Add(time.Hour)}, h.notice("k", "empty", "", time.Hour))
		h.crash()
		got, err := h.store().Notices(h.ctx, "k", "a / b:\x1f")
		require.NoError(h.t, err)
		require.Len(h.t, got, 1)
		require.Equal(h.t, value, got[0].Value)
		require.Equal(h.t, []string{""}, h.values("k", "empty"))
	}},
	{"a notice has room for so much and no more", func(h *harness) {
		n := bridge.Notice{Kind: "k", Key: "big", Value: bytes.Repeat([]byte("x"), bridge.MaxNotice), Until: h.now().Add(time.Hour)}
		h.pin(n)
		n.Value = append(n.Value, 'x')
		require.Error(h.t, h.store().Pin(h.ctx, n))
		_, err := h.store().PinNew(h.ctx, n)
		require.Error(h.t, err)
	}},
}

func (h *harness) notice(kind, key, value string, life time.Duration) bridge.Notice {
	return bridge.Notice{Kind: kind, Key: key, Value: []byte(value), Until: h.now().Add(life)}
}

func (h *harness) pin(notices ...bridge.Notice) {
	h.t.Helper()
	require.NoError(h.t, h.store().Pin(h.ctx, notices...))
}

func (h *harness) pinNew(n bridge.Notice) *bridge.Notice {
	h.t.Helper()
	there, err := h.store().PinNew(h.ctx, n)
	require.NoError(h.t, err)
	return there
}

// values returns what is up.
func (h *harness) values(kind, key string) []string {
	h.t.Helper()
	all, err := h.store().Notices(h.ctx, kind, key)
	require.NoError(h.t, err)
	var out []string
	for _, n := range all {
		require.Equal(h.t, kind, n.Kind)
		require.True(h.t, n.Until.After(h.now()))
		out = append(out, string(n.Value))
	}
	return out
}
