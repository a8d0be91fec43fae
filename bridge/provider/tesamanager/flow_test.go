package tesamanager_test

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/tesamanager/tesatest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
)

func fail(v *tesatest.Vendor, status int) {
	v.Server.Fail(fake.Fault{Kind: fake.Status, Status: status, Body: `{"title":"no"}`, Match: tesatest.Writes})
}

// quiet drops what providertest-like fakes tell of states, so that tests see what they ask for.
const quiet = "tell: {statuses: {PROCESSING: {kind: ignore}}}\n"

func TestWholeLife(t *testing.T) {
	v := vendor(t)
	f := flowtest.Start(t, flowtest.Build(t, "fibre", "tesamanager", v.Config(quick+quiet), provider.Deps{}), flowtest.Options{})
	foreign := v.Add("SOMEBODY-1", "PROCESSING")
	ref := f.Submit("4711")
	v.AddEvent(foreign, 1, "NOT OURS", false)
	require.Equal(t, "PB-4711", v.Ledger()[0].External)

	// Events arrive out of order, repeated and inconsistent; each comes once, in order.
	v.AddEvent(ref, 3, "C", false)
	v.AddEvent(ref, 2, "B", true)
	v.AddEvent(ref, 1, "A", false)
	l := f.Next()
	require.Equal(t, bridge.Update, l.Event.Kind)
	require.Equal(t, "A (request 9007199254740995/9007199254740995)", l.Event.Text)
	require.Equal(t, "9007199254740995", l.Event.Fields["request_number"])
	v.AddEvent(ref, 2, "B", false)
	require.Contains(t, f.Next().Event.Text, "B ")
	require.Contains(t, f.Next().Event.Text, "C ")

	v.AddIssue(ref, 1, "E7", false)
	require.Equal(t, "Issue E7", f.Next().Event.Text)
	v.AddIssue(ref, 1, "E7", true)
	require.Equal(t, "Issue E7: resolved", f.Next().Event.Text)

	v.Set(ref, "INCIDENCE_OPERATOR")
	require.Contains(t, f.Next().Event.Text, "our side")
	f.Settled(f.Out(bridge.Update, "4711", "the door code is 17").Event, bridge.StateDone)
	v.Set(ref, "INSTALLED")
	require.Contains(t, f.Next().Event.Text, "complete")
	v.Set(ref, "FINISHED")
	l = f.Next()
	require.Equal(t, bridge.Resolve, l.Event.Kind)
	require.Equal(t, "The request is finished.", l.Event.Text)

	v.RevokeToken() // mid-flow: one renewal
	f.Settled(f.Out(bridge.RejectSolution, "4711", "still dark").Event, bridge.StateDone)
	require.Equal(t, "The installation has met an incident.", f.Next().Event.Text)
	f.Settled(f.Out(bridge.Close, "4711", "").Event, bridge.StateDone)
	var ops []string
	for _, e := range v.Ledger() {
		ops = append(ops, e.Operation)
		if e.Operation == "installationIncident" {
			require.Equal(t, json.Number("9007199254740999"), e.Body["requestNumber"], "the newest event's number")
		}
	}
	require.Equal(t, []string{"activate", "resolveIncident", "installationIncident", "cancel"}, ops)
	require.Equal(t, 2, v.Tokens())
	require.Empty(t, f.Told)
}

func TestTerminationAndAnswerWithoutReference(t *testing.T) {
	v := vendor(t)
	v.SetShape("list")
	f := flowtest.Start(t, flowtest.Build(t, "fibre", "tesamanager", v.Config(quick), provider.Deps{}), flowtest.Options{})
	f.Event(bridge.Event{Kind: bridge.Submit, Task: "7", Title: "Cancel line", Description: "x", Fields: map[string]any{"order": "termination"}})
	require.Equal(t, "TESA-9000", f.Next().Bond.Reference)
	require.Equal(t, "terminate", v.Ledger()[0].Operation)
}

