package binding

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

func messages(all []Finding) []string {
	var out []string
	for _, f := range all {
		out = append(out, f.Msg)
	}
	return out
}

func TestDefaultFitsTheDefaultContract(t *testing.T) {
	d := parse(t, monoWSDL(t))
	for _, v := range []wsdl.Version{wsdl.SOAP11, wsdl.SOAP12} {
		c, findings := Bind(d, Default(), v)
		require.Empty(t, findings)
		require.True(t, IsFingerprint(c.Fingerprint))
		require.Equal(t, "http://tempuri.org/ProcessInstanceTaskExternalUpdateMessage", c.Call(bridge.Update).Action)
		require.Nil(t, c.Call(bridge.Submit))
	}
}

func TestFindings(t *testing.T) {
	const op = "ProcessInstanceTaskExternalUpdateMessage"
	good := strings.Join([]string{el("task", "s:string"), el("text", "s:string", `minOccurs="0"`)}, "")
	for name, c := range map[string]struct {
		in, arguments string
		want          string // of update; empty: none
		hint          string
	}{
		"fits":                   {good, "task: task\ntext: message", "", ""},
		"a wrong name":           {good, "task: task\ntexts: message", op + ` has no argument "texts"`, "did you mean text? it takes task, text"},
		"one too many":           {good, "task: task\ntext: message\nextra: {value: x}", op + ` has no argument "extra"`, "it takes task, text"},
		"one is not mentioned":   {good + el("hash", "s:string"), "task: task\ntext: message", `argument "hash" of ` + op + ` (string) has neither a role nor a value`, "give it a role (task, reference, message, solution, author, status), a value, a secret or a hash, or write hash: ignore"},
		"ignored":                {good + el("hash", "s:string"), "task: task\ntext: message\nhash: ignore", "", ""},
		"a complex one whole":    {good + el("who", "t:Person"), "task: task\ntext: message\nwho: {value: x}", op + ` has no argument "who"`, "it is complex: name its parts, who.Name, who.Age"},
		"a complex one in parts": {good + el("who", "t:Person"), "task: task\ntext: message\nwho.Name: author\nwho.Age: ignore", "", ""},
		"text into a number":     {el("task", "s:int") + el("text", "s:int"), "task: task\ntext: message", `argument "text" of ` + op + ` is int; the message is a text`, ""},
		"hash into a number":     {good + el("n", "s:int"), "task: task\ntext: message\nn: {hash: {algorithm: sha1, over: [task]}}", `argument "n" of ` + op + ` is int; a hash is a text`, ""},
		"hash over nothing":      {good + el("h", "s:string"), "task: task\ntext: message\nh: {hash: {algorithm: sha1, over: [tasks]}}", `the hash in "h" is over "tasks", which is not an argument that is sent`, ""},
		"hash over a hash":       {good + el("h", "s:string") + el("g", "s:string"), "task: task\ntext: message\ng: {hash: {algorithm: sha1, over: [task]}}\nh: {hash: {algorithm: sha1, over: [g]}}", `the hash in "h" is over another hash`, ""},
		"constant of a number":   {good + el("n", "s:int"), "task: task\ntext: message\nn: {value: many}", `the constant for argument "n" of ` + op + ` does not fit: "many" is not a value of type int`, ""},
		"constant of a list":     {good + el("n", "t:State"), "task: task\ntext: message\nn: {value: closed}", `the constant for argument "n" of ` + op + ` does not fit: "closed" is not one of open, done`, ""},
		"a right constant":       {good + el("n", "t:State"), "task: task\ntext: message\nn: {value: done}", "", ""},
		"limited":                {el("task", "s:string") + el("text", "t:Short"), "task: task\ntext: message", `argument "text" of ` + op + ` takes at most 40 characters`, "write {role: message, limit: 40, over: cut}"},
		"limited more":           {el("task", "s:string") + el("text", "t:Short"), "task: task\ntext: {role: message, limit: 30}", "", ""},
		"no value fits":          {good + el("x", "s:anyType"), "task: task\ntext: message\nx: {value: y}", `argument "x" of ` + op + ` cannot be given a value: it may be anything (anyType)`, "write x: ignore, if SSP can do without it"},
		"a choice":               {good + `<s:choice/>`, "task: task\ntext: message", op + ` takes a message that cannot be built: element ` + op + ` has a choice in it`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			whole := "update:\n  arguments:\n    " + strings.ReplaceAll(c.arguments, "\n", "\n    ") + "\nacknowledge: {arguments: {task: task, x: reference}}\nresolve: {arguments: {task: task, x: solution}}\n"
			o, problems := readWhole(t, whole)
			require.Empty(t, problems)
			_, all := Bind(parse(t, service(c.in, "")), o, wsdl.SOAP11)
			var got []Finding
			for _, f := range all {
				if f.Kind == bridge.Update {
					got = append(got, f)
				}
			}
			if c.want == "" {
				require.Empty(t, got)
				return
			}
			require.NotEmpty(t, got)
			require.Equal(t, c.want, got[0].Msg, "%q", messages(got))
			require.Equal(t, c.hint, got[0].Hint)
			p := got[0].Problem(nil)
			require.Equal(t, "c.yaml", p.File)
			require.Positive(t, p.Line)
			if f := got[0]; f.Path != "" && f.Path != "hash" {
				require.Contains(t, p.Path, "update.arguments.")
			}
		})
	}
}

