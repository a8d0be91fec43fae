package service

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

type programWorld struct {
	*Program
	reported chan error
	died     chan struct{}
}

func newProgram(body Body) programWorld {
	w := programWorld{reported: make(chan error, 1), died: make(chan struct{})}
	w.Program = &Program{
		Body: body, Report: func(err error) { w.reported <- err }, Die: func() { close(w.died) },
		Lasting: func(err error) bool { return errors.Is(err, errLasting) },
	}
	return w
}

var errLasting = errors.New("the config is wrong")

func TestProgramRunsAndStops(t *testing.T) {
	drained := false
	w := newProgram(func(ctx context.Context, ready func()) error {
		ready()
		<-ctx.Done()
		drained = true
		return nil
	})
	require.NoError(t, w.Start(nil))
	require.NoError(t, w.Stop(nil))
	require.True(t, drained)
	require.Empty(t, w.reported)
}

// A config that is wrong ends the service with a reason, and is not tried again and again.
func TestProgramWithAWrongConfigStaysDown(t *testing.T) {
	w := newProgram(func(context.Context, func()) error { return errLasting })
	require.ErrorIs(t, w.Start(nil), errLasting)
	require.ErrorIs(t, <-w.reported, errLasting)
	select {
	case <-w.died:
		t.Fatal("the recovery actions would start it again")
	default:
	}
}

// Whatever may pass ends the process, at the start and later, so that the recovery actions run.
func TestProgramThatFailsIsStartedAgain(t *testing.T) {
	passing := errors.New("redis: connect: refused")
	w := newProgram(func(context.Context, func()) error { return passing })
	require.NoError(t, w.Start(nil))
	require.ErrorIs(t, <-w.reported, passing)
	<-w.died

	fail := make(chan struct{})
	w = newProgram(func(_ context.Context, ready func()) error { ready(); <-fail; return passing })
	require.NoError(t, w.Start(nil))
	require.Empty(t, w.reported)
	close(fail)
	require.ErrorIs(t, <-w.reported, passing)
	<-w.died

	w = newProgram(func(context.Context, func()) error { return nil })
	require.NoError(t, w.Start(nil))
	require.ErrorIs(t, <-w.reported, errEnded)
	<-w.died
}

// The service manager is not kept waiting for a long migration.
func TestProgramThatTakesLong(t *testing.T) {
	w := newProgram(func(ctx context.Context, _ func()) error { <-ctx.Done(); return errors.New("drain: took too long") })
	w.patience = 1
	require.NoError(t, w.Start(nil))
	require.EqualError(t, w.Stop(nil), "drain: took too long")
	require.Empty(t, w.reported)
}