// The answer to the activation is lost: the vendor is asked, and nothing is written twice.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	v := vendor(t)
	f := flowtest.Start(t, flowtest.Build(t, "fibre", "tesamanager", v.Config(quick), provider.Deps{}), flowtest.Options{})
	v.Server.Fail(fake.Fault{Kind: fake.Drop, Match: tesatest.Writes})
	ref := f.Submit("1")
	require.Len(t, v.Ledger(), 1)
	require.Equal(t, v.Ledger()[0].Reference, ref)
}

// frozen never comes back after the vendor has acted: nothing is recorded, as after a kill.
type frozen struct {
	bridge.Destination
	did, end chan struct{}
}

func (d frozen) Deliver(ctx context.Context, l bridge.Lease) bridge.Outcome {
	d.Destination.Deliver(ctx, l)
	close(d.did)
	<-d.end
	return bridge.Outcome{}
}

func TestKilledBetweenWriteAndRecord(t *testing.T) {
	t.Parallel()
	v := vendor(t)
	path := filepath.Join(t.TempDir(), "a.db")
	const off = "poll: {off: true}\n" // else the poll makes the bond before the look-up can
	did, end := make(chan struct{}), make(chan struct{})
	defer close(end)
	f := flowtest.Start(t, flowtest.Build(t, "fibre", "tesamanager", v.Config(off), provider.Deps{}), flowtest.Options{
		Path: path, Abandon: true, Wrap: func(d bridge.Destination) bridge.Destination { return frozen{d, did, end} }})
	f.Out(bridge.Submit, "1", "")
	<-did
	f.Stop()
	again := flowtest.Start(t, flowtest.Build(t, "fibre", "tesamanager", v.Config(off), provider.Deps{}), flowtest.Options{Path: path})
	l := again.Next() // after the dead session has run out and the vendor was asked
	require.Equal(t, bridge.Acknowledge, l.Event.Kind)
	require.Equal(t, "1", l.Event.Task)
	require.Equal(t, v.Ledger()[0].Reference, l.Bond.Reference)
	require.Len(t, v.Ledger(), 1)
}

func TestNotAcceptableShowsWhereTheRequestStands(t *testing.T) {
	v := vendor(t)
	f := flowtest.Start(t, flowtest.Build(t, "fibre", "tesamanager", v.Config(quick+"tell: {statuses: {CANCELED: {kind: ignore}}}\n"), provider.Deps{}), flowtest.Options{})
	ref := f.Submit("1")
	v.Set(ref, "CANCELED")
	r := f.Out(bridge.Close, "1", "")
	f.Settled(r.Event, bridge.StateParked, bridge.StateEnded)
	a := f.Attempts(r.Event)
	require.Len(t, a, 1)
	require.Equal(t, bridge.OutcomeRefused, a[0].Outcome)
	require.Contains(t, a[0].Detail, "the request is CANCELED")
}

// What was seen stays seen over a restart, and what happened meanwhile comes afterwards.
func TestPollGoesOnAfterARestart(t *testing.T) {
	v := vendor(t)
	path := filepath.Join(t.TempDir(), "a.db")
	build := func() *provider.Provider {
		return flowtest.Build(t, "fibre", "tesamanager", v.Config(quick), provider.Deps{})
	}
	f := flowtest.Start(t, build(), flowtest.Options{Path: path})
	ref := f.Submit("1")
	v.AddEvent(ref, 1, "A", false)
	require.Contains(t, f.Next().Event.Text, "A ")
	f.Stop()
	v.AddEvent(ref, 2, "B", false)
	v.Set(ref, "REJECTED")
	f = flowtest.Start(t, build(), flowtest.Options{Path: path})
	require.Contains(t, f.Next().Event.Text, "B ")
	l := f.Next()
	require.Equal(t, bridge.Resolve, l.Event.Kind)
	require.Contains(t, l.Event.Text, "rejected")
	require.Empty(t, f.Told)
}

