package soap

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/soap/ssptest"
	"github.com/pergabridge/pergabridge/soap/workflow"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// monoWSDL is the description that a real ASP.NET host publishes for our three operations.
const monoWSDL = "wsdl/testdata/mono.wsdl"

func mono(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(monoWSDL)
	require.NoError(t, err)
	return string(b)
}

func TestCompare(t *testing.T) {
	const ack, upd, res = workflow.Acknowledgement, workflow.UpdateMessage, workflow.Reassignment
	good := mono(t)
	for name, c := range map[string]struct {
		data string
		want []string
	}{
		"what ASP.NET publishes": {good, nil},
		"our own":                {string(workflow.WSDL("http://ssp.example.com/")), nil},
		"another argument name": {
			strings.Replace(good, `name="externalReference" type`, `name="p_strExternalReference" type`, 1),
			[]string{ack + " takes (processInstanceTaskId, p_strExternalReference), expected (processInstanceTaskId, externalReference)"},
		},
		"another type": {
			strings.Replace(good, `name="processInstanceTaskId" type="s:string"`, `name="processInstanceTaskId" type="s:int"`, 1),
			[]string{ack + " takes (processInstanceTaskId int, externalReference), expected (processInstanceTaskId, externalReference)"},
		},
		"an array": {
			strings.Replace(good, `maxOccurs="1" name="message"`, `maxOccurs="unbounded" name="message"`, 1),
			[]string{upd + " takes (processInstanceTaskId, message string[]), expected (processInstanceTaskId, message)"},
		},
		"one argument more": {
			strings.Replace(good, `name="message" type="s:string" />`, `name="message" type="s:string" /><s:element name="hash" type="s:string" />`, 1),
			[]string{upd + " takes (processInstanceTaskId, message, hash), expected (processInstanceTaskId, message)"},
		},
		"one argument less": {
			strings.Replace(good, `<s:element minOccurs="0" maxOccurs="1" name="solution" type="s:string" />`, ``, 1),
			[]string{res + " takes (processInstanceTaskId), expected (processInstanceTaskId, solution)"},
		},
		"unqualified arguments": {
			strings.Replace(good, ` elementFormDefault="qualified"`, ``, 1),
			[]string{
				ack + ` takes arguments of namespace "", expected "http://tempuri.org/"`,
				upd + ` takes arguments of namespace "", expected "http://tempuri.org/"`,
				res + ` takes arguments of namespace "", expected "http://tempuri.org/"`,
			},
		},
		"another action": {
			strings.Replace(good, `soapAction="http://tempuri.org/`+ack+`"`, `soapAction="urn:x"`, 1),
			[]string{ack + ` has SOAPAction "urn:x", expected "http://tempuri.org/` + ack + `"`},
		},
		"rpc": {
			strings.Replace(good, `/`+upd+`" style="document"`, `/`+upd+`" style="rpc"`, 1),
			[]string{upd + " is called as rpc/literal, expected document/literal"},
		},
		"another result": {
			strings.Replace(good, `name="`+upd+`Result"`, `name="outcome"`, 1),
			[]string{upd + " returns (outcome), expected (" + upd + "Result) or nothing"},
		},
		"no result": {
			strings.Replace(good, `<s:element minOccurs="0" maxOccurs="1" name="`+upd+`Result" type="s:string" />`, ``, 1), nil,
		},
		"a number as result": {
			strings.Replace(good, `name="`+upd+`Result" type="s:string"`, `name="`+upd+`Result" type="s:int"`, 1), nil,
		},
		"an operation renamed": {
			strings.ReplaceAll(good, res, "Reassign"), []string{res + " is missing"},
		},
		"split over documents": {
			`<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><import location="http://ssp/more.wsdl"/></definitions>`,
			[]string{
				ack + " is not in the document; it may be in http://ssp/more.wsdl, which was not read",
				upd + " is not in the document; it may be in http://ssp/more.wsdl, which was not read",
				res + " is not in the document; it may be in http://ssp/more.wsdl, which was not read",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := wsdl.Read([]byte(c.data), "")
			require.NoError(t, err)
			want, err := expected()
			require.NoError(t, err)
			require.Equal(t, c.want, compare(d, want))
		})
	}
	d, err := wsdl.Read([]byte(strings.ReplaceAll(good, "http://tempuri.org/", "http://smt-x.com/")), "")
	require.NoError(t, err)
	want, err := expected()
	require.NoError(t, err)
	require.Contains(t, compare(d, want), ack+` is the element `+ack+` of namespace "http://smt-x.com/", expected `+ack+` of "http://tempuri.org/"`)
}

