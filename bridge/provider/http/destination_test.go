package httpprovider

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/http/vendortest"
)

func TestWholeLifeAtTheVendor(t *testing.T) {
	v, p := vendor(t, vendortest.Options{}, "")
	o := p.Destination.Deliver(t.Context(), out(bridge.Submit, bridge.ModeNew, "", ""))
	require.Equal(t, bridge.OutcomeDone, o.Kind, o.Detail)
	require.Equal(t, "ACME-1001", o.Reference)
	require.Equal(t, 201, o.Status)
	require.Contains(t, o.Request, "POST http://")
	require.Contains(t, o.Answer, "ACME-1001")

	o = p.Destination.Deliver(t.Context(), out(bridge.Update, "", "ACME-1001", "a <b> & é 漢"))
	require.Equal(t, bridge.OutcomeDone, o.Kind, o.Detail)
	require.Equal(t, "c-1", o.Comment)

	require.NoError(t, v.Resolve("ACME-1001", "bob", "done"))
	o = p.Destination.Deliver(t.Context(), out(bridge.RejectSolution, bridge.ModeReopen, "ACME-1001", "still burns"))
	require.Equal(t, bridge.OutcomeDone, o.Kind, o.Detail)
	require.Equal(t, "c-2", o.Comment)
	o = p.Destination.Deliver(t.Context(), out(bridge.RejectSolution, bridge.ModeReopen, "ACME-1001", "again"))
	require.Equal(t, bridge.OutcomeDone, o.Kind, "the ticket is open already: "+o.Detail)

	for range 2 { // the second finds it closed, which is what it wants
		o = p.Destination.Deliver(t.Context(), out(bridge.Close, "", "ACME-1001", ""))
		require.Equal(t, bridge.OutcomeDone, o.Kind, o.Detail)
	}
	o = p.Destination.Deliver(t.Context(), out(bridge.Update, "", "ACME-1001", "late"))
	require.Equal(t, bridge.OutcomeRefused, o.Kind)
	require.Equal(t, bridge.RefusedAnswer, o.Reason)

	var kinds []string
	for _, e := range v.Ledger() {
		kinds = append(kinds, e.Kind)
	}
	require.Equal(t, []string{"create", "comment", "reopen", "close"}, kinds)
	tk, _ := v.Ticket("ACME-1001")
	require.Equal(t, "high", tk.Priority)
	require.Equal(t, "a &lt;b&gt; &amp; é 漢", tk.Comments[0].Text)
}

func TestWhatARepeatMeans(t *testing.T) {
	ops := map[string]string{
		"continue": "  continue: {url: /continue}\n", "reopen": "  reopen: {url: /reopen}\n",
		"open_linked": "  open_linked: {url: /linked, reference: answer.id}\n", "reject": "  reject_solution: {url: /reject}\n",
		"skip": "  reject_solution: skip\n",
	}
	const base = "kind: http\nbase: http://127.0.0.1:1\nsend:\n  submit: {url: /submit}\n  update: {url: /update}\n  close: skip\n"
	submit := func(m bridge.SubmitMode) bridge.Lease { return out(bridge.Submit, m, "A-1", "") }
	reject := out(bridge.RejectSolution, bridge.ModeReopen, "A-1", "no")
	for _, c := range []struct {
		repeat string
		ops    string
		lease  bridge.Lease
		want   string
	}{
		{"", "reject", submit(bridge.ModeNew), "/submit"},
		{"", "reject", submit(bridge.ModeContinue), "/update"},
		{"", "reject,continue", submit(bridge.ModeContinue), "/continue"},
		{"", "reject", submit(bridge.ModeReopen), "/reject"},
		{"", "reject,reopen", submit(bridge.ModeReopen), "/reopen"},
		{"", "skip", submit(bridge.ModeReopen), "/update"},
		{"continue", "reject,reopen", submit(bridge.ModeReopen), "/update"},
		{"continue", "continue", submit(bridge.ModeReopen), "/continue"},
		{"open_linked", "reject", submit(bridge.ModeReopen), "/submit"},
		{"open_linked", "reject,open_linked", submit(bridge.ModeReopen), "/linked"},
		{"open_linked", "reject", submit(bridge.ModeContinue), "/update"},
		{"", "reject,reopen", reject, "/reject"},
		{"", "reopen", reject, "/reopen"},
		{"reopen", "", reject, "/update"},
		{"continue", "", reject, "/update"},
		{"continue", "continue", reject, "/continue"},
		{"open_linked", "", reject, "/submit"},
		{"open_linked", "open_linked", reject, "/linked"},
		{"", "skip", reject, "skip"},
	} {
		src := base
		for _, o := range strings.Split(c.ops, ",") {
			src += ops[o]
		}
		if c.repeat != "" {
			src += "repeat: " + c.repeat + "\n"
		}
		p := build(t, src)
		shown, err := p.Destination.(bridge.Renderer).Render(c.lease)
		require.NoError(t, err)
		require.Contains(t, strings.SplitN(shown, "\n", 2)[0], c.want, "%+v", c)
	}
}

