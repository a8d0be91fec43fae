package soap

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/soap/asptest"
	"github.com/pergabridge/pergabridge/soap/binding"
)

// paste reads a config that holds what inspect printed, and what a person adds.
func paste(t *testing.T, yaml string, added ...string) (*Config, config.Problems) {
	t.Helper()
	for _, line := range added {
		yaml += "  " + line + "\n"
	}
	n, err := config.Parse(filepath.Join(t.TempDir(), "pergabridge.yaml"), []byte(yaml))
	require.NoError(t, err, "%s", yaml)
	c := new(Config)
	config.Decode(n.Key("ssp"), c)
	return c, n.Problems()
}

func placed(r *binding.Report) map[string]string {
	out := map[string]string{}
	for _, o := range r.Operations {
		for _, a := range o.Arguments {
			out[string(o.Kind)+" "+a.Path] = string(a.Sure) + " " + a.YAML
		}
	}
	return out
}

func basicAuth() outbound.Config {
	return outbound.Config{Auth: outbound.Auth{Basic: &outbound.BasicAuth{Username: asptest.User, Password: config.Secret{Text: secret.New(asptest.Password)}}}}
}

// What a person does at an installation nobody has seen: inspect, paste, check, go.
func TestOtherInstallations(t *testing.T) {
	for name, c := range map[string]struct {
		service  asptest.Service
		inspect  InspectOptions
		added    []string
		placed   map[string]string
		unplaced []string
		task     string
		calls    []asptest.Call
		detail   string
	}{
		"hungarian": {
			service: asptest.Hungarian,
			placed: map[string]string{
				"acknowledge p_strExternalReference": "sure reference",
				"acknowledge p_strHash":              "guess {hash: {algorithm: sha256, over: [secret, p_strExternalReference, p_strTaskId], secret: {env: SSP_HASH_SECRET}}}",
				"acknowledge p_strTaskId":            "sure task",
				"update p_strMessageText":            "sure message",
				"update p_strTaskId":                 "sure task",
				"update p_strHash":                   "guess {hash: {algorithm: sha256, over: [secret, p_strMessageText, p_strTaskId], secret: {env: SSP_HASH_SECRET}}}",
				"resolve p_strHash":                  "guess {hash: {algorithm: sha256, over: [secret, p_strSolutionText, p_strTaskId], secret: {env: SSP_HASH_SECRET}}}",
				"resolve p_strSolutionText":          "sure solution",
				"resolve p_strTaskId":                "sure task",
			},
			unplaced: []string{"acknowledge: argument p_strHash", "update: argument p_strHash", "resolve: argument p_strHash"},
			task:     "T-4711",
			calls: []asptest.Call{
				{Operation: "ProcessInstanceTaskExternalAcknowledgement", Args: []string{"EXT-" + awkwardArrived, "T-4711"}},
				{Operation: "ProcessInstanceTaskExternalUpdateMessage", Args: []string{awkwardArrived, "T-4711"}},
				{Operation: "ProcessInstanceTaskExternalReassignment", Args: []string{awkwardArrived, "T-4711"}},
			},
			detail: `SSP took it and answered "true"`,
		},
		"complex": {
			service: asptest.Complex,
			placed: map[string]string{
				"acknowledge taskId":             "sure task",
				"acknowledge external.Reference": "sure reference",
				"update update.TaskId":           "sure task",
				"update update.MessageText":      "sure message",
				"update update.Author":           "sure {role: author, omit_if_empty: true}",
				"resolve taskId":                 "sure task",
				"resolve solution":               "sure solution",
			},
			task: "4711",
			calls: []asptest.Call{
				{Operation: "ProcessInstanceTaskExternalAcknowledgement", Args: []string{"4711", "EXT-" + awkwardArrived}},
				{Operation: "ProcessInstanceTaskExternalUpdateMessage", Args: []string{"4711", awkwardArrived, "Anna É."}},
				{Operation: "ProcessInstanceTaskExternalReassignment", Args: []string{"4711", awkwardArrived}},
			},
			detail: `SSP took it`,
		},
		"dutch": {
			service: asptest.Dutch,
			inspect: InspectOptions{Outbound: basicAuth()},
			added:   []string{"auth: {basic: {username: bridge, password: {env: SSP_FRONT_PASSWORD}}}"},
			placed: map[string]string{
				"acknowledge taaknummer":    "sure task",
				"acknowledge externKenmerk": "sure reference",
				"update taaknummer":         "sure task",
				"update bericht":            "sure message",
				"resolve taaknummer":        "sure task",
				"resolve oplossing":         "sure solution",
			},
			task: "4711",
			calls: []asptest.Call{
				{Operation: "ProcessInstanceTaskExternalAcknowledgement", Args: []string{"4711", "EXT-" + awkwardArrived}},
				{Operation: "ProcessInstanceTaskExternalUpdateMessage", Args: []string{"4711", awkwardArrived}},
				{Operation: "ProcessInstanceTaskExternalReassignment", Args: []string{"4711", awkwardArrived}},
			},
			detail: `SSP took it and answered "Geaccepteerd: `,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SSP_HASH_SECRET", asptest.HashSecret)
			t.Setenv("SSP_FRONT_PASSWORD", asptest.Password)
			host := asptest.StartService(t, c.service)
			r, err := Inspect(t.Context(), host.URL, c.inspect)
			require.NoError(t, err)
			require.Equal(t, c.placed, placed(r), "%s", r.Text())
			require.Len(t, r.Unplaced, len(c.unplaced), "%q", r.Unplaced)
			for i, u := range c.unplaced {
				require.Contains(t, r.Unplaced[i], u)
			}
			require.True(t, r.Complete())
			require.False(t, r.Default)

			conf, problems := paste(t, r.YAML(), c.added...)
			require.Empty(t, problems, "%s", r.YAML())
			problems, err = conf.CheckContract(t.Context(), outbound.Options{})
			require.NoError(t, err)
			require.Empty(t, problems)

			d := newDestination(t, *conf)
			for _, l := range []bridge.Lease{
				{Event: bridge.Event{Kind: bridge.Acknowledge, Task: c.task, Reference: "EXT-" + awkward}},
				{Event: bridge.Event{Kind: bridge.Update, Task: c.task, Text: awkward, Author: "Anna É."}},
				{Event: bridge.Event{Kind: bridge.Resolve, Task: c.task, Text: awkward}},
			} {
				o := d.Deliver(t.Context(), l)
				require.Equal(t, bridge.OutcomeDone, o.Kind, "%+v", o)
				require.True(t, strings.HasPrefix(o.Detail, c.detail), "%s", o.Detail)
			}
			calls, err := host.Calls()
			require.NoError(t, err)
			for i := range calls {
				require.NotContains(t, calls[i].Null, true)
				calls[i].Null = nil
			}
			require.Equal(t, c.calls, calls)

			// The confirmed fingerprint holds.
			confirmed, problems := paste(t, r.YAML(), append(c.added, "fingerprint: "+r.Fingerprint)...)
			require.Empty(t, problems)
			problems, err = confirmed.CheckContract(t.Context(), outbound.Options{})
			require.NoError(t, err)
			require.Empty(t, problems)
		})
	}
}