// A clock that a test moves.
type clock struct{ t atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(c.t.Load(), 0) }
func (c *clock) advance(d time.Duration) { c.t.Add(int64(d / time.Second)) }

func TestNothingIsSentToAnotherContract(t *testing.T) {
	var described atomic.Pointer[string]
	set := func(s string) { described.Store(&s) }
	var asked atomic.Int64
	s := startSSP(t, ssptest.Options{WSDL: func(string) []byte { asked.Add(1); return []byte(*described.Load()) }})
	task := assignedTask(t, s)
	c := new(clock)
	d, err := New(Config{URL: s.URL()}, Deps{Now: c.now})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	require.Equal(t, ContractState{Status: ContractUnchecked, Source: s.URL() + "?WSDL"}, d.Contract())
	require.False(t, d.Contract().Open())
	deliver := func() bridge.Outcome { return d.Deliver(t.Context(), lease(bridge.Update, task, "x")) }

	set(strings.ReplaceAll(mono(t), `name="message"`, `name="p_strMessage"`))
	o := deliver()
	problem := workflow.UpdateMessage + " takes (processInstanceTaskId, p_strMessage), expected (processInstanceTaskId, message)"
	require.Equal(t, bridge.Outcome{
		Kind: bridge.OutcomeRetry, Reason: bridge.ContractChanged, Down: true, After: checkClosed,
		Detail: "contract changed (" + s.URL() + "?WSDL): " + problem,
	}, o)
	require.Equal(t, ContractState{
		Status: ContractChanged, Source: s.URL() + "?WSDL", Problems: []string{problem}, Fingerprint: d.Contract().Fingerprint,
		Checked: c.now(), Since: c.now(), Next: c.now().Add(checkClosed),
	}, d.Contract())
	require.Empty(t, s.Calls(), "nothing may be sent")

	// It is not asked again at once, and the wait shrinks.
	c.advance(15 * time.Second)
	require.Equal(t, 5*time.Second, deliver().After)
	require.EqualValues(t, 1, asked.Load())

	set("<html><body>no documentation here</body></html>")
	c.advance(5 * time.Second)
	o = deliver()
	require.Equal(t, bridge.ContractUnreachable, o.Reason)
	require.True(t, o.Down)

	set(mono(t))
	c.advance(checkClosed)
	require.Equal(t, bridge.OutcomeDone, deliver().Kind)
	require.Equal(t, ContractBound, d.Contract().Status)
	require.Empty(t, d.Contract().Problems)
	require.Equal(t, bridge.Reason(""), d.Contract().Reason())
	require.Len(t, s.Calls(), 1)
	asks := asked.Load()

	// Bound: it is looked at again after a quarter of an hour, not before.
	c.advance(checkOpen - time.Second)
	require.Equal(t, bridge.OutcomeDone, deliver().Kind)
	require.Equal(t, asks, asked.Load())

	// A description that is gone does not undo what was seen.
	set("")
	c.advance(time.Second)
	require.Equal(t, bridge.OutcomeDone, deliver().Kind)
	require.Equal(t, asks+1, asked.Load())
	require.Equal(t, ContractBound, d.Contract().Status)
	require.Equal(t, []string{"wsdl: empty"}, d.Contract().Problems)

	// One that has changed does.
	set(strings.ReplaceAll(mono(t), `name="solution"`, `name="p_strSolution"`))
	c.advance(checkClosed)
	require.Equal(t, bridge.ContractChanged, deliver().Reason)
	require.Len(t, s.Calls(), 3)
}

func TestUnreachableContract(t *testing.T) {
	s := startSSP(t, ssptest.Options{Authorize: func(*http.Request) bool { return false }})
	d := newDestination(t, Config{URL: s.URL()})
	o := d.Deliver(t.Context(), lease(bridge.Update, "1", "x"))
	require.Equal(t, bridge.ContractUnreachable, o.Reason)
	require.Equal(t, "contract unreachable ("+s.URL()+"?WSDL): it answers with status 401 Unauthorized: it asks for Basic authentication: set ssp.auth.basic", o.Detail)

	s.Down()
	state, err := d.CheckContract(t.Context())
	require.NoError(t, err)
	require.Equal(t, ContractUnreachable, state.Status)
	require.Len(t, state.Problems, 1)
}

func TestContractAssumed(t *testing.T) {
	s := startSSP(t, ssptest.Options{WSDL: func(string) []byte { t.Error("asked for"); return nil }})
	d := newDestination(t, Config{URL: s.URL(), Contract: Assumed})
	require.Equal(t, ContractState{Status: ContractAssumed}, d.Contract())
	require.Equal(t, bridge.OutcomeDone, d.Deliver(t.Context(), lease(bridge.Update, assignedTask(t, s), "x")).Kind)
	state, err := d.CheckContract(t.Context())
	require.NoError(t, err)
	require.True(t, state.Open())
}

