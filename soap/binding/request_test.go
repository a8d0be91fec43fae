package binding

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// marshal returns the only request for an event.
func marshal(t *testing.T, c *Call, e bridge.Event) string {
	t.Helper()
	requests, _, err := c.Requests(bridge.Lease{Event: e})
	require.NoError(t, err)
	require.Len(t, requests, 1)
	b, err := xml.Marshal(requests[0])
	require.NoError(t, err)
	return string(b)
}

// bound binds update to a service that takes the given elements.
func bound(t *testing.T, in, out, arguments string, more ...string) *Call {
	t.Helper()
	o, problems := read(t, arguments, more...)
	require.Empty(t, problems)
	c, findings := Bind(parse(t, service(in, out)), o, wsdl.SOAP11)
	require.Empty(t, findings)
	return c.Call(bridge.Update)
}

const roles = "task: task\nref: reference\ntext: message\n"

var roleElements = el("text", "s:string", `minOccurs="0"`) + el("task", "s:int") + el("ref", "s:string")

func inner(t *testing.T, c *Call, e bridge.Event) string {
	t.Helper()
	s := marshal(t, c, e)
	s = strings.TrimPrefix(s, `<`+c.Operation+` xmlns="urn:t">`)
	return strings.TrimSuffix(s, `</`+c.Operation+`>`)
}

func TestRequestFollowsTheDescription(t *testing.T) {
	c := bound(t, roleElements+el("who", "t:Person", `minOccurs="0"`)+el("state", "t:State", `minOccurs="0"`)+el("at", "s:dateTime", `nillable="true"`),
		"", roles+"who.Name: {role: author, omit_if_empty: true}\nwho.Age: ignore\nstate: status\nat: {value: ''}")
	e := bridge.Event{Task: " 0815", Reference: "R<1>", Text: "a\r\n\x07b", Author: "Anna", Fields: map[string]any{"status": "done"}}
	const nilAt = `<at xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"></at>`
	require.Equal(t, "<text>a&#xD;\nb</text><task>815</task><ref>R&lt;1&gt;</ref><who><Name>Anna</Name></who><state>done</state>"+nilAt, inner(t, c, e))
	require.Equal(t, "<text></text><task>1</task><ref></ref><state>open</state>"+nilAt, inner(t, c, bridge.Event{Task: "1", Fields: map[string]any{"status": "open"}}),
		"an empty text is sent, an object with nothing in it is not")
	for name, e := range map[string]bridge.Event{
		`argument task of ` + c.Operation + `: "T-1" is not a value of type int`: {Task: "T-1", Fields: map[string]any{"status": "open"}},
		`argument task of ` + c.Operation + `: it is empty`:                      {Fields: map[string]any{"status": "open"}},
		`argument state of ` + c.Operation + `: "shut" is not one of open, done`: {Task: "1", Fields: map[string]any{"status": "shut"}},
	} {
		_, _, err := c.Requests(bridge.Lease{Event: e})
		require.EqualError(t, err, name)
	}
}

func TestUnqualifiedAndForeignNamespaces(t *testing.T) {
	text := strings.Replace(service(roleElements, ""), `elementFormDefault="qualified"`, "", 1)
	o, problems := read(t, roles)
	require.Empty(t, problems)
	c, findings := Bind(parse(t, text), o, wsdl.SOAP11)
	require.Empty(t, findings)
	got := inner(t, c.Call(bridge.Update), bridge.Event{Task: "1", Reference: "R", Text: "x"})
	require.Equal(t, `<text xmlns="">x</text><task xmlns="">1</task><ref xmlns="">R</ref>`, got)

	// What a reader that knows namespaces makes of it.
	var back struct {
		Text string `xml:"text"`
		Task struct {
			XMLName xml.Name
		} `xml:"task"`
	}
	require.NoError(t, xml.Unmarshal([]byte(`<a xmlns="urn:t">`+got+`</a>`), &back))
	require.Equal(t, "x", back.Text)
	require.Empty(t, back.Task.XMLName.Space)
}