func TestStalledAndLostRequestsAreTold(t *testing.T) {
	v := vendor(t)
	f := flowtest.Start(t, flowtest.Build(t, "fibre", "tesamanager", v.Config(
		"poll: {every: 50ms, rate: 10000, stalled_after: 1h, stalled_every: 0s}\n"), provider.Deps{}), flowtest.Options{})
	ref := f.Submit("1")
	v.Age(ref, 2*time.Hour)
	require.Contains(t, f.Next().Event.Text, "Nothing has moved since")
	v.Set(ref, "SOMETHING_NEW")
	require.Eventually(t, func() bool {
		c, err := f.Store.Counts(t.Context())
		require.NoError(t, err)
		return c.Events[bridge.StateQuarantined] == 1
	}, flowtest.Wait, 20*time.Millisecond)
	require.Empty(t, f.Told)
}

// A request that another replica wrote and that ended before any round saw it open is found; what was
// over before our time is not.
func TestFinishedBetweenTwoRounds(t *testing.T) {
	v := vendor(t)
	v.Add("PB-OLD", "FINISHED")
	v.Age("TESA-9000", 24*time.Hour)
	p := flowtest.Build(t, "fibre", "tesamanager", v.Config("poll: {every: 50ms, rate: 10000, finals_every: 100ms}\n"), provider.Deps{})
	other := flowtest.Build(t, "fibre", "tesamanager", v.Config("poll: {off: true}\n"), provider.Deps{}) // has no poll of its own
	f := flowtest.Start(t, p, flowtest.Options{Wrap: func(bridge.Destination) bridge.Destination { return rejected{other.Destination, v} }})
	require.Eventually(t, func() bool { return len(v.Server.Calls()) > 12 }, flowtest.Wait, 5*time.Millisecond) // the first round is over
	ref := f.Submit("1")
	l := f.Next()
	require.Equal(t, bridge.Resolve, l.Event.Kind)
	require.Equal(t, ref, l.Bond.Reference)
	require.Contains(t, l.Event.Text, "rejected")
	require.Empty(t, f.Told)
}

// What we wrote is not of the time before us, also when the very first round comes to an end only after it did.
func TestOurRequestThatEndedBeforeTheFirstRoundIsTold(t *testing.T) {
	v := vendor(t)
	v.Add("PB-OLD", "REJECTED") // by an earlier bridge
	var lists atomic.Bool
	v.Server.Fail(fake.Fault{Kind: fake.Status, Status: 400, Times: 1000, Match: func(r *http.Request) bool {
		return !lists.Load() && strings.Contains(r.URL.RawQuery, "statuses=")
	}})
	f := flowtest.Start(t, flowtest.Build(t, "fibre", "tesamanager", v.Config(quick), provider.Deps{}), flowtest.Options{})
	ref := f.Submit("1")
	v.Set(ref, "FINISHED")
	lists.Store(true)
	l := f.Next()
	require.Equal(t, bridge.Resolve, l.Event.Kind)
	require.Equal(t, ref, l.Bond.Reference)
	require.Empty(t, f.Told)
}

// The vendor's clock is behind ours, so what our request did looks older than the bridge. It is ours: nothing of it was before our time.
func TestEventsOfOurRequestAreToldWhateverTheVendorsClockSays(t *testing.T) {
	v := vendor(t)
	var lists atomic.Bool
	v.Server.Fail(fake.Fault{Kind: fake.Status, Status: 400, Times: 1000, Match: func(r *http.Request) bool {
		return !lists.Load() && strings.Contains(r.URL.RawQuery, "statuses=")
	}})
	f := flowtest.Start(t, flowtest.Build(t, "fibre", "tesamanager", v.Config(quick), provider.Deps{}), flowtest.Options{})
	ref := f.Submit("1")
	v.AddEvent(ref, 1, "EARLY", false)
	v.Age(ref, 10*time.Minute)
	v.Set(ref, "FINISHED")
	lists.Store(true)
	require.Contains(t, f.Next().Event.Text, "EARLY ")
	require.Equal(t, bridge.Resolve, f.Next().Event.Kind)
	require.Empty(t, f.Told)
}

