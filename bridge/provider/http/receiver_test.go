package httpprovider

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/provider/http/vendortest"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// receive maps a JSON body by the rules given.
func receive(t *testing.T, inbound string, in bridge.Inbound) []bridge.Event {
	t.Helper()
	p := build(t, minimal+inbound)
	events, err := p.Receiver.Receive(t.Context(), in)
	require.NoError(t, err)
	return events
}

func vendorRules(t *testing.T) string {
	t.Helper()
	t.Setenv(vendortest.TokenEnv, "vendor-token")
	t.Setenv(vendortest.SecretEnv, "vendor-secret")
	return vendortest.Config("http://127.0.0.1:1", "")
}

func TestRulesOfTheVendor(t *testing.T) {
	p := build(t, vendorRules(t))
	one := func(body string) bridge.Event {
		t.Helper()
		events, err := p.Receiver.Receive(t.Context(), hook(body))
		require.NoError(t, err)
		require.Len(t, events, 1)
		return events[0]
	}
	ticket := `"ticket":{"number":"ACME-7","external_id":"4711|e1","solution":"<p>new<br>toner</p>"}`

	e := one(`{"id":"chg-1","type":"ticket.created","actor":"api-bridge",` + ticket + `}`)
	require.Equal(t, bridge.Acknowledge, e.Kind)
	require.Equal(t, "4711", e.Task)
	require.Equal(t, "ACME-7", e.Reference)
	require.Equal(t, "acme-7", e.RefKey)
	require.Equal(t, "acknowledge:chg-1", e.Key)
	require.Equal(t, bridge.EchoUnknown, e.Echo, "it brings the reference, whoever caused it")
	require.Equal(t, received, e.Received)
	require.Equal(t, bridge.In, e.Dir)
	require.Equal(t, bridge.ByWebhook, e.Entrance)
	require.NotNil(t, e.Inbound)

	e = one(`{"id":"chg-2","type":"comment.created",` + ticket + `,"comment":{"id":"c-1","author":"bob","public":true,
		"text":"a <b>b</b>","attachments":[{"name":"x.png","url":"https://v.example/x"}]}}`)
	require.Equal(t, bridge.Update, e.Kind)
	require.Equal(t, "a b\n- x.png: https://v.example/x", e.Text)
	require.Equal(t, "bob", e.Author)
	require.Equal(t, bridge.EchoByComment, e.Echo, "every call that writes a text tells its id")
	require.Equal(t, "c-1", e.Comment)

	e = one(`{"id":"chg-3","type":"comment.created",` + ticket + `,"comment":{"id":"c-1","author":"API-Bridge","public":true,"text":"x"}}`)
	require.Equal(t, bridge.EchoByAuthor, e.Echo)

	e = one(`{"id":"chg-4","type":"ticket.resolved","actor":"bob",` + ticket + `}`)
	require.Equal(t, bridge.Resolve, e.Kind)
	require.Equal(t, "new\ntoner", e.Text)
	require.Equal(t, bridge.EchoUnknown, e.Echo)

	for silent, why := range map[string]bridge.Reason{
		`{"id":"chg-5","type":"comment.created",` + ticket + `,"comment":{"id":"c-2","author":"bob","public":false,"text":"internal"}}`: bridge.NotPublic,
		`{"id":"chg-6","type":"ticket.reopened",` + ticket + `}`:                                                                        bridge.IgnoredByRule,
	} {
		e := one(silent)
		require.Equal(t, why, e.Ignore)
		require.Empty(t, e.Quarantine)
		require.Empty(t, e.Text)
		require.Nil(t, e.Inbound, "what is left is not kept")
		require.Contains(t, e.Detail, "rule")
	}
	e = one(`{"id":"chg-7","type":"ticket.merged"}`)
	require.Equal(t, bridge.NoRule, e.Quarantine)
}

