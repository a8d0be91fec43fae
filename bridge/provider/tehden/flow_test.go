package tehden_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/tehden"
	"github.com/pergabridge/pergabridge/bridge/provider/tehden/tehdentest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
)

func start(t *testing.T, v *tehdentest.Vendor, more string) *flowtest.Flow {
	t.Helper()
	return flowtest.Play(t, "erp", "tehden", v.Config(quick+more), provider.Deps{}, flowtest.Options{})
}

// Every operation is called with every field that is known; the fake holds each request against the file.
func TestEveryOperation(t *testing.T) {
	v := vendor(t)
	c := flowtest.Decode(t, "tehden", v.Config(quick)).(*tehden.Config)
	a, end, err := tehden.NewAPI("erp", c, provider.Deps{})
	require.NoError(t, err)
	defer end()
	ctx := t.Context()
	id, err := a.CreateTehdenCustomer(ctx, tehden.Fields{"externalsystem_id": "22", "externalsystemidentifier": "C-1", "paymentterm_id": 3, "identifier": "K-1", "name": "Ann", "any": json.Number("9007199254740993")})
	require.NoError(t, err)
	require.Equal(t, "1001", id)
	require.NoError(t, a.UpdateTehdenCustomer(ctx, id, tehden.Fields{"externalsystem_id": "22", "externalsystemidentifier": "C-1", "paymentterm_id": 4, "vat_status": 1}))
	require.NoError(t, a.CreateTehdenCustomerContactInfo(ctx, id, tehden.Fields{"phone": "1"}))
	ids, err := a.GetCustomerIDByExternalSystemIdentifier(ctx, tehden.Pair{System: "22", Identifier: "C-1"})
	require.NoError(t, err)
	require.Equal(t, []string{id}, ids)
	ids, err = a.GetCustomerIDByIdentifier(ctx, "K-1")
	require.NoError(t, err)
	require.Equal(t, []string{id}, ids)
	ids, err = a.GetCustomerIDByIdentifier(ctx, "K-2")
	require.NoError(t, err)
	require.Empty(t, ids)
	found, err := a.FindCustomer(ctx, tehden.Fields{"name": "Ann"})
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, json.Number("9007199254740993"), v.Ledger()[0].Body["any"])

	before := len(v.Server.Calls())
	_, err = a.CreateTehdenCustomer(ctx, tehden.Fields{"externalsystem_id": "7"})
	require.ErrorContains(t, err, "both set or both absent")
	_, err = a.CreateTehdenCustomer(ctx, tehden.Fields{"externalsystem_id": "8", "externalsystemidentifier": "x"})
	require.ErrorContains(t, err, "none of")
	require.Len(t, v.Server.Calls(), before)
	known, err := tehden.Contract()
	require.NoError(t, err)
	require.Empty(t, flowtest.Unsent(known, v.Server.Calls()))
	t.Log("tehden:", known.Assumed())
}

func TestWholeLife(t *testing.T) {
	v := vendor(t)
	f := start(t, v, "contact_info: [{phone: \"1\"}]\nresolve: \"Customer ${answer.customer_id} is kept${answer.created ? ' (new)' : ''}.\"\n")
	ref := f.Submit("4711")
	require.Equal(t, "1001/4711", ref)
	l := f.Next()
	require.Equal(t, bridge.Resolve, l.Event.Kind)
	require.Equal(t, "Customer 1001 is kept (new).", l.Event.Text)
	f.Settled(f.Out(bridge.RejectSolution, "4711", "wrong name").Event, bridge.StateDone)
	v.RevokeTokens()
	require.Equal(t, "1001/4712", f.Submit("4712")) // the same customer: updated
	require.Equal(t, "Customer 1001 is kept.", f.Next().Event.Text)
	f.Settled(f.Out(bridge.Close, "4711", "").Event, bridge.StateDone)
	require.Equal(t, 1, v.Customers())
	require.Empty(t, f.Told)
}