// One that ended between two rounds, where the bond names the request before a search for finished ones does: it is
// ours all the same.
func TestOurRequestThatEndedAtOnceIsToldThroughItsBond(t *testing.T) {
	v, book := vendor(t), &provider.Book{}
	p := flowtest.Build(t, "fibre", "tesamanager", v.Config("poll: {every: 50ms, rate: 10000, finals_every: 1h}\n"), provider.Deps{Bonded: book.Of("fibre")})
	other := flowtest.Build(t, "fibre", "tesamanager", v.Config("poll: {off: true}\n"), provider.Deps{})
	f := flowtest.Start(t, p, flowtest.Options{Book: book, Wrap: func(bridge.Destination) bridge.Destination { return rejected{other.Destination, v} }})
	require.Eventually(t, func() bool { return len(v.Server.Calls()) > 12 }, flowtest.Wait, 5*time.Millisecond) // the first round is over
	ref := f.Submit("1")
	l := f.Next()
	require.Equal(t, bridge.Resolve, l.Event.Kind)
	require.Equal(t, ref, l.Bond.Reference)
	require.Empty(t, f.Told)
}

// rejected ends every request as soon as it is written.
type rejected struct {
	bridge.Destination
	v *tesatest.Vendor
}

func (d rejected) Deliver(ctx context.Context, l bridge.Lease) bridge.Outcome {
	o := d.Destination.Deliver(ctx, l)
	d.v.Set(o.Reference, "REJECTED")
	return o
}

// A request that somebody else made and that a task was linked with is followed, from where it stands, for as
// long as the task is open.
func TestLinkedRequestIsFollowed(t *testing.T) {
	v := vendor(t)
	id := v.Add("SOMEBODY-1", "INSTALLING")
	v.AddEvent(id, 1, "OLD", false)
	v.Age(id, time.Hour)
	book := &provider.Book{}
	f := flowtest.Start(t, flowtest.Build(t, "fibre", "tesamanager", v.Config(quick), provider.Deps{Bonded: book.Of("fibre")}), flowtest.Options{Book: book})
	lists := func(n int) {
		t.Helper()
		before := len(v.Server.Calls())
		require.Eventually(t, func() bool {
			done := 0
			for _, c := range v.Server.Calls()[before:] {
				if c.Query == "statuses=INSTALLED" { // once in every round
					done++
				}
			}
			return done > n
		}, flowtest.Wait, 5*time.Millisecond)
	}
	lists(2) // it is known as foreign
	f.Event(bridge.Event{Kind: bridge.Submit, Task: "9", Title: "x", Description: "please go on", Reference: id})
	require.Eventually(t, func() bool { return len(v.Ledger()) == 1 }, flowtest.Wait, 5*time.Millisecond)
	require.Equal(t, "SOMEBODY-1", v.Ledger()[0].External)
	lists(2)
	v.AddEvent(id, 2, "NEW", false)
	require.Contains(t, f.Next().Event.Text, "NEW ")
	v.Set(id, "FINISHED")
	l := f.Next()
	require.Equal(t, bridge.Resolve, l.Event.Kind)
	require.Equal(t, "9", l.Event.Task)
	f.Settled(f.Out(bridge.Close, "9", "").Event, bridge.StateDone, bridge.StateParked)
	lists(2)
	v.AddEvent(id, 3, "LATE", false)
	lists(2)
	require.Empty(t, f.Told, "nobody listens any more")
	c, err := f.Store.Counts(t.Context())
	require.NoError(t, err)
	require.Zero(t, c.Events[bridge.StateQuarantined]+c.Events[bridge.StateWaiting])
}
