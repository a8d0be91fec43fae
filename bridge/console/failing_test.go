package console_test

import (
	"context"

	"github.com/pergabridge/pergabridge/bridge"
)

func (f failing) fail() error {
	if f.err == nil {
		panic("a bug of the test")
	}
	return f.err
}

func (f failing) Events(context.Context, bridge.EventFilter) ([]bridge.Event, error) {
	return nil, f.fail()
}

func (f failing) Event(context.Context, string) (bridge.Event, []bridge.Attempt, error) {
	return bridge.Event{}, nil, f.fail()
}

func (f failing) Bonds(context.Context, bridge.BondFilter) ([]bridge.Bond, error) {
	return nil, f.fail()
}

func (f failing) Bond(context.Context, string, string) (bridge.Bond, error) {
	return bridge.Bond{}, f.fail()
}

func (f failing) Lanes(context.Context, bridge.LaneFilter) ([]bridge.Lane, error) {
	return nil, f.fail()
}

func (f failing) Replicas(context.Context) ([]bridge.Replica, error) { return nil, f.fail() }

func (f failing) Counts(context.Context) (bridge.Counts, error) { return bridge.Counts{}, f.fail() }

func (f failing) Activities(context.Context, int) ([]bridge.Activity, error) { return nil, f.fail() }

func (f failing) Duties(context.Context) ([]bridge.DutyState, error) { return nil, f.fail() }
