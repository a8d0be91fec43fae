package storetest

import (
	"bytes"
	"context"
	"errors"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var backupRules = []rule{
	{"a backup holds everything", func(h *harness) {
		h.world()
		events, counts := h.events(bridge.EventFilter{}), h.counts()
		var b bytes.Buffer
		require.NoError(h.t, h.store().Backup(h.ctx, &b))
		require.Positive(h.t, b.Len())
		o, ok := h.handle.(BackupOpener)
		if !ok {
			return
		}
		s := o.OpenBackup(h.outer, &b)
		got, err := s.Events(h.ctx, bridge.EventFilter{Limit: 1000})
		require.NoError(h.t, err)
		require.Equal(h.t, events, got)
		c, err := s.Counts(h.ctx)
		require.NoError(h.t, err)
		require.Equal(h.t, counts.Events, c.Events)
		require.Equal(h.t, counts.Bonds, c.Bonds)
		require.NoError(h.t, s.Close())
	}},
	{"the store works on during a backup and the copy is consistent", func(h *harness) {
		stop := make(chan struct{})
		accepted := make(chan error, 1)
		var es []bridge.Event
		for range 300 {
			es = append(es, h.out(bridge.Submit, "T"+bridge.NewID()))
		}
		before := h.queue(h.out(bridge.Submit, "first"))
		go func() {
			var err error
			for _, e := range es {
				select {
				case <-stop:
				default:
					if _, err = h.store().Accept(h.ctx, []bridge.Event{e}); err == nil {
						continue
					}
				}
				break
			}
			accepted <- err
		}()
		var b bytes.Buffer
		err := h.store().Backup(h.ctx, &b)
		close(stop)
		require.NoError(h.t, <-accepted)
		require.NoError(h.t, err)
		require.Positive(h.t, b.Len())
		o, ok := h.handle.(BackupOpener)
		if !ok {
			return
		}
		s := o.OpenBackup(h.outer, &b)
		got, err := s.Events(h.ctx, bridge.EventFilter{Limit: 1000})
		require.NoError(h.t, err)
		require.NotEmpty(h.t, got)
		require.Equal(h.t, before, got[0].ID)
		for _, e := range got {
			bond, err := s.Bond(h.ctx, acme, e.Task)
			require.NoError(h.t, err, "an event and its bond are one step")
			require.Equal(h.t, e.ID, bond.Submit)
		}
		require.NoError(h.t, s.Close())
	}},
	{"a backup that cannot be written says so", func(h *harness) {
		h.queue(h.out(bridge.Submit, "T1"))
		require.Error(h.t, h.store().Backup(h.ctx, full{}))
		h.lease(acme)
	}},
	{"a backup can be cancelled", func(h *harness) {
		h.queue(h.out(bridge.Submit, "T1"))
		ctx, cancel := context.WithCancel(h.ctx)
		cancel()
		require.Error(h.t, h.store().Backup(ctx, &bytes.Buffer{}))
		h.lease(acme)
	}},
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("no space left")
