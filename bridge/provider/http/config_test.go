package httpprovider

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/provider"
)

func TestMinimalConfig(t *testing.T) {
	p := build(t, minimal)
	require.Nil(t, p.Receiver)
	require.Empty(t, p.Sources)
	require.False(t, p.WithoutReference)
	require.True(t, build(t, strings.Replace(minimal, "/t/${bond.reference}", "/t/${event.task}", 1)).WithoutReference)

	k, ok := provider.Lookup("http")
	require.True(t, ok)
	require.Contains(t, provider.Kinds(), "http")
	c, ok := k.Config().(provider.Configured)
	require.True(t, ok)
	require.NotNil(t, c.CommonConfig())
	_, err := k.New("acme", 5, provider.Deps{})
	require.Error(t, err)
}

// Each case changes the minimal config; the path of the one problem it must have is named.
func TestProblems(t *testing.T) {
	const rules = "\ninbound:\n  rules:\n    - {kind: update, reference: body.a, text: body.b, public: body.p"
	for name, c := range map[string]struct{ from, to, path, msg string }{
		"no submit":        {"  submit: {url: /t, body: {task: \"${event.task}\"}}\n", "", "send.submit", "is required"},
		"submit skipped":   {"submit: {url: /t, body: {task: \"${event.task}\"}}", "submit: skip", "send.submit", "cannot be skipped"},
		"no update":        {"  update: {url: \"/t/${bond.reference}\", body: {text: \"${event.text}\"}}\n", "", "send.update", "is required"},
		"no close":         {"  close: skip\n", "", "send.close", "is required"},
		"no reject":        {"  reject_solution: skip\n", "", "send.reject_solution", "is required"},
		"not a call":       {"close: skip", "close: no", "send.close", "must be a call or skip"},
		"unknown key":      {"close: skip", "close: {url: /x, urll: /x}", "send.close.urll", "unknown key"},
		"misspelled field": {"${event.task}", "${event.tsk}", "send.submit.body.task", "tsk"},
		"name not here":    {"${event.task}", "${body.x}", "send.submit.body.task", "not known here"},
		"no table":         {"${event.task}", "${table('p', 1)}", "send.submit", `no table "p"`},
		"no base":          {"base: http://127.0.0.1:1\n", "", "", ""},
		"bad base":         {"http://127.0.0.1:1", "127.0.0.1:1", "base", "must be an http or https address"},
		"login in base":    {"http://127.0.0.1:1", "http://u:p@127.0.0.1:1", "base", "user name"},
		"query in base":    {"http://127.0.0.1:1", "http://127.0.0.1:1/?a=b", "base", "query"},
		"bad url":          {"url: /t,", "url: t,", "send.submit.url", "begins with"},
		"GET with body":    {"url: /t,", "url: /t, method: GET,", "send.submit.body", "a GET has no body"},
		"form not flat":    {"{task: \"${event.task}\"}", "[1], as: form", "send.submit.body", "as: form"},
		"xml not text":     {"body: {task: \"${event.task}\"}", "body: {a: b}, as: xml", "send.submit.body", "as: xml"},
		"credentials":      {"url: /t,", "url: /t, headers: {authorization: x},", "send.submit.headers.authorization", "credentials"},
		"bad header":       {"url: /t,", "url: /t, headers: {\"a b\": x},", "send.submit.headers[\"a b\"]", "not the name"},
		"bad status":       {"url: /t,", "url: /t, statuses: {retry: [42]},", "send.submit.statuses.retry[0]", "42"},
		"status twice":     {"url: /t,", "url: /t, statuses: {retry: [409], done: [409]},", "send.submit.statuses.retry[0]", "409"},
		"bad condition":    {"url: /t,", "url: /t, success: 'answer.',", "send.submit.success", "column"},
		"event in answer":  {"url: /t,", "url: /t, reference: body.x,", "send.submit.reference", "not known here"},
		"find nothing":     {"close: skip\n", "close: skip\nfind:\n  reopen: {url: /x, found: true}\n", "find.reopen", "not configured"},
		"find no number":   {"close: skip\n", "close: skip\nfind:\n  submit: {url: /x, found: true}\n", "find.submit", "reference"},
		"private":          {"close: skip\n", "close: skip\n" + strings.Replace(rules, ", public: body.p", "", 1) + "}\n", "inbound.rules[0]", "cannot tell private"},
		"private solution": {"close: skip\n", "close: skip\n" + strings.NewReplacer(", public: body.p", "", "kind: update", "kind: resolve").Replace(rules) + "}\n", "inbound.rules[0]", "cannot tell private"},
		"no ticket":        {"close: skip\n", "close: skip\n" + strings.Replace(rules, "reference: body.a, ", "", 1) + "}\n", "inbound.rules[0]", "which ticket"},
		"no text":          {"close: skip\n", "close: skip\n" + strings.Replace(rules, "text: body.b, ", "", 1) + "}\n", "inbound.rules[0]", "needs text"},
		"rule sees event":  {"close: skip\n", "close: skip\n" + strings.Replace(rules, "body.a", "event.task", 1) + "}\n", "inbound.rules[0].reference", "not known here"},
		"ignores all":      {"close: skip\n", "close: skip\ninbound: {visibility: all, rules: [{kind: ignore}, {kind: ignore}]}\n", "inbound.rules[0]", "ignores everything"},
		"acknowledge":      {"close: skip\n", "close: skip\ninbound: {rules: [{kind: acknowledge, task: body.t}]}\n", "inbound.rules[0]", "needs reference"},
		"no rules":         {"close: skip\n", "close: skip\ninbound: {rules: []}\n", "inbound.rules", "empty"},
		"poll without":     {"close: skip\n", "close: skip\npoll: {url: \"/c?s=${cursor}\", items: answer}\n", "poll", "inbound rules"},
		"poll no id":       {"close: skip\n", "close: skip\n" + rules + "}\npoll: {url: \"/c?s=${cursor}\", items: answer}\n", "inbound.rules[0]", "needs id"},
		"poll no cursor":   {"close: skip\n", "close: skip\n" + rules + ", id: body.i}\npoll: {url: /c, items: answer}\n", "poll", "does not use cursor"},
		"poll too often":   {"close: skip\n", "close: skip\n" + rules + ", id: body.i}\npoll: {url: \"/c?s=${cursor}\", items: answer, every: 10ms}\n", "poll.every", "at least 1s"},
		"poll pages":       {"close: skip\n", "close: skip\n" + rules + ", id: body.i}\npoll: {url: \"/c?s=${cursor}\", items: answer, max_pages: 0}\n", "poll.max_pages", "at least 1"},
		"poll event":       {"close: skip\n", "close: skip\nheaders: {X-Task: \"${event.task}\"}\n" + rules + ", id: body.i}\npoll: {url: \"/c?s=${cursor}\", items: answer}\n", "headers.X-Task", "no event"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, minimal, c.from)
			_, problems := parse(t, strings.Replace(minimal, c.from, c.to, 1))
			if name == "no base" {
				require.Len(t, problems, 2, "both calls begin with /")
				return
			}
			require.Len(t, problems, 1, "%v", problems)
			require.Equal(t, c.path, problems[0].Path)
			require.Contains(t, problems[0].Error(), c.msg)
		})
	}
}

func TestManyProblemsAtOnce(t *testing.T) {
	_, problems := parse(t, "kind: http\nsend: {submit: {url: x}, update: {url: /a, body: '${b}'}}\ninbound: {rules: [{kind: updat}]}\nfoo: 1\n")
	require.GreaterOrEqual(t, len(problems), 6)
}

func TestSchemaTakesWhatTheConfigTakes(t *testing.T) {
	raw, err := json.Marshal(config.SchemaDocument(Config{}, "http"))
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("s.json", doc))
	s, err := c.Compile("s.json")
	require.NoError(t, err)
	for src, ok := range map[string]bool{minimal: true, vendorRules(t): true, strings.Replace(minimal, "close: skip", "close: {urll: /x}", 1): false} {
		n, err := config.Parse("c.yaml", []byte(src))
		require.NoError(t, err)
		j, err := json.Marshal(n.Value())
		require.NoError(t, err)
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(j)))
		require.NoError(t, err)
		require.Equal(t, ok, s.Validate(v) == nil, "%v", s.Validate(v))
	}
}