func TestHashes(t *testing.T) {
	t.Setenv("HASH_SECRET", "k3y&<x>")
	in := el("task", "s:string") + el("ref", "s:string") + el("text", "s:string") + el("h", "s:string")
	for form, want := range map[string]string{
		// Made with sha1sum, sha256sum, sha512sum, base64 and iconv.
		`{algorithm: sha1, over: [task, ref], case: lower}`:                                          "b3b3319d6ab26821700e07f1d450f38c01e6a148",
		`{algorithm: sha256, over: [task, ref]}`:                                                     "F809C0E83117F71E0046E54B3ED3EDB36E8B4F595B8D36708B281460C4400849",
		`{algorithm: sha256, over: [ref, task, secret], separator: "|", secret: {env: HASH_SECRET}}`: "65A3D8B1AF562842349C0F40A49930224BE636DDF8A1FE7109CACECC652DD961",
		`{algorithm: sha512, over: [text], encoding: base64}`:                                        "nirShjPyRFG9TzwcsgWGohpEw67tvcAbnMj6cpF+p71onIK4vx/vibkRz4zEb6LBzMEAh7IJT9TTNQ7NiFJqLA==",
		`{algorithm: sha256, over: [text], charset: utf-16le, case: lower}`:                          "63e3c807f93f669a2625f37ee673726c36ef3e99b6b7db02c910be25087e0f9c",
	} {
		c := bound(t, in, "", roles+"h: {hash: "+form+"}")
		requests, _, err := c.Requests(bridge.Lease{Event: bridge.Event{Task: "1", Reference: "R", Text: "é"}})
		require.NoError(t, err)
		require.Equal(t, want, requests[0].Values()["h"], form)
	}
}

// A secret is masked also in the form in which it stands in an envelope.
func TestSecretsAreMaskedInEnvelopes(t *testing.T) {
	t.Setenv("ENVELOPE_SECRET", `p&ss<"word">`)
	c := bound(t, roleElements+el("pw", "s:string"), "", roles+"pw: {secret: {env: ENVELOPE_SECRET}}")
	shown := secret.Mask(marshal(t, c, bridge.Event{Task: "1", Text: "x"}))
	require.Contains(t, shown, "<pw>"+secret.Shown+"</pw>")
}

func TestLongTexts(t *testing.T) {
	c := bound(t, roleElements, "", "task: task\nref: reference\ntext: {role: message, limit: 40, over: split}")
	text := "First line of some length.\nThe second one is here. 🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂 end"
	requests, note, err := c.Requests(bridge.Lease{Event: bridge.Event{Task: "1", Text: text}})
	require.NoError(t, err)
	require.Empty(t, note)
	var parts []string
	for i, r := range requests {
		v := r.Values()["text"]
		require.LessOrEqual(t, width(v), 40)
		require.True(t, strings.HasPrefix(v, mark(i+1, len(requests))), v)
		parts = append(parts, strings.TrimPrefix(v, mark(i+1, len(requests))))
	}
	strip := strings.NewReplacer(" ", "", "\n", "")
	require.Equal(t, strip.Replace(text), strip.Replace(strings.Join(parts, "")), "nothing is lost")
	require.Equal(t, "First line of some length.", parts[0], "it breaks at lines")

	requests, _, err = c.Requests(bridge.Lease{Event: bridge.Event{Task: "1", Text: "short"}})
	require.NoError(t, err)
	require.Len(t, requests, 1)
	require.Equal(t, "short", requests[0].Values()["text"])

	requests, note, err = c.Requests(bridge.Lease{Event: bridge.Event{Task: "1", Text: strings.Repeat("x", 5000)}})
	require.NoError(t, err)
	require.Len(t, requests, maxParts)
	require.Contains(t, note, "the end of the text was cut off")

	c = bound(t, roleElements, "", "task: task\nref: reference\ntext: {role: message, limit: 20}")
	requests, note, err = c.Requests(bridge.Lease{Event: bridge.Event{Task: "1", Text: "🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂"}})
	require.NoError(t, err)
	require.Equal(t, "🙂🙂🙂🙂🙂🙂🙂🙂🙂…", requests[0].Values()["text"], "no half character")
	require.Equal(t, "the text was cut from 22 to 20 characters", note)
}

func FuzzSplit(f *testing.F) {
	f.Add("some text\nof two lines", 20)
	f.Add(strings.Repeat("🙂", 100), 23)
	f.Add("  \n \u2003\u2003x", 20)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit = minLimit + limit%1000; limit < minLimit {
			return
		}
		parts, whole := split(s, limit)
		require.LessOrEqual(t, len(parts), maxParts)
		for _, p := range parts {
			require.LessOrEqual(t, width(p), limit)
		}
		if whole && len(parts) == 1 && width(s) <= limit {
			require.Equal(t, s, parts[0])
		}
	})
}