func TestWhatCannotBeMappedIsKept(t *testing.T) {
	const rules = `
inbound:
  visibility: all
  rules:
    - {name: msg, when: body.type == 'm', kind: update, reference: body.t.no, text: body.text}
    - {when: body.type == 's', kind: resolve, reference: body.t, text: body.text}
    - {when: body.n + 1 > 0, kind: ignore}
`
	for body, want := range map[string]struct {
		reason bridge.Reason
		detail string
	}{
		`{"type":"m","text":"x"}`:                {bridge.RuleFailed, `rule 1 (msg): reference: expression "body.t.no"`},
		`{"type":"m","t":{"no":"1"}}`:            {bridge.MissingField, `rule "msg" makes an update without text`},
		`{"type":"m","t":{"no":" "},"text":"x"}`: {bridge.MissingField, "without task and reference"},
		`{"type":"s","t":{"a":1},"text":"x"}`:    {bridge.RuleFailed, "rule 2: reference"},
		`{"type":"x","n":"a"}`:                   {bridge.RuleFailed, "rule 3: when"},
		`{"n":-1}`:                               {bridge.NoRule, "no rule"},
		`{`:                                      {bridge.Unreadable, "not JSON"},
		``:                                       {bridge.Unreadable, "empty"},
	} {
		events := receive(t, rules, hook(body))
		require.Len(t, events, 1, body)
		e := events[0]
		require.Equal(t, want.reason, e.Quarantine, body)
		require.Contains(t, e.Detail, want.detail, body)
		require.Empty(t, e.Kind, "its claim must be that of the whole input")
		require.Equal(t, body, string(e.Inbound.Body))
		require.Equal(t, "acme", e.Provider)
	}
}

func TestBatchesListsAndContinue(t *testing.T) {
	const rules = `
inbound:
  visibility: all
  each: body.events
  rules:
    - {when: item.skip, kind: ignore}
    - {each: item.comments, when: item.ok, kind: update, id: item.id, reference: parent.no, text: "${index}: ${item.text}", continue: true}
    - {when: item.solved, kind: resolve, id: item.no, reference: item.no, text: "'s'"}
    - {kind: ignore}
`
	events := receive(t, rules, hook(`{"events":[
		{"skip":true,"solved":true,"no":"0"},
		{"no":"1","solved":true,"comments":[{"id":1,"ok":true,"text":"a"},{"id":2,"text":"b"},{"id":3,"ok":true,"text":"c"}]},
		{"no":"2","comments":[{"id":1,"ok":true,"text":"d"}]},
		{"no":"3"}]}`))
	var got []string
	left := 0
	for _, e := range events {
		if e.Ignore != "" {
			left++
			continue
		}
		got = append(got, fmt.Sprint(e.Kind, " ", e.Reference, " ", e.Key, " ", e.Text))
		require.Less(t, len(e.Inbound.Body), 160, "a batch is not stored once for each of its items")
	}
	require.Equal(t, []string{"update 1 update:1 0: a", "update 1 update:3 2: c", "resolve 1 resolve:1 s", "update 2 update:1 0: d"}, got)
	require.Equal(t, 2, left, "items that had no effect at all are recorded")

	many := "[" + strings.TrimSuffix(strings.Repeat("{},", maxItems+1), ",") + "]"
	events = receive(t, rules, hook(`{"events":`+many+`}`))
	require.Len(t, events, 1)
	require.Equal(t, bridge.Unreadable, events[0].Quarantine)
	events = receive(t, rules, hook(`{"events":[{"comments":`+many+`}]}`))
	require.Equal(t, bridge.RuleFailed, events[0].Quarantine)
	events = receive(t, rules, hook(`{"events":5}`))
	require.Equal(t, bridge.RuleFailed, events[0].Quarantine)
	require.Contains(t, events[0].Detail, "inbound.each")

	// One bad item does not take the others with it.
	events = receive(t, rules, hook(`{"events":[{"skip":"x"},{"no":"2","solved":true}]}`))
	require.Len(t, events, 2)
	require.Equal(t, bridge.RuleFailed, events[0].Quarantine)
	require.Equal(t, bridge.Resolve, events[1].Kind)
}