// The customer is written when its solution cannot be made: that is not silent, or the task stays open for ever.
func TestASolutionThatCannotBeMadeIsShown(t *testing.T) {
	v := vendor(t)
	f := start(t, v, "resolve: \"Kept for ${event.fields.contract.number}.\"\n")
	ref := f.Submit("4711")
	require.Equal(t, 1, v.Customers())
	var held []bridge.Event
	require.Eventually(t, func() bool {
		list, err := f.Store.Events(t.Context(), bridge.EventFilter{States: []bridge.EventState{bridge.StateQuarantined}})
		require.NoError(t, err)
		held = list
		return len(held) > 0
	}, flowtest.Wait, 5*time.Millisecond)
	require.Len(t, held, 1)
	require.Equal(t, bridge.RuleFailed, held[0].Reason)
	require.Equal(t, "4711", held[0].Task)
	require.Equal(t, ref, held[0].Reference)
	require.Contains(t, held[0].Detail, "resolve: ")
	require.Empty(t, f.Told)
}

// Two tasks of one new customer at once, without the store's limit: still one customer.
func TestTwoTasksOfOneNewCustomer(t *testing.T) {
	v := vendor(t)
	f := flowtest.Start(t, flowtest.Build(t, "erp", "tehden", v.Config(quick), provider.Deps{}), flowtest.Options{})
	f.Out(bridge.Submit, "1", "")
	f.Out(bridge.Submit, "2", "")
	refs := []string{f.Next().Bond.Reference, f.Next().Bond.Reference}
	require.ElementsMatch(t, []string{"1001/1", "1001/2"}, refs)
	require.Equal(t, 1, v.Customers())
}

func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, more string
		match      func(*http.Request) bool
		creates    int
	}{
		{"create", "", tehdentest.Writes, 1},
		{"create with contact info to come", "contact_info: [{phone: \"1\"}]\n", tehdentest.Writes, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // each waits for its look-up
			v := vendor(t)
			f := start(t, v, c.more)
			v.Server.Fail(fake.Fault{Kind: fake.Drop, Match: c.match})
			require.Equal(t, "1001/1", f.Submit("1"))
			require.Equal(t, 1, v.Customers())
			infos := 0
			for _, e := range v.Ledger() {
				if e.Operation == "createTehdenCustomerContactInfo" {
					infos++
				}
			}
			require.Equal(t, c.more != "", infos == 1)
		})
	}
	t.Run("contact info", func(t *testing.T) {
		t.Parallel()
		v := vendor(t)
		f := start(t, v, "contact_info: [{phone: \"1\"}]\n")
		v.Server.Fail(fake.Fault{Kind: fake.Drop, Match: func(r *http.Request) bool {
			return r.URL.Path == "/api/v1/company_customer/createTehdenCustomerContactInfo"
		}})
		r := f.Out(bridge.Submit, "1", "")
		f.Settled(r.Event, bridge.StateParked)
		require.Len(t, v.Ledger(), 2, "nothing was written twice")
	})
	t.Run("the second contact info is turned away", func(t *testing.T) {
		t.Parallel()
		v := vendor(t)
		f := start(t, v, "contact_info: [{phone: \"1\"}, {phone: \"2\"}]\n")
		v.Server.Fail(fake.Fault{Kind: fake.Status, Status: http.StatusServiceUnavailable, Match: func(r *http.Request) bool {
			return r.URL.Path == "/api/v1/company_customer/createTehdenCustomerContactInfo" && len(v.Ledger()) == 2
		}})
		r := f.Out(bridge.Submit, "1", "")
		f.Settled(r.Event, bridge.StateParked)
		require.Contains(t, f.Attempts(r.Event)[0].Detail, "contact_info[1] is not; a retry would write the ones before it again")
		require.Len(t, v.Ledger(), 2, "a repeat would write the first one twice")
	})
	t.Run("answer without an id", func(t *testing.T) {
		v := vendor(t)
		v.Mute()
		f := start(t, v, "")
		require.Equal(t, "1001/1", f.Submit("1"))
	})
}

