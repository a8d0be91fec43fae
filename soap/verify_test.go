package soap

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// operator answers questions in order and keeps them.
type operator struct {
	answers   []bool
	questions []string
}

func (o *operator) ask(_ context.Context, q string) (bool, error) {
	o.questions = append(o.questions, q)
	if len(o.answers) == 0 {
		return false, errors.New("asked too much")
	}
	a := o.answers[0]
	o.answers = o.answers[1:]
	return a, nil
}

func TestVerify(t *testing.T) { everyWay(t, testVerify) }

func testVerify(t *testing.T, w way) {
	s := startSSP(t, ssptest.Options{})
	task := assignedTask(t, s)
	var said strings.Builder
	person := &operator{answers: []bool{true, true, true}}
	c := w.of(Config{URL: s.URL(), Fingerprint: "v1-00000000000000000000000000000000"}) // of the contract before
	v, err := Verify(t.Context(), VerifyOptions{
		Config: c, Task: task, Out: &said, Ask: person.ask,
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	})
	require.NoError(t, err)
	require.True(t, v.Confirmed)
	require.Regexp(t, "^v1-[0-9a-f]{32}$", v.Fingerprint)
	require.Contains(t, said.String(), "fingerprint: "+v.Fingerprint)
	require.Len(t, person.questions, 3)
	require.Contains(t, person.questions[1], `s its external reference number now "TEST-20260102-030405"?`)

	require.Len(t, v.Steps, 2)
	state, _ := s.Task(task)
	require.Equal(t, "TEST-20260102-030405", state.Reference)
	require.Len(t, state.Messages, 1)
	require.Contains(t, state.Messages[0].Text, "é ü ß & < > \" '")
	require.Equal(t, ssptest.Assigned, state.Status, "the task goes on")
	for i, call := range s.Calls() {
		require.Contains(t, v.Steps[i].Request, "<processInstanceTaskId>"+task+"</processInstanceTaskId>")
		require.True(t, v.Steps[i].Sent)
		require.True(t, *v.Steps[i].Seen)
		require.Contains(t, v.Steps[i].Answer, string(call.Operation)+"Response")
		require.Contains(t, said.String(), v.Steps[i].Detail)
	}

	// What was confirmed is what a config with it is held to.
	c.Fingerprint = v.Fingerprint
	d := newDestination(t, c)
	require.Equal(t, bridge.OutcomeDone, d.Deliver(t.Context(), lease(bridge.Update, task, "x")).Kind)
	c.Fingerprint = "v1-00000000000000000000000000000000"
	o := newDestination(t, c).Deliver(t.Context(), lease(bridge.Update, task, "x"))
	require.Equal(t, bridge.ContractChanged, o.Reason)
	require.Contains(t, o.Detail, "the contract has changed since it was confirmed: its fingerprint is "+v.Fingerprint+", and ssp.fingerprint is v1-0000")
}

func TestVerifyConfirmsOnlyWhatAPersonSaw(t *testing.T) {
	s := startSSP(t, ssptest.Options{})
	for name, c := range map[string]struct {
		yes     bool
		answers []bool
		calls   int
		err     string
	}{
		"does not want to send":    {false, []bool{false}, 0, "the operator did not want to send"},
		"does not see the number":  {false, []bool{true, false}, 2, "the arguments of ssp.operations.acknowledge are not the right ones"},
		"does not see the message": {false, []bool{true, true, false}, 2, "the arguments of ssp.operations.update are not the right ones"},
		"yes":                      {true, nil, 2, ""},
		"nobody there":             {false, nil, 0, "there is nobody to ask"},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(s.Calls())
			var said strings.Builder
			o := VerifyOptions{Config: Config{URL: s.URL()}, Task: assignedTask(t, s), Yes: c.yes, Out: &said}
			if c.answers != nil {
				o.Ask = (&operator{answers: c.answers}).ask
			}
			v, err := Verify(t.Context(), o)
			if c.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, ErrNotVerified)
				require.ErrorContains(t, err, c.err)
			}
			require.False(t, v.Confirmed)
			require.Empty(t, v.Fingerprint)
			require.NotContains(t, said.String(), "fingerprint: v1")
			require.Len(t, s.Calls(), before+c.calls)
		})
	}
}

func TestVerifyDryRun(t *testing.T) {
	key := secret.New("dry-run-secret-77")
	s := startSSP(t, ssptest.Options{Authorize: func(r *http.Request) bool { return r.Header.Get("X-Key") == key.Reveal() }})
	c := Config{URL: s.URL()}
	c.Outbound.Auth.Header = &outbound.HeaderKey{Name: "X-Key", Secret: config.Secret{Text: key}}
	var said strings.Builder
	v, err := Verify(t.Context(), VerifyOptions{Config: c, Task: "4711", Message: "the key is " + key.Reveal(), DryRun: true, Out: &said})
	require.NoError(t, err)
	require.Empty(t, s.Calls())
	require.Len(t, v.Steps, 3)
	require.False(t, v.Confirmed)
	for _, step := range v.Steps {
		require.False(t, step.Sent)
		require.Contains(t, said.String(), step.Request[:40])
	}
	require.NotContains(t, said.String(), key.Reveal())
	require.Contains(t, said.String(), "Nothing was sent.")
}

func TestVerifyStopsWhereItFails(t *testing.T) {
	s := startSSP(t, ssptest.Options{Authorize: func(*http.Request) bool { return false }})
	_, err := Verify(t.Context(), VerifyOptions{Config: Config{URL: s.URL()}, Task: "1", Yes: true})
	require.ErrorIs(t, err, ErrNotVerified)
	require.ErrorContains(t, err, "set ssp.auth.basic")

	s = startSSP(t, ssptest.Options{})
	v, err := Verify(t.Context(), VerifyOptions{Config: Config{URL: s.URL()}, Task: "no such task", Yes: true})
	require.ErrorContains(t, err, "Task no such task does not exist.")
	require.True(t, v.Steps[0].Sent)
	require.False(t, v.Steps[1].Sent)

	_, err = Verify(t.Context(), VerifyOptions{Config: Config{URL: s.URL()}, Task: " "})
	require.ErrorContains(t, err, "needs the id of a test task")
}