func TestKeys(t *testing.T) {
	const rules = `
inbound:
  visibility: all
  each: body
  rules:
    - {kind: update, id: item.id, reference: item.no, text: item.text, fields: {a: item.a, b: item.none}}
`
	in := hook(`[{"id":" 9 ","no":"1","text":"a","a":[1]},{"no":"1","text":"b"},{"no":"1","text":"c"}]`)
	in.Delivery = "d1"
	events := receive(t, rules, in)
	require.Equal(t, "update:9", events[0].Key)
	require.Equal(t, map[string]any{"a": []any{1}}, events[0].Fields)
	require.Equal(t, "delivery:d1:1", events[1].Key)
	require.Equal(t, "delivery:d1:2", events[2].Key)

	in.Delivery = ""
	require.Empty(t, receive(t, rules, in)[1].Key)
}

func TestEchoes(t *testing.T) {
	rules := func(comment string) string {
		return "\ninbound:\n  visibility: all\n  authors: [' Bot ']\n  rules:\n    - {kind: update, reference: body.no, text: body.text, author: body.who, author_id: body.uid" + comment + "}\n"
	}
	withID := func(inbound string) []bridge.Event {
		p := build(t, strings.Replace(minimal, `{text: "${event.text}"}}`, `{text: "${event.text}"}, comment: answer.id}`, 1)+inbound)
		events, err := p.Receiver.Receive(t.Context(), hook(`{"no":"1","text":"a","who":"Ann","id":5}`))
		require.NoError(t, err)
		return events
	}
	require.Equal(t, bridge.EchoByComment, withID(rules(", comment: body.id"))[0].Echo)
	require.Equal(t, "5", withID(rules(", comment: body.id"))[0].Comment)
	require.Equal(t, bridge.EchoByText, withID(rules(", comment: body.none"))[0].Echo)
	require.Equal(t, bridge.EchoByText, withID(rules(""))[0].Echo)
	require.Equal(t, bridge.EchoByText, receive(t, rules(", comment: body.id"), hook(`{"no":"1","text":"a","id":5}`))[0].Echo,
		"the calls tell no comment ids")
	require.Equal(t, bridge.EchoByAuthor, receive(t, rules(""), hook(`{"no":"1","text":"a","who":"bot"}`))[0].Echo)
	require.Equal(t, bridge.EchoByAuthor, receive(t, rules(""), hook(`{"no":"1","text":"a","who":"Ann","uid":"BOT"}`))[0].Echo)
}

func TestAnAcknowledgeIsNoEcho(t *testing.T) {
	const rules = "\ninbound:\n  authors: [bot]\n  rules: [{kind: acknowledge, reference: body.no, author: body.who}]\n"
	require.Equal(t, bridge.EchoUnknown, receive(t, rules, hook(`{"no":"1","who":"bot"}`))[0].Echo)
}

func TestAPolledItemIsNoBatch(t *testing.T) {
	const rules = "\ninbound:\n  visibility: all\n  each: body.items\n  rules: [{kind: update, reference: item.no, text: item.text}]\n"
	in := hook(`{"no":"1","text":"a","items":[]}`)
	require.Empty(t, receive(t, rules, in))
	in.Entrance = bridge.ByPoll
	require.Len(t, receive(t, rules, in), 1)
}