func TestLexical(t *testing.T) {
	for base, c := range map[string][][2]string{
		"string":       {{" a ", " a "}, {"", ""}},
		"anyURI":       {{"x y", "x y"}},
		"boolean":      {{"TRUE", "true"}, {"1", "true"}, {"False", "false"}, {"0", "false"}, {"yes", "!"}, {"", "!"}},
		"int":          {{" 12 ", "12"}, {"+5", "5"}, {"-2147483648", "-2147483648"}, {"2147483648", "!"}, {"1.5", "!"}, {"1_000", "!"}, {"x", "!"}},
		"unsignedByte": {{"255", "255"}, {"256", "!"}, {"-1", "!"}},
		"integer":      {{"123456789012345678901234567890", "123456789012345678901234567890"}, {strings.Repeat("9", 200), "!"}},
		"decimal":      {{"1.50", "1.50"}, {".5", ".5"}, {"1e3", "!"}},
		"double":       {{"1e3", "1e3"}, {"x", "!"}},
		"dateTime":     {{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"}, {"2026-01-02 03:04:05", "2026-01-02T03:04:05"}, {"yesterday", "!"}},
		"date":         {{"2026-01-02", "2026-01-02"}, {"02.01.2026", "!"}},
		"time":         {{"03:04:05", "03:04:05"}, {"3 o'clock", "!"}},
		"gYear":        {{"2026", "2026"}},
		"base64Binary": {{"é", "w6k="}},
		"hexBinary":    {{"é", "C3A9"}},
	} {
		for _, x := range c {
			got, err := lexical(base, x[0])
			if x[1] == "!" {
				require.Error(t, err, "%s %q", base, x[0])
				continue
			}
			require.NoError(t, err, "%s %q", base, x[0])
			require.Equal(t, x[1], got, "%s %q", base, x[0])
		}
	}
}

func TestResponses(t *testing.T) {
	op := DefaultName(bridge.Update)
	for body, c := range map[string]struct {
		out     string
		text    string
		value   any
		complex bool
	}{
		`<R>true</R>`:  {el("R", "s:boolean"), "true", true, false},
		`<R> 0 </R>`:   {el("R", "s:boolean"), "0", false, false},
		`<R>maybe</R>`: {el("R", "s:boolean"), "maybe", "maybe", false},
		`<R>-7</R>`:    {el("R", "s:int"), "-7", -7, false},
		`<R>1.5</R>`:   {el("R", "s:decimal"), "1.5", 1.5, false},
		`<R>a b</R>`:   {el("R", "s:string"), "a b", "a b", false},
		``:             {"", "", nil, false},
		`<R/>`:         {el("R", "s:string"), "", "", false},
		`<R xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>`: {el("R", "s:string"), "", nil, false},
		`<R><Success>true</Success><Code>4</Code><Text>a</Text><Text>b</Text></R>`: {
			el("R", "t:Outcome"), "true 4 a b", map[string]any{"Success": true, "Code": 4, "Text": []any{"a", "b"}}, true,
		},
		`<R>true</R><Code>4</Code>`: {el("R", "s:boolean") + el("Code", "s:int"), "true", map[string]any{"R": true, "Code": 4}, true},
	} {
		r := bound(t, roleElements, c.out, roles).Response()
		require.NoError(t, xml.Unmarshal([]byte(`<`+op+`Response xmlns="urn:t">`+body+`</`+op+`Response>`), r), body)
		require.Equal(t, c.text, r.Text, body)
		require.Equal(t, c.value, r.Value, body)
		require.Equal(t, c.complex, r.Complex, body)
	}
	r := bound(t, roleElements, "", roles).Response()
	require.ErrorContains(t, xml.Unmarshal([]byte(`<Other xmlns="urn:t"/>`), r), `the answer is the element Other of namespace "urn:t", expected `+op+`Response of "urn:t"`)
	deep := strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100)
	require.ErrorContains(t, xml.Unmarshal([]byte(`<`+op+`Response xmlns="urn:t">`+deep+`</`+op+`Response>`), r), "nested too deeply")
}