func TestALinkedTicketReplacesTheReference(t *testing.T) {
	v, p := vendor(t, vendortest.Options{}, "")
	first := p.Destination.Deliver(t.Context(), out(bridge.Submit, bridge.ModeNew, "", "")).Reference
	require.NoError(t, v.CloseTicket(first, "robot"))

	linked := strings.Replace(vendortest.Config(v.URL(), ""), "repeat: reopen", "repeat: open_linked", 1)
	linked = strings.Replace(linked, "send:\n", `send:
  open_linked:
    url: /tickets
    body: {external_id: "${event.task}|${event.id}", title: "${event.title}", previous: "${bond.reference}"}
    reference: answer.ticket.number
`, 1)
	p = build(t, linked)
	o := p.Destination.Deliver(t.Context(), out(bridge.Submit, bridge.ModeReopen, first, ""))
	require.Equal(t, bridge.OutcomeDone, o.Kind, o.Detail)
	require.Equal(t, "ACME-1002", o.Reference)
	tk, _ := v.Ticket("ACME-1002")
	require.Equal(t, first, tk.Previous)
}

func TestARepeatedSubmitBringsItsDescription(t *testing.T) {
	p := build(t, minimal)
	shown, err := p.Destination.(bridge.Renderer).Render(out(bridge.Submit, bridge.ModeContinue, "A-1", ""))
	require.NoError(t, err)
	require.Contains(t, shown, `"text": "It burns"`)
}

func TestOutcomes(t *testing.T) {
	v, p := vendor(t, vendortest.Options{}, "timeout: {first_byte: 300ms, total: 600ms}\n")
	ref := p.Destination.Deliver(t.Context(), out(bridge.Submit, bridge.ModeNew, "", "")).Reference
	for _, c := range []struct {
		fault  vendortest.Fault
		kind   bridge.OutcomeKind
		reason bridge.Reason
		down   bool
	}{
		{vendortest.Fault{Kind: vendortest.ServerError}, bridge.OutcomeRetry, bridge.ServerError, false},
		{vendortest.Fault{Kind: vendortest.Unavailable}, bridge.OutcomeRetry, bridge.Unavailable, true},
		{vendortest.Fault{Kind: vendortest.Throttle, RetryAfter: "7"}, bridge.OutcomeRetry, bridge.Throttled, true},
		{vendortest.Fault{Kind: vendortest.Refuse}, bridge.OutcomeRefused, bridge.RefusedAnswer, false},
		{vendortest.Fault{Kind: vendortest.Login}, bridge.OutcomeRetry, bridge.Unauthorized, true},
		{vendortest.Fault{Kind: vendortest.Drop}, bridge.OutcomeUnknown, bridge.NoAnswer, true},
		{vendortest.Fault{Kind: vendortest.Hang}, bridge.OutcomeUnknown, bridge.NoAnswer, true},
	} {
		c.fault.Times = 1
		v.Fail(c.fault)
		o := p.Destination.Deliver(t.Context(), out(bridge.Update, "", ref, string(c.fault.Kind)))
		require.Equal(t, c.kind, o.Kind, "%s: %s", c.fault.Kind, o.Detail)
		require.Equal(t, c.reason, o.Reason, "%s: %s", c.fault.Kind, o.Detail)
		require.Equal(t, c.down, o.Down, "%s", c.fault.Kind)
		if c.fault.Kind == vendortest.Throttle {
			require.Equal(t, 7*time.Second, o.After)
		}
		require.NotEmpty(t, o.Request)
	}
	v.Down()
	o := p.Destination.Deliver(t.Context(), out(bridge.Update, "", ref, "x"))
	require.Equal(t, bridge.OutcomeRetry, o.Kind)
	require.Equal(t, bridge.NotSent, o.Reason)
	require.True(t, o.Down)
	require.NoError(t, v.Up())
}

func TestAnswersThatCannotBeJudgedAreUnknown(t *testing.T) {
	v, p := vendor(t, vendortest.Options{}, "")
	v.Fail(vendortest.Fault{Kind: vendortest.Garbage, Times: 1})
	l := out(bridge.Submit, bridge.ModeNew, "", "")
	o := p.Destination.Deliver(t.Context(), l)
	require.Equal(t, bridge.OutcomeUnknown, o.Kind)
	require.Equal(t, bridge.BadAnswer, o.Reason)
	require.Contains(t, o.Detail, "reference")

	found, err := p.Destination.(bridge.Finder).Find(t.Context(), l)
	require.NoError(t, err)
	require.Equal(t, bridge.Found{Answer: bridge.IsThere, Reference: "ACME-1001"}, found)
}