func TestContractFromFile(t *testing.T) {
	s := startSSP(t, ssptest.Options{WSDL: func(string) []byte { t.Error("asked for"); return nil }})
	task := assignedTask(t, s)
	d := newDestination(t, Config{URL: s.URL(), WSDL: monoWSDL})
	require.Equal(t, bridge.OutcomeDone, d.Deliver(t.Context(), lease(bridge.Update, task, "x")).Kind)
	require.Equal(t, monoWSDL, d.Contract().Source)

	for name, want := range map[string]bridge.Reason{
		filepath.Join(t.TempDir(), "missing.wsdl"): bridge.ContractUnreachable,
		t.TempDir(): bridge.ContractUnreachable,
	} {
		d := newDestination(t, Config{URL: s.URL(), WSDL: config.Path(name)})
		require.Equal(t, want, d.Deliver(t.Context(), lease(bridge.Update, task, "x")).Reason)
	}
}

// A service that suddenly does not know the operation has been replaced.
func TestFaultMakesTheContractDoubtful(t *testing.T) {
	var described atomic.Pointer[string]
	good := mono(t)
	described.Store(&good)
	s := startSSP(t, ssptest.Options{WSDL: func(string) []byte { return []byte(*described.Load()) }})
	task := assignedTask(t, s)
	d := newDestination(t, Config{URL: s.URL()})
	require.Equal(t, bridge.OutcomeDone, d.Deliver(t.Context(), lease(bridge.Update, task, "x")).Kind)
	other := strings.ReplaceAll(good, `name="message"`, `name="p_strMessage"`)
	described.Store(&other)
	s.Script(ssptest.Always(ssptest.Trouble{Kind: ssptest.ClientFault, Text: "Server did not recognize the value of HTTP Header SOAPAction: x."}))
	require.Equal(t, bridge.Fault, d.Deliver(t.Context(), lease(bridge.Update, task, "x")).Reason)
	require.Equal(t, bridge.ContractChanged, d.Deliver(t.Context(), lease(bridge.Update, task, "x")).Reason)
}

// hanging is a description that comes when it is told to.
type hanging struct {
	asked  atomic.Int64
	answer chan string
}

func (h *hanging) String() string { return "hanging" }

func (h *hanging) Root() string { return "hanging" }

func (h *hanging) Resolve(string, string) (string, error) { return "", errors.New("no") }

func (h *hanging) Get(ctx context.Context, _ string) ([]byte, string, error) {
	h.asked.Add(1)
	select {
	case s := <-h.answer:
		return []byte(s), "", nil
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
}

func TestOneCheckAtATime(t *testing.T) {
	s := startSSP(t, ssptest.Options{})
	task := assignedTask(t, s)
	c := new(clock)
	d, err := New(Config{URL: s.URL()}, Deps{Now: c.now})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	h := &hanging{answer: make(chan string)}
	d.gate.source = h

	// A delivery that is stopped while it checks says nothing about the contract.
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan bridge.Outcome)
	go func() { stopped <- d.Deliver(ctx, lease(bridge.Update, task, "x")) }()
	require.Eventually(t, func() bool { return h.asked.Load() == 1 }, 5*time.Second, time.Millisecond)
	cancel()
	require.Equal(t, bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Canceled, Detail: "stopped while the contract was checked"}, <-stopped)
	require.Equal(t, ContractUnchecked, d.Contract().Status)

	// Unchecked: everybody waits for one check.
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if o := d.Deliver(t.Context(), lease(bridge.Update, task, "x")); o.Kind != bridge.OutcomeDone {
				t.Errorf("%+v", o)
			}
		})
	}
	h.answer <- mono(t)
	wg.Wait()
	require.EqualValues(t, 2, h.asked.Load())

	// Bound and due: one looks, the others go on.
	c.advance(checkOpen)
	first := make(chan bridge.Outcome)
	go func() { first <- d.Deliver(t.Context(), lease(bridge.Update, task, "first")) }()
	require.Eventually(t, func() bool { return h.asked.Load() == 3 }, 5*time.Second, time.Millisecond)
	require.Equal(t, bridge.OutcomeDone, d.Deliver(t.Context(), lease(bridge.Update, task, "second")).Kind)
	h.answer <- mono(t)
	require.Equal(t, bridge.OutcomeDone, (<-first).Kind)
}
