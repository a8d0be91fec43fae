package tesamanager_test

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/tesamanager"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
)

const mapped = "operations: {createPortA: {enabled: true}, createPortB: {enabled: true}}\n"

// Every operation is called with every field; the fake holds each request against the vendor's file.
func TestEveryOperationWithEveryField(t *testing.T) {
	v := vendor(t)
	c := flowtest.Decode(t, "tesamanager", v.Config(quick+mapped)).(*tesamanager.Config)
	api, end, err := tesamanager.NewAPI("fibre", c, provider.Deps{})
	require.NoError(t, err)
	defer end()
	ctx, o := t.Context(), tesamanager.Object{"any": "thing", "n": json.Number("9007199254740993")}
	act := tesamanager.ActivationRequest{TerritoryOwner: "NEBA", PortabilityIndicator: "D", ExternalReference: "X1", TechnicalCoordinators: o, Customer: o, ServicePoint: o}
	r, err := api.Activate(ctx, act)
	require.NoError(t, err)
	require.NotEmpty(t, r.ReferenceID)
	writes := []func() (tesamanager.Result, error){
		func() (tesamanager.Result, error) {
			return api.Terminate(ctx, tesamanager.TerminationRequest{TerritoryOwner: "VULA_REGULATED", ExternalReference: "X2", TechnicalCoordinators: o, Customer: o, ServicePoint: o})
		},
		func() (tesamanager.Result, error) {
			return api.ResolveIncident(ctx, tesamanager.IncidentResolveRequest{ExternalReference: "X1", Observations: "o"})
		},
		func() (tesamanager.Result, error) {
			return api.CreateAccess(ctx, tesamanager.CreateAccessRequest{ExternalReference: "X1", TechnicianCode: "t", Reason: "r"})
		},
		func() (tesamanager.Result, error) {
			return api.CreateStatusCto(ctx, tesamanager.CreateStatusCtoRequest{ExternalReference: "X1"})
		},
		func() (tesamanager.Result, error) {
			return api.CreatePortA(ctx, tesamanager.CreatePortRequest{ExternalReference: "X1", Port: "1"})
		},
		func() (tesamanager.Result, error) {
			return api.CreatePortB(ctx, tesamanager.CreatePortRequest{ExternalReference: "X1", Port: "1"})
		},
		func() (tesamanager.Result, error) {
			return api.TerminateAccess(ctx, tesamanager.TerminateAccessRequest{ExternalReference: "X1", Observations: "o"})
		},
		func() (tesamanager.Result, error) {
			return api.InstallationIncident(ctx, tesamanager.InstallationIncidentRequest{ExternalReference: "X1", RequestType: "NEBA",
				RequestNumber: math.MaxInt64, SubRequestNumber: 1<<53 + 1, Incidence: "i", Cto: "c", Comments: "k"})
		},
		func() (tesamanager.Result, error) {
			return api.InstallationEnd(ctx, tesamanager.InstallationEndRequest{ExternalReference: "X1", RequestType: "VULA",
				RequestNumber: math.MaxInt64, SubRequestNumber: math.MinInt64, Test: "t", Indicator: "i", Owner: "o"})
		},
		func() (tesamanager.Result, error) {
			return api.ChangeCto(ctx, tesamanager.CtoChangeRequest{ExternalReference: "X1", CtoIdentifier: "c", CtoPort: "1", Reason: "AV"})
		},
	}
	for _, w := range writes {
		_, err := w()
		require.NoError(t, err)
	}
	v.AddEvent(r.ReferenceID, 1, "AB", true)
	v.AddIssue(r.ReferenceID, 1, "E7", true)
	yes, at := true, time.Now()
	_, err = api.List(ctx, tesamanager.ListQuery{Statuses: tesamanager.Statuses, ExternalReference: "X1", AutoInstallation: &yes, Cancelling: &yes, PersistenceType: "ACTIVATION", NotUpdatedSince: &at})
	require.NoError(t, err)
	require.Contains(t, v.Server.Calls()[len(v.Server.Calls())-1].Query, "statuses=NOT_SENT,VALIDATING,REJECTED")
	got, err := api.Get(ctx, r.ReferenceID)
	require.NoError(t, err)
	require.Equal(t, "X1", got.ExternalReference)
	events, err := api.Events(ctx, r.ReferenceID)
	require.NoError(t, err)
	require.EqualValues(t, math.MaxInt64, events[0].ID)
	require.EqualValues(t, 1<<53+3, events[0].RequestNumber, "the number went through a float")
	require.True(t, events[0].Inconsistent)
	require.Equal(t, "9007199254740995", events[0].Record.String("request_number"))
	issues, err := api.Issues(ctx, r.ReferenceID)
	require.NoError(t, err)
	require.Equal(t, "E7", issues[0].IssueCode)
	require.True(t, issues[0].Resolved)
	_, err = api.Cancel(ctx, tesamanager.CancellationRequest{ExternalReference: "X1"})
	require.NoError(t, err)
	for _, e := range v.Ledger() {
		switch e.Operation {
		case "installationIncident":
			require.Equal(t, json.Number("9223372036854775807"), e.Body["requestNumber"])
			require.Equal(t, json.Number("9007199254740993"), e.Body["subRequestNumber"])
		case "activate":
			require.Equal(t, json.Number("9007199254740993"), e.Body["customer"].(map[string]any)["n"])
		}
	}
	_, err = api.Get(ctx, "none")
	var f *vendorapi.Failure
	require.True(t, errors.As(err, &f))
	require.Equal(t, 404, f.Outcome.Status)
	require.Contains(t, f.Outcome.Detail, "no such request")

	known, err := tesamanager.Contract()
	require.NoError(t, err)
	require.Len(t, known.Operations(), 16)
	require.Empty(t, flowtest.Unsent(known, v.Server.Calls()))
	t.Log("tesamanager: ", known.Assumed())
}

