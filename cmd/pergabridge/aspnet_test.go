package main_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/soap/asptest"
	"github.com/pergabridge/pergabridge/soap/workflow"
)

// What is awkward in XML, and how it arrives: a control character cannot travel.
const (
	awkward        = "& < > \" ' é 漢 😀 ]]> \r\n\ttab\x01 end"
	awkwardArrived = "& < > \" ' é 漢 😀 ]]> \r\n\ttab end"
)

// The real binary talks to a real ASP.NET host: arguments arrive as they were, and an exception there
// means what the config says.
func TestASPNET(t *testing.T) {
	t.Parallel()
	host := asptest.Start(t)
	w := newWorld(t, options{url: host.URL})
	// The vendor's texts are taken as they are, so that the awkward ones get through.
	w.edit("text: htmlToText(body.comment.text) + links(body.comment.attachments)", "text: body.comment.text")
	w.edit("text: htmlToText(body.ticket.solution ?? '')", "text: body.ticket.solution")
	w.start()

	w.mustSend(w.call(alpha, map[string]any{"task": "4711", "request_type": "Submit Request", "title": "Printer"}), 202)
	w.until("the vendor has a ticket", func() bool { return len(w.vendor[alpha].Tickets()) == 1 })
	number := w.vendor[alpha].Tickets()[0]
	_, err := w.vendor[alpha].Reply(number, "bob", awkward, true)
	require.NoError(t, err)
	require.NoError(t, w.vendor[alpha].Resolve(number, "bob", awkward))
	reference := "EXT & < > \" é 漢"
	w.done("bonds", "link", alpha, "4712", reference)
	w.settled()
	w.nothingStuck()

	calls := map[string][]asptest.Call{}
	all, err := host.Calls()
	require.NoError(t, err)
	for _, c := range all {
		require.Equal(t, []bool{false, false}, c.Null)
		c.Null = nil
		calls[c.Args[0]] = append(calls[c.Args[0]], c)
	}
	require.Equal(t, map[string][]asptest.Call{
		"4711": {
			{Operation: workflow.Acknowledgement, Args: []string{"4711", number}},
			{Operation: workflow.UpdateMessage, Args: []string{"4711", awkwardArrived}},
			{Operation: workflow.Reassignment, Args: []string{"4711", awkwardArrived}},
		},
		"4712": {{Operation: workflow.Acknowledgement, Args: []string{"4712", reference}}},
	}, calls)

	// An exception is retried by default.
	thrown := asptest.Throw + " no such task: é 漢"
	w.mustSend(w.call(alpha, map[string]any{"task": "4711", "request_type": "Resolution Rejection", "text": "no"}), 202)
	w.mustSend(w.comment(alpha, "throws", number, thrown), 202)
	w.until("it was thrown twice", func() bool { return len(w.event(w.only(thrown).ID).Attempts) > 1 })
	e := w.event(w.only(thrown).ID)
	require.Contains(t, []bridge.EventState{bridge.StateQueued, bridge.StateLeased}, e.State)
	for _, a := range e.Attempts {
		require.Equal(t, bridge.OutcomeRetry, a.Outcome)
		require.Equal(t, bridge.Fault, a.Reason)
		require.Equal(t, bridge.ThenRetry, a.Then)
		require.Contains(t, a.Detail, thrown)
	}

	// Configured as a refusal it is skipped, a solution parks; people read why.
	w.edit("ssp:\n", "ssp:\n  on_fault: {server: refused}\n")
	w.restart()
	w.until("the update is skipped", func() bool { return w.only(thrown).State == bridge.StateEnded })
	e = w.event(w.only(thrown).ID)
	require.Equal(t, bridge.Skipped, e.Reason)
	refused := e.Attempts[len(e.Attempts)-1]
	require.Equal(t, bridge.OutcomeRefused, refused.Outcome)
	require.Equal(t, bridge.Fault, refused.Reason)
	text := w.done("events", "show", e.ID)
	require.Contains(t, text, "fault soap:Server: ")
	require.Contains(t, text, thrown)

	require.NoError(t, w.vendor[alpha].Resolve(number, "bob", thrown))
	w.until("the solution parks", func() bool { return len(w.events("--state", "parked")) == 1 })
	parked := w.events("--state", "parked")[0]
	require.Equal(t, bridge.Resolve, parked.Kind)
	require.Contains(t, w.done("lanes", "list"), "alpha/in/4711")
	w.done("events", "ignore", parked.ID, "--note", "SSP does not know it")
	w.done("lanes", "resume", "alpha/in/4711")
	w.settled()
	w.nothingStuck()
}