func TestPrivateTextsEndAtTheirRule(t *testing.T) {
	const rules = `
inbound:
  rules:
    - {when: body.comment != nil, kind: update, public: body.public, reference: body.no, text: body.comment}
    - {kind: resolve, public: true, reference: body.no, text: body.comment}
`
	for body, why := range map[string]bridge.Reason{
		`{"no":"1","comment":"a","public":true}`: "", `{"no":"1","comment":"a","public":false}`: bridge.NotPublic, `{"no":"1","comment":"a"}`: bridge.NotPublic,
	} {
		events := receive(t, rules, hook(body))
		require.Len(t, events, 1, body)
		require.Equal(t, why, events[0].Ignore, body)
		require.Equal(t, why == "", events[0].Text == "a", body)
	}
	events := receive(t, rules, hook(`{"no":"1","comment":"a","public":"yes"}`))
	require.Equal(t, bridge.RuleFailed, events[0].Quarantine, "what is neither true nor false is no permission")
}

func TestXMLAndForms(t *testing.T) {
	const rules = `
inbound:
  visibility: all
  rules:
    - {when: "header['X-Kind'] == 'xml'", kind: update, reference: "body.t['@no']", text: body.t.text, task: query.task}
    - {kind: update, reference: body.no, text: body.text}
`
	in := hook(`<t no="A-1"><text>x &amp; y</text></t>`)
	in.ContentType, in.Header, in.Query = "text/xml", map[string]string{"X-Kind": "xml", "Traceparent": "00-1"}, map[string]string{"task": "4711"}
	e := receive(t, rules, in)[0]
	require.Equal(t, []string{"A-1", "x & y", "4711", "00-1"}, []string{e.Reference, e.Text, e.Task, e.Trace})

	in = hook("no=A-2&text=x+y")
	in.ContentType = "application/x-www-form-urlencoded"
	e = receive(t, rules, in)[0]
	require.Equal(t, []string{"A-2", "x y"}, []string{e.Reference, e.Text})
}

func TestSecretsDoNotStayInTheRawInput(t *testing.T) {
	secret.Register("hunter2-hunter2")
	const rules = "\ninbound:\n  visibility: all\n  rules: [{kind: update, reference: body.no, text: body.text}]\n"
	e := receive(t, rules, hook(`{"no":"1","text":"a","key":"hunter2-hunter2"}`))[0]
	require.NotContains(t, string(e.Inbound.Body), "hunter2")
	e = receive(t, rules, hook(`{"key":"hunter2-hunter2"`))[0]
	require.NotContains(t, string(e.Inbound.Body), "hunter2")
}

func TestReceivingTwiceGivesTheSame(t *testing.T) {
	p := build(t, vendorRules(t))
	in := hook(`{"id":"chg-2","type":"comment.created","ticket":{"number":"A"},"comment":{"id":"c","author":"b","public":true,"text":"x"}}`)
	a, err := p.Receiver.Receive(t.Context(), in)
	require.NoError(t, err)
	again := *a[0].Inbound // what quarantine re-reads
	b, err := p.Receiver.Receive(t.Context(), again)
	require.NoError(t, err)
	require.Equal(t, a, b)
}

func FuzzReceive(f *testing.F) {
	f.Setenv(vendortest.TokenEnv, "vendor-token")
	f.Setenv(vendortest.SecretEnv, "vendor-secret")
	f.Add("application/json", []byte(`{"type":"comment.created","id":1,"ticket":{"number":2},"comment":{"public":true,"text":"<p>"}}`))
	f.Add("text/xml", []byte(`<type>ticket.created</type>`))
	n, err := config.Parse("c.yaml", []byte(vendortest.Config("http://127.0.0.1:1", "")))
	require.NoError(f, err)
	c := &Config{}
	config.Decode(n, c)
	require.Empty(f, n.Problems())
	f.Fuzz(func(t *testing.T, ct string, body []byte) {
		r := &Receiver{name: "acme", config: c, now: func() time.Time { return received }}
		events, err := r.Receive(t.Context(), bridge.Inbound{Entrance: bridge.ByWebhook, ContentType: ct, Body: body})
		require.NoError(t, err)
		for _, e := range events {
			require.True(t, e.Quarantine != "" || e.Kind.Valid(bridge.In))
			_, err := json.Marshal(e)
			require.NoError(t, err)
		}
	})
}
