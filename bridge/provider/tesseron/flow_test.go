package tesseron_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/engine"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/providertest"
	"github.com/pergabridge/pergabridge/bridge/provider/tesseron"
	"github.com/pergabridge/pergabridge/bridge/provider/tesseron/tesserontest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
	"github.com/pergabridge/pergabridge/bridge/store/sqlite"
)

const searched = `enterprise:
  by: businessPartnerId
  value: "${event.fields?.customer ?? 'C-1'}"
  create: when_missing
  update: merge
  fields: {businessPartnerId: "${event.fields?.customer ?? 'C-1'}", name: "${event.fields?.company ?? 'Muster GmbH'}", name2: x, searchName: muster, address: {postcode: "01067", city: Dresden}}
contact:
  by: email
  value: "${event.requester.email}"
  create: when_missing
  update: merge
  fields: {foreName: Ann, surname: Example, emails: [{name: work, address: "${event.requester.email}"}], memo: "${event.text}"}
`

func start(t *testing.T, v *tesserontest.Vendor, more string) *flowtest.Flow {
	t.Helper()
	return flowtest.Play(t, "desk", "tesseron", v.Config(quick+more), provider.Deps{}, flowtest.Options{})
}

func TestWholeLife(t *testing.T) {
	for _, profile := range []string{"2024-03", "2024-05", "2025"} {
		t.Run(profile, func(t *testing.T) {
			v := vendor(t, profile)
			party := searched
			if profile == "2025" {
				party = fixed
			}
			f := start(t, v, party+statuses)
			foreign := v.AddTicket("ELSEWHERE-1", "New")
			ref := f.Submit("4711")
			v.SetStatus(foreign, "In progress")
			v.SetStatus(ref, "In progress")
			l := f.Next()
			require.Equal(t, bridge.Update, l.Event.Kind)
			require.Contains(t, l.Event.Text, "-> In progress")
			f.Settled(f.Out(bridge.Update, "4711", "more").Event, bridge.StateDone)
			v.SetStatus(ref, "Solved")
			require.Equal(t, bridge.Resolve, f.Next().Event.Kind)
			f.Settled(f.Out(bridge.RejectSolution, "4711", "no").Event, bridge.StateDone)
			f.Settled(f.Out(bridge.Close, "4711", "").Event, bridge.StateDone)
			var types []any
			for _, e := range v.Ledger() {
				if e.Operation == "CreateTicketPosition" {
					require.Equal(t, ref, e.Ticket)
					types = append(types, e.Body["TicketPositionType"])
				}
			}
			require.Equal(t, []any{0.0, 2.0, 1.0}, types)
			if profile != "2025" {
				require.Len(t, v.Contacts(), 1)
				require.NotEmpty(t, v.Warnings(), "a postcode with a zero in front goes as text")
			}
			require.Zero(t, v.Incomplete())
			require.Empty(t, f.Told)
		})
	}
}

func TestMissingEnterpriseIsMadeOnceAndPostcodeWarned(t *testing.T) {
	v := vendor(t, "2024-05")
	log, logger := providertest.NewLog()
	f := flowtest.Play(t, "desk", "tesseron", v.Config(quick+searched), provider.Deps{Log: logger}, flowtest.Options{})
	for i := range 3 {
		f.Event(bridge.Event{Kind: bridge.Submit, Task: fmt.Sprint(i), Title: "x", Description: "y", Requester: bridge.Person{Email: "new@example.com"}, Fields: map[string]any{"customer": "C-77", "company": "New AG"}})
	}
	for range 3 {
		require.Equal(t, bridge.Acknowledge, f.Next().Event.Kind)
	}
	require.Len(t, v.Enterprises(), 2)
	require.Len(t, v.Contacts(), 1)
	require.Equal(t, "01067", v.Enterprises()[1]["Address"].(map[string]any)["Postcode"])
	require.Contains(t, log.String(), "lose digits")
	require.Zero(t, v.Incomplete())
}