func TestWhatIsNotPublishedIsRefusedBeforeSending(t *testing.T) {
	v := vendor(t)
	p := flowtest.Build(t, "fibre", "tesamanager", v.Config(quick), provider.Deps{})
	for _, c := range []struct{ op, in, want string }{
		{"createPortA", `{"org":"telco","externalReference":"X","port":"1"}`, "disabled"},
		{"cancel", ``, "externalReference is required"},
		{"createAccess", `{}`, "externalReference, technicianCode are required"},
		{"cancel", `[1]`, "must be a JSON object"},
		{"cancel", `{"externalReference":"X"`, "ends too early"},
		{"cancel", "{\n\"externalReference\" \"X\"}", "line 2"},
		{"cancel", `{"org":"telco","externalReference":"X","why":"no"}`, "there is no field why; known are externalReference, org"},
		{"changeCto", `{"org":"telco","externalReference":"X","ctoIdentifier":"c","reason":"ZZ"}`, "none of"},
		{"installationEnd", `{"org":"telco","externalReference":"X","requestType":"NEBA","requestNumber":1.5,"subRequestNumber":1,"test":"t","indicator":"i","owner":"o"}`, "not a whole number"},
		{"installationEnd", `{"org":"telco","externalReference":"X","requestType":"NEBA","requestNumber":9223372036854775808,"subRequestNumber":1,"test":"t","indicator":"i","owner":"o"}`, "64 bits"},
		{"nothing", `{}`, "there is no operation"},
		{"getRequest", `{"org":"telco","referenceId":".."}`, "part of the path"},
	} {
		_, _, err := p.Operations.Show(c.op, []byte(c.in))
		require.ErrorContains(t, err, c.want)
	}
	call, objections, err := p.Operations.Show("cancel", []byte(`{"externalReference":"X"}`)) // the tenant is the config's
	require.NoError(t, err)
	require.Empty(t, objections)
	require.Contains(t, call, "POST "+v.URL()+"/v1/tesamanager/orgs/telco/cancellations")
	require.Empty(t, v.Server.Calls())
	for _, r := range p.Checker.Check(t.Context()) {
		require.True(t, r.OK, r.Detail)
	}
	require.Len(t, p.Operations.List(), 16)
}

func TestEveryPartCanBeChanged(t *testing.T) {
	v := vendor(t)
	p := flowtest.Build(t, "fibre", "tesamanager", v.Config(quick+`
operations:
  cancel: {method: PUT, path: "/x/{org}", wrapper: data, fields: {externalReference: ext}}
  createPortB: {enabled: true}
`), provider.Deps{})
	call, _, err := p.Operations.Show("cancel", []byte(`{"org":"telco","externalReference":"X"}`))
	require.NoError(t, err)
	require.Contains(t, call, "PUT "+v.URL()+"/v1/tesamanager/orgs/x/telco")
	require.Contains(t, call, `"ext": "X"`)
	require.Contains(t, call, `"data": {`)
	_, _, err = p.Operations.Show("createPortB", []byte(`{"org":"telco","externalReference":"X","port":"1"}`))
	require.NoError(t, err)
}

func TestMistakesAreReported(t *testing.T) {
	v := vendor(t)
	n, err := config.Parse("c.yaml", []byte(`
kind: tesamanager
base: ftp://x
org: telco
auth: {bearer: {env: `+v.Env()+`}}
operations: {activat: {method: GET}, cancel: {path: x, fields: {foo: bar}}}
shapes: {a: {b: c}}
read: {request: {status: state, foo: bar}}
send:
  submit: [{operation: cancel}]
  update: {operation: getEvents}
  reject_solution: {operation: createPortA, body: {port: "1"}}
  close: skip
tell: {events: {kind: update}}
poll: {every: 0s}
validate: {customers: x.json}
external_reference: {prefix: ""}
`))
	require.NoError(t, err)
	c := &tesamanager.Config{}
	config.Decode(n, c)
	var paths []string
	for _, p := range n.Problems() {
		paths = append(paths, p.Path)
	}
	require.ElementsMatch(t, []string{"base", "operations.activat", "operations.cancel.path", "operations.cancel.fields.foo", "shapes.a.b",
		"read.request.foo", "send.submit[0].operation", "send.update.operation", "send.reject_solution.operation", "tell.events", "poll.every",
		"validate.customers", "validate", "external_reference"}, paths)
}

func TestServerErrorOfAWriteIsUnknown(t *testing.T) {
	v := vendor(t)
	p := flowtest.Build(t, "fibre", "tesamanager", v.Config(quick), provider.Deps{})
	id := v.Add("PB-1", "INSTALLING")
	fail(v, 500)
	l := bridge.Lease{Event: bridge.Event{Kind: bridge.Update, Task: "1", Text: "x"}, Bond: bridge.Bond{Task: "1", Reference: id}}
	o := p.Destination.Deliver(t.Context(), l)
	require.Equal(t, bridge.OutcomeUnknown, o.Kind, o.Detail)
	fail(v, 503) // says that nothing was done
	o = p.Destination.Deliver(t.Context(), l)
	require.Equal(t, bridge.OutcomeRetry, o.Kind, o.Detail)
	l.Event.Kind, l.Event.Mode = bridge.Submit, bridge.ModeNew
	l.Event.Task = "2"
	fail(v, 500)
	o = p.Destination.Deliver(t.Context(), l)
	require.Equal(t, bridge.OutcomeUnknown, o.Kind, o.Detail)
	require.NotEqual(t, http.MethodGet, v.Server.Calls()[len(v.Server.Calls())-1].Method)
}