func TestOperationsThatAreNotThere(t *testing.T) {
	d := parse(t, service(el("a", "s:string"), ""))
	o, _ := read(t, "a: task")
	for v, hint := range map[wsdl.Version]string{wsdl.SOAP12: `it does in SOAP 1.1: write version: "1.1"`} {
		_, findings := Bind(d, o, v)
		require.Len(t, findings, 3)
		require.Equal(t, hint, findings[0].Hint)
	}
	o, _ = read(t, "a: task", "name: ProcessInstanceTaskExternalUpdateMesage")
	_, findings := Bind(d, o, wsdl.SOAP11)
	require.Equal(t, "SSP offers no operation ProcessInstanceTaskExternalUpdateMesage in SOAP 1.1", findings[0].Msg)
	require.Equal(t, "did you mean name: ProcessInstanceTaskExternalUpdateMessage?", findings[0].Hint)
	d = parse(t, `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><import location="x.wsdl"/></definitions>`)
	_, findings = Bind(d, o, wsdl.SOAP11)
	require.Equal(t, "it may be in x.wsdl, which was not read", findings[0].Hint)
	rpc := strings.ReplaceAll(service(el("a", "s:string"), ""), `use="literal"`, `use="encoded"`)
	o, _ = read(t, "a: task")
	_, findings = Bind(parse(t, rpc), o, wsdl.SOAP11)
	require.Contains(t, findings[0].Msg, "is called as document/encoded; only document/literal is supported")
}

func TestOverrides(t *testing.T) {
	d := parse(t, service(el("a", "s:string"), el("r", "s:string")))
	o, problems := read(t, "a: task\nb: reference\nc: message", "namespace: urn:other", "url: http://other/x.asmx")
	require.Empty(t, problems)
	c, _ := Bind(d, o, wsdl.SOAP11)
	call := c.Call(bridge.Update)
	require.Equal(t, "urn:other", call.Input.Space)
	require.Equal(t, "urn:other", call.Output.Space)
	require.Equal(t, "urn:other/"+DefaultName(bridge.Update), call.Action)
	require.Equal(t, "http://other/x.asmx", call.URL)
	require.Equal(t, `<`+DefaultName(bridge.Update)+` xmlns="urn:other"><a>1</a></`+DefaultName(bridge.Update)+`>`, marshal(t, call, bridge.Event{Task: "1"}))
	o, _ = read(t, "a: task\nb: reference\nc: message", "namespace: urn:other", "action: urn:do-it")
	c, _ = Bind(d, o, wsdl.SOAP11)
	require.Equal(t, "urn:do-it", c.Call(bridge.Update).Action)
}

func TestAssume(t *testing.T) {
	o, problems := read(t, "task: task\nwhat.text: message\nwhat.ref: reference\nno: ignore\nwhat.by: {role: author, omit_if_empty: true}", "namespace: urn:n/")
	require.Empty(t, problems)
	call := Assume(o, wsdl.SOAP12).Call(bridge.Update)
	require.Equal(t, wsdl.SOAP12, call.Version)
	require.Equal(t, "urn:n/"+DefaultName(bridge.Update), call.Action)
	require.Equal(t, xml.Name{Space: "urn:n/", Local: DefaultName(bridge.Update) + "Response"}, call.Output)
	require.Equal(t, `<`+DefaultName(bridge.Update)+` xmlns="urn:n/"><task>1</task><what><text>t</text><ref>R</ref></what></`+DefaultName(bridge.Update)+`>`,
		marshal(t, call, bridge.Event{Task: "1", Text: "t", Reference: "R"}))
}

func TestFingerprint(t *testing.T) {
	print := func(text string) string {
		c, _ := Bind(parse(t, text), Default(), wsdl.SOAP11)
		return c.Fingerprint
	}
	text := monoWSDL(t)
	base := print(text)
	require.Equal(t, base, print(text), "it is always the same")
	for _, change := range [][2]string{
		{"127.0.0.1:18081", "ssp.example.com"}, // the address
		{`<s:element name="string"`, `<s:element name="other"`},
		{`<wsdl:operation name="ProcessInstanceTaskExternalUpdateMessage">`, `<wsdl:operation name="ProcessInstanceTaskExternalUpdateMessage"><wsdl:documentation>New!</wsdl:documentation>`},
	} {
		require.Contains(t, text, change[0])
		require.Equal(t, base, print(strings.ReplaceAll(text, change[0], change[1])), "%q does not matter", change)
	}
	for _, change := range [][2]string{
		{`name="solution" type="s:string"`, `name="solution" type="s:token"`},
		{`minOccurs="0" maxOccurs="1" name="message"`, `minOccurs="1" maxOccurs="1" name="message"`},
		{`name="ProcessInstanceTaskExternalUpdateMessageResult" type="s:string"`, `name="ProcessInstanceTaskExternalUpdateMessageResult" type="s:int"`},
		{`soapAction="http://tempuri.org/ProcessInstanceTaskExternalReassignment"`, `soapAction="urn:x"`},
		{`name="externalReference"`, `name="reference"`},
	} {
		require.Contains(t, text, change[0])
		require.NotEqual(t, base, print(strings.ReplaceAll(text, change[0], change[1])), "%q matters", change)
	}
	require.False(t, IsFingerprint("v1-x"))
}