// update: merge lays what the config says over what is there and writes the whole, once: whether the vendor
// clears what is left out is not published. Nothing is overwritten by an empty text.
func TestMergeWritesTheWhole(t *testing.T) {
	for _, profile := range []string{"2024-03", "2024-05"} {
		t.Run(profile, func(t *testing.T) {
			v := vendor(t, profile)
			id := v.AddContact(100, "Ann", "Example", "ann@example.com")
			v.Change(id, map[string]any{"Memo": "calls twice", "ExternalNumber": "X-1", "PhoneNumbers": []any{map[string]any{"id": 9, "name": "work", "email": "+49 1"}}})
			f := start(t, v, `enterprise: {by: businessPartnerId, value: C-1}
contact:
  by: email
  value: "${event.requester.email}"
  update: merge
  fields: {foreName: Ann, surname: Example, department: Sales, memo: "${event.fields?.nothing ?? ''}", address: {city: Potsdam}}
`)
			f.Submit("1")
			f.Submit("2")
			var updates []map[string]any
			for _, e := range v.Ledger() {
				if e.Operation == "UpdateContact" {
					updates = append(updates, e.Body)
				}
			}
			require.Len(t, updates, 1, "the second task changes nothing")
			got := updates[0]
			require.EqualValues(t, id, got["ContactID"])
			require.Equal(t, "C-1", got["enterpriseReferenceNumber"])
			require.Equal(t, "Sales", got["departmentName"], "which reads do not show")
			require.Equal(t, "calls twice", got["memo"])
			require.Equal(t, "X-1", got["externalNumber"])
			require.Equal(t, map[string]any{"city": "Potsdam"}, got["Address"])
			require.Equal(t, "+49 1", got["PhoneNumbers"].([]any)[0].(map[string]any)["Number"])
			require.Equal(t, "ann@example.com", got["Emails"].([]any)[0].(map[string]any)["email"])
		})
	}
}

func TestLostAnswerToTicketCreation(t *testing.T) {
	t.Parallel()
	v := vendor(t, "2024-05")
	f := start(t, v, fixed)
	v.Server.Fail(fake.Fault{Kind: fake.Drop, Match: tesserontest.Tickets})
	ref := f.Submit("1")
	require.Len(t, v.Ledger(), 1)
	require.Equal(t, v.Ledger()[0].Ticket, ref)
}

// The reference number is in use: the refusal with status 200 is looked up, and the ticket taken.
func TestReferenceNumberInUse(t *testing.T) {
	v := vendor(t, "2024-05")
	number := v.AddTicket("SSP-5", "New")
	f := start(t, v, fixed)
	require.Equal(t, number, f.Submit("5"))
	require.Empty(t, v.Ledger())
}

func TestRefusalWithStatus200Parks(t *testing.T) {
	v := vendor(t, "2024-05")
	f := start(t, v, "enterprise: {id: 999}\n")
	r := f.Out(bridge.Submit, "1", "")
	f.Settled(r.Event, bridge.StateParked)
	require.Contains(t, f.Attempts(r.Event)[0].Detail, "no such enterprise")
}

// 250 contacts that all match the fuzzy search; the right one is on the last page, and the vendor gives
// shorter pages than asked for.
func TestManyContacts(t *testing.T) {
	v := vendor(t, "2024-05")
	for i := range 250 {
		v.AddContact(100, "Ann", fmt.Sprintf("Example%03d", i), fmt.Sprintf("ann%03d@example.com", i))
	}
	v.SetMaxTake(60)
	f := start(t, v, "enterprise: {id: 100}\ncontact: {by: email, value: \"${event.requester.email}\", missing: refuse}\n")
	f.Event(bridge.Event{Kind: bridge.Submit, Task: "1", Title: "x", Description: "y", Requester: bridge.Person{Email: "ANN249@example.com"}})
	f.Next()
	require.EqualValues(t, 749, v.Ledger()[0].Body["contactId"])
	pages := 0
	for _, c := range v.Server.Calls() {
		if c.Path == "/ApiContact/GetContacts" {
			pages++
		}
	}
	require.Equal(t, 5, pages)
	r := f.Event(bridge.Event{Kind: bridge.Submit, Task: "2", Title: "x", Description: "y", Requester: bridge.Person{Email: "ann999@example.com"}})
	f.Settled(r.Event, bridge.StateParked)
}

func TestTwoThatFitAreForAPerson(t *testing.T) {
	v := vendor(t, "2024-05")
	v.AddContact(100, "A", "B", "same@example.com")
	v.AddContact(100, "C", "D", "same@example.com")
	f := start(t, v, "enterprise: {id: 100}\ncontact: {by: email, value: same@example.com}\n")
	r := f.Out(bridge.Submit, "1", "")
	f.Settled(r.Event, bridge.StateParked)
	require.Contains(t, f.Attempts(r.Event)[0].Detail, "2 contacts have email")
}

// Two processes share the limit because the store lets one delivery run, and each call keeps its place.
func TestCallsAreApart(t *testing.T) {
	t.Parallel()
	v := vendor(t, "2024-05")
	f := flowtest.Play(t, "desk", "tesseron", v.Config("rate: {per_minute: 600, poll_share: 0.5}\n"+fixed), provider.Deps{}, flowtest.Options{}) // 200 ms
	for i := range 5 {
		f.Out(bridge.Submit, fmt.Sprint(i), "")
	}
	for range 5 {
		f.Next()
	}
	times := v.Times()
	require.Len(t, times, 5)
	for i := 1; i < len(times); i++ {
		require.GreaterOrEqual(t, times[i].Sub(times[i-1]), 190*time.Millisecond)
	}
	require.Zero(t, v.Incomplete())
}

