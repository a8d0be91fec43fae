package storetest

import (
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// operate carries a command out and requires that something changed and that it is recorded.
func (h *harness) operate(c bridge.Command) bridge.CommandResult {
	h.t.Helper()
	c.Person, c.Note = "ann", "because of "+bridge.NewID()
	r, err := h.store().Operate(h.ctx, c)
	require.NoError(h.t, err, "%s", c.Verb)
	require.True(h.t, r.Changed, "%s changed something", c.Verb)
	as, err := h.store().Activities(h.ctx, 1)
	require.NoError(h.t, err)
	require.Len(h.t, as, 1)
	require.Equal(h.t, "ann", as[0].Person)
	require.Equal(h.t, string(c.Verb), as[0].Verb)
	require.Equal(h.t, c.Note, as[0].Note)
	require.NotEmpty(h.t, as[0].Target)
	require.True(h.t, as[0].At.Equal(h.now()))
	return r
}

// unfit requires that a command does not fit the state of its target.
func (h *harness) unfit(c bridge.Command) {
	h.t.Helper()
	c.Person = "ann"
	_, err := h.store().Operate(h.ctx, c)
	var unfit *bridge.CommandError
	require.ErrorAs(h.t, err, &unfit, "%s", c.Verb)
	require.NotEmpty(h.t, unfit.Msg)
}

// nothingToDo requires that a command that asks for what is already so changes nothing; saying
// so in words is allowed too.
func (h *harness) nothingToDo(c bridge.Command) {
	h.t.Helper()
	c.Person = "ann"
	r, err := h.store().Operate(h.ctx, c)
	if err == nil {
		require.False(h.t, r.Changed, "%s", c.Verb)
		return
	}
	var unfit *bridge.CommandError
	require.ErrorAs(h.t, err, &unfit, "%s", c.Verb)
}

// missing requires that the target of a command does not exist.
func (h *harness) missing(c bridge.Command) {
	h.t.Helper()
	c.Person = "ann"
	_, err := h.store().Operate(h.ctx, c)
	require.ErrorIs(h.t, err, bridge.ErrNotFound, "%s", c.Verb)
}

func onEvent(v bridge.Verb, id string) bridge.Command { return bridge.Command{Verb: v, Event: id} }

// onLane is a command for a lane of acme.
func onLane(v bridge.Verb, dir bridge.Dir, task string) bridge.Command {
	return bridge.Command{Verb: v, Lane: bridge.LaneID{Provider: acme, Task: task, Dir: dir}}
}

// onBond is a command for a bond with acme.
func onBond(v bridge.Verb, task, reference string) bridge.Command {
	return bridge.Command{Verb: v, Provider: acme, Task: task, Reference: reference}
}
