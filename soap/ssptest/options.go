package ssptest

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/pergabridge/pergabridge/soap/workflow"
)

// Path is where the service is, as in SSP's documentation; the case of its letters does not matter.
const Path = "/Workflow/WebService/WorkflowService.asmx"

// Options configure a fake SSP. The zero Options are usable.
type Options struct {
	Addr string // default 127.0.0.1:0, a free port
	// Groups are the integrated groups by name; see also [Server.SetGroup].
	Groups map[string]Group
	// Echo says when a call of the bridge comes back as a process call.
	Echo Echo
	// NoAcknowledgeEcho leaves out the process call for an acknowledgement.
	NoAcknowledgeEcho bool
	// MessageIDs gives each text in a process call an id. SSP's own have none, as far as is known.
	MessageIDs bool
	// RepeatedSolutions takes a solution for a task that is solved already instead of refusing it.
	RepeatedSolutions bool
	// Duplicates is the share of process calls (0 to 1) that are made twice.
	Duplicates float64
	// KeepBodies keeps the envelope of every call for [Server.Calls].
	KeepBodies bool
	// Seed makes everything that is left to chance repeatable.
	Seed uint64
	// RetryEvery is the time between two tries of a process call; default 200 ms.
	RetryEvery time.Duration
	// RetryMax is the number of tries after the first; 0: until it works.
	RetryMax int
	// CallTimeout bounds one process call; default 10 s.
	CallTimeout time.Duration
	// Authorize, if set, decides who may call the service; others get 401.
	Authorize func(*http.Request) bool
	// WSDL makes the description that is published; default: the bridge's own.
	WSDL func(url string) []byte
	// OnEffect and OnProcessCall are told what happened, as it happens; the latter when a process
	// call was delivered or given up. They must not call back.
	OnEffect      func(Effect)
	OnProcessCall func(ProcessCall)
	Log           *slog.Logger // default: none
	Now           func() time.Time
}

// A Group is an integrated group: whom its three processes call.
type Group struct {
	// URL is the bridge's intake for this group's provider.
	URL string
	// Header is sent along, for authentication.
	Header http.Header
	// StoreReference makes SSP store the reference that the bridge's answer carries.
	StoreReference bool
}

// Echo says when a call of the bridge comes back as a process call with direction In.
type Echo string

// The echo modes.
const (
	EchoAfter  Echo = ""       // once the call was answered
	EchoBefore Echo = "before" // the process call is made, and answered, before the call itself is
	EchoMixed  Echo = "mixed"  // before, at the same time or after, by chance
	EchoNever  Echo = "never"
)

// echoPatience is how long a call waits for its echo to be delivered before it is answered all the
// same: behind it may stand a process call that the bridge cannot take now.
const echoPatience = 3 * time.Second

func (o Options) withDefaults() Options {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.RetryEvery <= 0 {
		o.RetryEvery = 200 * time.Millisecond
	}
	if o.CallTimeout <= 0 {
		o.CallTimeout = 10 * time.Second
	}
	if o.WSDL == nil {
		o.WSDL = workflow.WSDL
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