func TestUnknownStateIsQuarantined(t *testing.T) {
	v := vendor(t, "2024-05")
	f := start(t, v, fixed+statuses)
	v.SetStatus(f.Submit("1"), "Pondering")
	require.Eventually(t, func() bool {
		c, err := f.Store.Counts(t.Context())
		require.NoError(t, err)
		return c.Events[bridge.StateQuarantined] == 1
	}, flowtest.Wait, 20*time.Millisecond)
}

// Two replicas on one store: the calls of both together keep the rate, and no two tickets are made at
// once.
func TestTwoReplicasKeepTheRate(t *testing.T) {
	t.Parallel()
	v := vendor(t, "2024-05")
	src := v.Config("rate: {per_minute: 600, poll_share: 0.5}\n" + fixed) // 200 ms
	common := flowtest.Decode(t, "tesseron", src).(*tesseron.Config).Common
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), sqlite.Options{})
	require.NoError(t, err)
	defer store.Close()
	told := make(chan bridge.Lease, 100)
	var engines []*engine.Engine
	for range 2 {
		p := flowtest.Build(t, "desk", "tesseron", src, provider.Deps{})
		e, err := engine.New(engine.Options{Store: store, Destinations: []engine.Destination{
			{Name: bridge.SSP, Dest: listener(told)}, {Name: "desk", Dest: p.Destination, Limit: common.Limit()}}})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		defer func() { stop(); require.NoError(t, <-done) }()
		engines = append(engines, e)
	}
	const n = 10
	for i := range n {
		_, err := engines[i%2].Accept(t.Context(), []bridge.Event{{Provider: "desk", Dir: bridge.Out, Kind: bridge.Submit, Task: fmt.Sprint(i), Title: "x", Description: "y"}})
		require.NoError(t, err)
	}
	for range n {
		select {
		case <-told:
		case <-time.After(flowtest.Wait):
			require.FailNow(t, "SSP was told too little")
		}
	}
	times := v.Times()
	require.Len(t, times, n)
	for i := 1; i < len(times); i++ {
		require.GreaterOrEqual(t, times[i].Sub(times[i-1]), 190*time.Millisecond)
	}
	require.Zero(t, v.Incomplete())
}

type listener chan bridge.Lease

func (l listener) Deliver(_ context.Context, x bridge.Lease) bridge.Outcome {
	l <- x
	return bridge.Outcome{Kind: bridge.OutcomeDone}
}

// rounds waits until the poll has searched more than n times.
func rounds(t *testing.T, v *tesserontest.Vendor, n int) {
	t.Helper()
	before := len(v.Server.Calls())
	require.Eventually(t, func() bool {
		done := 0
		for _, c := range v.Server.Calls()[before:] {
			if c.Path == "/ApiTicket/SearchTicketByParameter" {
				done++
			}
		}
		return done > n
	}, flowtest.Wait, 5*time.Millisecond)
}

// A ticket that somebody else opened and that a task was linked with is followed, from where it stands, for as
// long as the task is open.
func TestLinkedTicketIsFollowed(t *testing.T) {
	v := vendor(t, "2024-05")
	number, stranger := v.AddTicket("ELSEWHERE-1", "In progress"), v.AddTicket("", "In progress")
	book := &provider.Book{}
	f := flowtest.Play(t, "desk", "tesseron", v.Config(quick+fixed+statuses), provider.Deps{Bonded: book.Of("desk")}, flowtest.Options{Book: book})
	rounds := func(n int) { t.Helper(); rounds(t, v, n) }
	rounds(2) // both are known as foreign
	v.SetStatus(number, "Closed")
	rounds(2) // and this one is not among the hits any more
	f.Event(bridge.Event{Kind: bridge.Submit, Task: "9", Title: "x", Description: "please go on", Reference: number})
	require.Eventually(t, func() bool { return len(v.Ledger()) == 1 }, flowtest.Wait, 5*time.Millisecond)
	require.Equal(t, number, v.Ledger()[0].Ticket)
	rounds(4)
	v.SetStatus(stranger, "Solved")
	v.SetStatus(number, "Solved")
	l := f.Next()
	require.Equal(t, bridge.Resolve, l.Event.Kind)
	require.Equal(t, "9", l.Event.Task)
	f.Settled(f.Out(bridge.RejectSolution, "9", "no").Event, bridge.StateDone)
	v.SetStatus(number, "In progress")
	require.Equal(t, "Solved -> In progress", f.Next().Event.Text)
	v.SetStatus(number, "Solved")
	require.Equal(t, bridge.Resolve, f.Next().Event.Kind)
	f.Settled(f.Out(bridge.Close, "9", "").Event, bridge.StateDone)
	rounds(4)
	v.SetStatus(number, "In progress")
	rounds(4)
	require.Empty(t, f.Told, "nobody listens any more")
	c, err := f.Store.Counts(t.Context())
	require.NoError(t, err)
	require.Zero(t, c.Events[bridge.StateQuarantined]+c.Events[bridge.StateWaiting])
}
