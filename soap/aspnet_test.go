package soap

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/soap/asptest"
	"github.com/pergabridge/pergabridge/soap/workflow"
)

// Everything the fakes are made after, on a real ASP.NET host.
func TestASPNET(t *testing.T) { everyWay(t, testASPNET) }

func testASPNET(t *testing.T, w way) {
	host := asptest.Start(t)
	d := newDestination(t, w.of(Config{URL: host.URL}))
	state, err := d.CheckContract(t.Context())
	require.NoError(t, err)
	require.Equal(t, ContractBound, state.Status, "%s", state)

	for _, l := range []bridge.Lease{
		{Event: bridge.Event{Kind: bridge.Acknowledge, Task: "4711", Reference: "EXT-" + awkward}},
		lease(bridge.Update, "4711", awkward),
		lease(bridge.Update, "4711", ""),
		lease(bridge.Resolve, "4711", awkward),
	} {
		o := d.Deliver(t.Context(), l)
		require.Equal(t, bridge.OutcomeDone, o.Kind, "%+v", o)
		require.Equal(t, `SSP took it and answered "OK"`, o.Detail)
	}
	none := []bool{false, false}
	want := []asptest.Call{
		{Operation: workflow.Acknowledgement, Args: []string{"4711", "EXT-" + awkwardArrived}, Null: none},
		{Operation: workflow.UpdateMessage, Args: []string{"4711", awkwardArrived}, Null: none},
		{Operation: workflow.UpdateMessage, Args: []string{"4711", ""}, Null: none},
		{Operation: workflow.Reassignment, Args: []string{"4711", awkwardArrived}, Null: none},
	}
	calls, err := host.Calls()
	require.NoError(t, err)
	require.Equal(t, want, calls)

	// An exception there is a Server fault; what it means is configured.
	for policy, kind := range map[FaultPolicy]bridge.OutcomeKind{FaultRetry: bridge.OutcomeRetry, FaultRefused: bridge.OutcomeRefused} {
		d := newDestination(t, w.of(Config{URL: host.URL, OnFault: OnFault{Server: policy}}))
		o := d.Deliver(t.Context(), lease(bridge.Update, "4711", asptest.Throw+" no such task: é 漢"))
		require.Equal(t, kind, o.Kind, "%+v", o)
		require.Equal(t, bridge.Fault, o.Reason)
		require.Equal(t, 500, o.Status)
		require.Regexp(t, "^fault soap:(Server|Receiver): ", o.Detail)
		require.Contains(t, o.Detail, asptest.Throw+" no such task: é 漢")
	}

	// The address of something that is not the service.
	wrong := newDestination(t, w.of(Config{URL: strings.Replace(host.URL, "Workflow", "Missing", 1), Contract: Assumed}))
	o := wrong.Deliver(t.Context(), lease(bridge.Update, "4711", "x"))
	require.Equal(t, bridge.OutcomeRetry, o.Kind, "%+v", o)
	require.True(t, o.Down, "%+v", o)
}

func BenchmarkASPNET(b *testing.B) {
	host := asptest.Start(b)
	d := newDestination(b, Config{URL: host.URL})
	l := lease(bridge.Update, "4711", awkward)
	b.ReportAllocs()
	for b.Loop() {
		if o := d.Deliver(b.Context(), l); o.Kind != bridge.OutcomeDone {
			b.Fatalf("%+v", o)
		}
	}
}