// What was lost once says nothing of a later try: that may have got to the contact info, here or in another
// replica, and ended without a record.
func TestALostAnswerSpeaksOfItsOwnTryOnly(t *testing.T) {
	v := vendor(t)
	section := v.Config(quick + "contact_info: [{phone: \"1\"}]\n")
	here, there := flowtest.Build(t, "erp", "tehden", section, provider.Deps{}), flowtest.Build(t, "erp", "tehden", section, provider.Deps{})
	for i, second := range []*provider.Provider{here, there} {
		task := fmt.Sprint(i)
		l := bridge.Lease{Attempt: 1, Event: bridge.Event{ID: "e" + task, Kind: bridge.Submit, Mode: bridge.ModeNew, Task: task, Requester: bridge.Person{Name: "A", Email: task + "@example.com"}}}
		found := func() bridge.FoundAnswer {
			l.Attempt++
			x, err := here.Destination.(bridge.Finder).Find(t.Context(), l)
			require.NoError(t, err)
			return x.Answer
		}
		v.Server.Fail(fake.Fault{Kind: fake.Drop, Match: tehdentest.Writes})
		require.Equal(t, bridge.OutcomeUnknown, here.Destination.Deliver(t.Context(), l).Kind)
		require.Equal(t, bridge.NotThere, found(), "only creating was lost")
		require.Equal(t, bridge.NotThere, found(), "and is still")
		if second == there {
			l.Attempt++ // a person let it be repeated
		}
		require.Equal(t, bridge.OutcomeDone, second.Destination.Deliver(t.Context(), l).Kind)
		require.Equal(t, bridge.CannotTell, found(), "a repeat would write the contact info twice")
	}
}

func TestWaysToFind(t *testing.T) {
	v := vendor(t)
	other := v.Add(map[string]any{"email": "another@example.com"}, false)
	byID := v.Add(map[string]any{"identifier": "K-7", "email": "k@example.com"}, false)
	byMail := v.Add(map[string]any{"email": "ann@example.com"}, false)
	f := start(t, v, "identifier: \"${event.fields?.number ?? ''}\"\nsearch: {email: \"${event.requester.email}\"}\nmatch: answer.email == event.requester.email\n")
	f.Event(bridge.Event{Kind: bridge.Submit, Task: "1", Title: "x", Requester: bridge.Person{Email: "q@example.com"}, Fields: map[string]any{"number": "K-7"}})
	require.Equal(t, byID+"/1", f.Next().Bond.Reference)
	require.Equal(t, byMail+"/2", f.Submit("2"), "not "+other)
	require.Equal(t, 3, v.Customers())
}

func TestWhatStopsATask(t *testing.T) {
	v := vendor(t)
	v.Add(map[string]any{"externalsystem_id": "7", "externalsystemidentifier": "hidden@example.com"}, true)
	for range 2 {
		v.Add(map[string]any{"externalsystem_id": "7", "externalsystemidentifier": "twice@example.com"}, false)
	}
	f := start(t, v, "")
	for i, c := range []struct {
		mail   string
		fields map[string]any
		want   []string
	}{
		{"a@example.com", map[string]any{"vat": "mars"}, []string{"vat", "mars"}},
		{"b@example.com", map[string]any{"type": "robot"}, []string{"type", "robot"}},
		{"c@example.com", map[string]any{"marketing": "perhaps"}, []string{"marketing", "perhaps"}},
		{"", nil, []string{"names no customer"}},
		{"twice@example.com", nil, []string{"2 customers fit"}},
	} {
		r := f.Event(bridge.Event{Kind: bridge.Submit, Task: fmt.Sprint(i), Title: "x", Requester: bridge.Person{Name: "A", Email: c.mail}, Fields: c.fields})
		f.Settled(r.Event, bridge.StateParked)
		for _, want := range c.want {
			require.Contains(t, f.Attempts(r.Event)[0].Detail, want, "a person has to see what is missing where")
		}
	}
	require.Empty(t, v.Ledger())
	f.Event(bridge.Event{Kind: bridge.Submit, Task: "others", Title: "x", Requester: bridge.Person{Name: "A", Email: "d@example.com"},
		Fields: map[string]any{"vat": "eu", "type": "company", "marketing": "yes"}})
	require.Equal(t, bridge.Acknowledge, f.Next().Event.Kind, "other tasks go on")
	wrote := v.Ledger()[0].Body
	require.Equal(t, []any{json.Number("2"), json.Number("20"), json.Number("1")}, []any{wrote["vat_status"], wrote["customer_type"], wrote["marketing_email"]})
	f.Stop()
	src := v.Config(quick)
	c := flowtest.Decode(t, "tehden", src).(*tehden.Config)
	c.Create = "never"
	p, err := tehden.New("erp", c, provider.Deps{})
	require.NoError(t, err)
	defer p.Close()
	o := p.Destination.Deliver(t.Context(), bridge.Lease{Event: bridge.Event{Kind: bridge.Submit, Task: "9", Requester: bridge.Person{Name: "H", Email: "hidden@example.com"}}})
	require.Equal(t, bridge.OutcomeRefused, o.Kind)
	require.Contains(t, o.Detail, "excluded from the interface")
}