// What the service in Dutch says no with, in an old character set and with detail.
func TestFaultsWithDetail(t *testing.T) {
	t.Setenv("SSP_FRONT_PASSWORD", asptest.Password)
	host := asptest.StartService(t, asptest.Dutch)
	r, err := Inspect(t.Context(), host.URL, InspectOptions{Outbound: basicAuth()})
	require.NoError(t, err)
	conf, problems := paste(t, r.YAML(), "auth: {basic: {username: bridge, password: {env: SSP_FRONT_PASSWORD}}}")
	require.Empty(t, problems)
	d := newDestination(t, *conf)
	o := d.Deliver(t.Context(), lease(bridge.Update, "4711", asptest.Throw+" déjà vu €"))
	require.Equal(t, bridge.OutcomeRefused, o.Kind, "%+v", o)
	require.Equal(t, bridge.Fault, o.Reason)
	require.Contains(t, o.Detail, "Taak geweigerd: throw! déjà vu €")
	require.Contains(t, o.Detail, "(detail: E-4711)")

	// Without credentials the message says what to change.
	conf.Outbound.Auth = outbound.Auth{}
	d = newDestination(t, *conf)
	o = d.Deliver(t.Context(), lease(bridge.Update, "4711", "x"))
	require.Equal(t, bridge.ContractUnreachable, o.Reason)
	require.Contains(t, o.Detail, "it asks for Basic authentication: set ssp.auth.basic")
}