func TestFind(t *testing.T) {
	v, p := vendor(t, vendortest.Options{}, "timeout: {first_byte: 300ms, total: 600ms}\n")
	f := p.Destination.(bridge.Finder)
	l := out(bridge.Submit, bridge.ModeNew, "", "")
	found, err := f.Find(t.Context(), l)
	require.NoError(t, err)
	require.Equal(t, bridge.NotThere, found.Answer)

	v.Fail(vendortest.Fault{Kind: vendortest.Drop, Method: "POST", Times: 1})
	o := p.Destination.Deliver(t.Context(), l)
	require.Equal(t, bridge.OutcomeUnknown, o.Kind)
	found, err = f.Find(t.Context(), l)
	require.NoError(t, err)
	require.Equal(t, bridge.Found{Answer: bridge.IsThere, Reference: "ACME-1001"}, found)

	u := out(bridge.Update, "", "ACME-1001", "x")
	found, err = f.Find(t.Context(), u)
	require.NoError(t, err)
	require.Equal(t, bridge.NotThere, found.Answer)
	require.Equal(t, bridge.OutcomeDone, p.Destination.Deliver(t.Context(), u).Kind)
	found, err = f.Find(t.Context(), u)
	require.NoError(t, err)
	require.Equal(t, bridge.Found{Answer: bridge.IsThere}, found)

	v.Fail(vendortest.Fault{Kind: vendortest.ServerError, Times: 1})
	_, err = f.Find(t.Context(), u)
	require.ErrorContains(t, err, "status 500")
	v.Fail(vendortest.Fault{Kind: vendortest.Login, Times: 1})
	_, err = f.Find(t.Context(), u)
	require.Error(t, err)

	// A submit that goes on in the old ticket is looked for among the texts, not among the tickets.
	found, err = f.Find(t.Context(), out(bridge.Submit, bridge.ModeContinue, "ACME-1001", "y"))
	require.NoError(t, err)
	require.Equal(t, bridge.NotThere, found.Answer)

	found, err = build(t, minimal).Destination.(bridge.Finder).Find(t.Context(), l)
	require.NoError(t, err)
	require.Equal(t, bridge.CannotTell, found.Answer)
}

func TestNothingIsSentWithoutWhatIsNeeded(t *testing.T) {
	v, p := vendor(t, vendortest.Options{}, "")
	o := p.Destination.Deliver(t.Context(), out(bridge.Update, "", "", "x"))
	require.Equal(t, bridge.OutcomeRetry, o.Kind)
	require.Equal(t, bridge.NoReference, o.Reason)

	p = build(t, strings.Replace(minimal, `"${event.text}"`, `"${event.fields.a.b}"`, 1))
	o = p.Destination.Deliver(t.Context(), out(bridge.Update, "", "A-1", "x"))
	require.Equal(t, bridge.OutcomeRefused, o.Kind)
	require.Equal(t, bridge.MappingFailed, o.Reason)
	require.Contains(t, o.Detail, "event.fields.a.b")

	o = p.Destination.Deliver(t.Context(), out(bridge.Close, "", "A-1", ""))
	require.Equal(t, bridge.OutcomeDone, o.Kind)
	require.Equal(t, bridge.Skipped, o.Reason)
	require.Zero(t, v.Calls())
}

func TestBodies(t *testing.T) {
	for as, c := range map[string]struct{ config, want, media string }{
		"json": {`body: {a: "${event.fields.none}", b: "", c: [1], d: {e: ""}}, omit_empty: true`, "{\n  \"c\": [\n    1\n  ],\n  \"d\": {}\n}", "application/json"},
		"form": {`as: form, body: {a: "x y", b: ["1", 2]}`, "a=x+y&b=1&b=2", "application/x-www-form-urlencoded"},
		"text": {`as: text, body: "T ${event.text}"`, "T a<&", "text/plain; charset=utf-8"},
		"xml":  {`as: xml, body: "<t>${event.text}</t>"`, "<t>a&lt;&amp;</t>", "application/xml; charset=utf-8"},
		"own":  {`as: text, headers: {Content-Type: text/csv, X-Line: "a\nb", X-None: "${event.fields.none}"}, body: "x"`, "x", "text/csv"},
	} {
		p := build(t, strings.Replace(minimal, `body: {text: "${event.text}"}`, c.config, 1))
		shown, err := p.Destination.(bridge.Renderer).Render(out(bridge.Update, "", "A 1", "a<&"))
		require.NoError(t, err, as)
		require.Contains(t, shown, "POST http://127.0.0.1:1/t/A%201\n")
		require.Contains(t, shown, "Content-Type: "+c.media+"\n", as)
		require.True(t, strings.HasSuffix(shown, "\n\n"+c.want+"\n"), "%s: %s", as, shown)
		require.NotContains(t, shown, "X-None")
	}
}