// 20 tasks make 60 calls: the limiter keeps them below what the vendor takes.
func TestRateIsKept(t *testing.T) {
	t.Parallel()
	v := vendor(t)
	f := start(t, v, "")
	for i := range 20 {
		f.Event(bridge.Event{Kind: bridge.Submit, Task: fmt.Sprint(i), Title: "x", Requester: bridge.Person{Name: "A", Email: fmt.Sprintf("a%d@example.com", i)}})
	}
	for range 20 {
		f.Next()
	}
	require.Zero(t, v.Throttled())
	require.Equal(t, 20, v.Customers())
}

func TestAuthorizationCode(t *testing.T) {
	v := vendor(t)
	file := filepath.Join(t.TempDir(), "tokens.json")
	src := fmt.Sprintf(`kind: tehden
base: %s
auth: {oauth2_code: {client_id: bridge, client_secret: {env: TEHDEN_SECRET}, token_file: %q, redirect_uri: "https://bridge.example.com/done"}}
external_system: {identifier: "${event.requester.email}"}
create: never
customer: {name: x}
send: {update: skip, reject_solution: skip, close: skip}
`, v.URL(), file)
	p := flowtest.Build(t, "erp", "tehden", src, provider.Deps{})
	r := p.Checker.Check(t.Context())
	require.False(t, r[0].OK)
	require.Contains(t, r[0].Detail, v.URL()+"/oauth/oauser/authorize?client_id=bridge&redirect_uri=")
	require.Error(t, p.Checker.(provider.Redeemer).Redeem(t.Context(), "wrong"))
	require.NoError(t, p.Checker.(provider.Redeemer).Redeem(t.Context(), "code-1"))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
	again := flowtest.Build(t, "erp", "tehden", src, provider.Deps{}) // after a restart
	r = again.Checker.Check(t.Context())
	require.True(t, r[0].OK, r[0].Detail)
	v.RevokeTokens() // renewed with the refresh token
	r = again.Checker.Check(t.Context())
	require.True(t, r[0].OK, r[0].Detail)
	require.Contains(t, r[1].Detail, "of 7 operations")
}

func TestMistakesAreReported(t *testing.T) {
	_ = vendor(t)
	n, err := config.Parse("c.yaml", []byte(`
kind: tehden
company: Some.Company
auth: {none: true}
external_system: {id: "8", identifier: "${event.task}"}
create: when_missing
customer: {externalsystem_id: "7"}
search: {name: x}
rate: 16
limits: {in_flight: 2}
send: {update: skip, reject_solution: {operation: findCustomer}, close: skip}
`))
	require.NoError(t, err)
	c := &tehden.Config{}
	config.Decode(n, c)
	var paths []string
	for _, p := range n.Problems() {
		paths = append(paths, p.Path)
	}
	require.ElementsMatch(t, []string{"company", "auth", "external_system.id", "external_system.identifier", "customer.externalsystem_id", "", "rate", "limits.in_flight", "send.reject_solution.operation"}, paths)
}