// A new release of the service renames an argument.
func TestRenamedArgument(t *testing.T) {
	t.Setenv("SSP_HASH_SECRET", asptest.HashSecret)
	host := asptest.StartService(t, asptest.Hungarian)
	r, err := Inspect(t.Context(), host.URL, InspectOptions{})
	require.NoError(t, err)
	conf, problems := paste(t, r.YAML(), "fingerprint: "+r.Fingerprint)
	require.Empty(t, problems)
	c := new(clock)
	d, err := New(*conf, Deps{Now: c.now})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	require.Equal(t, bridge.OutcomeDone, d.Deliver(t.Context(), lease(bridge.Update, "T-1", "before")).Kind)

	host.Rename(t, "p_strMessageText", "p_strMsgText")
	problems, err = conf.CheckContract(t.Context(), outbound.Options{})
	require.NoError(t, err)
	require.Len(t, problems, 2, "%v", problems)
	require.Equal(t, `ssp.operations.update.arguments.p_strMessageText`, problems[0].Path)
	require.Equal(t, `ProcessInstanceTaskExternalUpdateMessage has no argument "p_strMessageText"`, problems[0].Msg)
	require.Contains(t, problems[0].Hint, "it takes p_strMsgText, p_strTaskId, p_strHash")
	require.Equal(t, `ssp.operations.update`, problems[1].Path)
	require.Equal(t, `argument "p_strMsgText" of ProcessInstanceTaskExternalUpdateMessage (string) has neither a role nor a value`, problems[1].Msg)
	require.Positive(t, problems[0].Line)

	// The running destination finds it at its next look, and holds.
	before, err := host.Calls()
	require.NoError(t, err)
	c.advance(checkOpen)
	o := d.Deliver(t.Context(), lease(bridge.Update, "T-1", "after"))
	require.Equal(t, bridge.OutcomeRetry, o.Kind)
	require.Equal(t, bridge.ContractChanged, o.Reason)
	require.True(t, o.Down)
	require.Contains(t, o.Detail, `has no argument "p_strMessageText"`)
	after, err := host.Calls()
	require.NoError(t, err)
	require.Equal(t, before, after, "nothing may be sent")

	// The service goes back, and calls go on by themselves.
	host.Rename(t, "p_strMsgText", "p_strMessageText")
	c.advance(checkClosed)
	require.Equal(t, bridge.OutcomeDone, d.Deliver(t.Context(), lease(bridge.Update, "T-1", "again")).Kind)
}

func TestInspectFile(t *testing.T) {
	r, err := Inspect(t.Context(), monoWSDL, InspectOptions{})
	require.NoError(t, err)
	require.True(t, r.Default)
	require.Equal(t, monoWSDL, r.Source)
	require.Equal(t, "http://127.0.0.1:18081/WorkflowService.asmx", r.URL)
	require.Contains(t, r.Text(), "This is the default contract")
	conf, problems := paste(t, r.YAML(), "wsdl: "+mustAbs(t, monoWSDL))
	require.Empty(t, problems)
	problems, err = conf.CheckContract(t.Context(), outbound.Options{})
	require.NoError(t, err)
	require.Empty(t, problems)

	_, err = Inspect(t.Context(), filepath.Join(t.TempDir(), "missing.wsdl"), InspectOptions{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	require.NoError(t, err)
	return abs
}