func TestRulesOnAnswers(t *testing.T) {
	v, _ := vendor(t, vendortest.Options{}, "")
	ref := build(t, vendortest.Config(v.URL(), "")).Destination.Deliver(t.Context(), out(bridge.Submit, bridge.ModeNew, "", "")).Reference
	for rule, want := range map[string]bridge.OutcomeKind{
		"success: answer.comment.author == 'api-bridge'": bridge.OutcomeDone,
		"success: answer.comment.author == 'other'":      bridge.OutcomeRefused,
		"success: answer.nothing.here":                   bridge.OutcomeUnknown,
		"retry_if: answer.comment.public":                bridge.OutcomeRetry,
		"retry_if: answer.nothing.here":                  bridge.OutcomeUnknown,
		"statuses: {retry: [201]}":                       bridge.OutcomeRetry,
		"statuses: {done: [201]}\n    success: 'false'":  bridge.OutcomeDone,
	} {
		p := build(t, strings.Replace(vendortest.Config(v.URL(), ""), "    comment: answer.comment.id\n", "    "+rule+"\n", 1))
		o := p.Destination.Deliver(t.Context(), out(bridge.Update, "", ref, "x"))
		require.Equal(t, want, o.Kind, "%s: %s", rule, o.Detail)
	}
	p := build(t, strings.Replace(vendortest.Config(v.URL(), ""), "answer.comment.id\n", "answer.nothing.here\n", 1))
	o := p.Destination.Deliver(t.Context(), out(bridge.Update, "", ref, "x"))
	require.Equal(t, bridge.OutcomeDone, o.Kind)
	require.Empty(t, o.Comment)
	require.Contains(t, o.Detail, "answer.nothing.here")
}

func TestFindDoesNotTakeTheOldTicketForTheLinkedOne(t *testing.T) {
	v, p := vendor(t, vendortest.Options{}, "")
	l := out(bridge.Submit, bridge.ModeNew, "", "")
	ref := p.Destination.Deliver(t.Context(), l).Reference
	linked := build(t, strings.Replace(vendortest.Config(v.URL(), ""), "repeat: reopen", "repeat: open_linked", 1))
	l.Event.Mode, l.Bond.Reference = bridge.ModeReopen, ref
	found, err := linked.Destination.(bridge.Finder).Find(t.Context(), l)
	require.NoError(t, err)
	require.Equal(t, bridge.CannotTell, found.Answer, "the ticket that was found is the one that was there before")
}

// pages is a destination that answers every call with a page instead of data.
func pages(t *testing.T, page, more string) *Destination {
	t.Helper()
	p := build(t, strings.Replace(minimal, "url: /t,", "url: /t, "+more, 1)+"find:\n  submit: {url: /f, success: 'true', found: 'true', reference: status}\n")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(page))
	}))
	t.Cleanup(srv.Close)
	d := p.Destination.(*Destination)
	d.config.Base = srv.URL
	t.Cleanup(d.client.Close)
	return d
}

func TestAPageIsNoSuccess(t *testing.T) {
	l := out(bridge.Submit, bridge.ModeNew, "", "")
	o := pages(t, "<html>Welcome</html>", "").Deliver(t.Context(), l)
	require.Equal(t, bridge.OutcomeUnknown, o.Kind)
	require.Contains(t, o.Detail, "HTML page")
	o = pages(t, `{"id":1}`, "reference: answer.id,").Deliver(t.Context(), l)
	require.Equal(t, bridge.OutcomeDone, o.Kind, "data is data, whatever its type says: "+o.Detail)
	require.Equal(t, "1", o.Reference)
	o = pages(t, "<html>Welcome</html>", "success: status == 200,").Deliver(t.Context(), l)
	require.Equal(t, bridge.OutcomeDone, o.Kind, "unless the config says so")

	login := pages(t, `<html><input type="password"></html>`, "success: status == 200,")
	o = login.Deliver(t.Context(), l)
	require.Equal(t, bridge.Unauthorized, o.Reason)
	_, err := login.Find(t.Context(), l)
	require.Error(t, err, "a login page has found nothing, whatever the rule says")
}
