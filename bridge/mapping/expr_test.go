package mapping

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
)

func lease() bridge.Lease {
	return bridge.Lease{
		Event: bridge.Event{
			ID: "e1", Provider: "acme", Task: "4711", Dir: bridge.Out, Kind: bridge.Update, Text: "a & b", Priority: "High",
			Requester: bridge.Person{Name: "Ann", Email: "ann@example.com"}, Fields: map[string]any{"n": 3, "l": []any{1, 2}},
		},
		Bond:    bridge.Bond{Task: "4711", Reference: "A/1", State: bridge.BondOpen},
		Attempt: 2,
	}
}

func TestExpressionsKeepTheirType(t *testing.T) {
	for src, want := range map[string]any{
		"event.task":                            "4711",
		"attempt":                               2,
		"attempt > 1 && event.kind == 'update'": true,
		"event.fields.l":                        []any{1, 2},
		"event.requester.email":                 "ann@example.com",
		"event.fields.missing":                  nil,
		"event.fields.missing ?? 'x'":           "x",
		"${event.fields.n}":                     3,
		"n: ${event.fields.n}":                  "n: 3",
		"$${event.task}":                        "${event.task}",
		`${ {"a": "}"}.a }`:                     "}",
		"lower(event.priority)":                 "high",
		"xml('<\x01é>')":                        "&lt;é&gt;",
	} {
		e, err := ParseExpr(src)
		require.NoError(t, err, src)
		got, err := e.Value(LeaseEnv(lease()))
		require.NoError(t, err, src)
		require.Equal(t, want, got, src)
	}
}

func TestMistakesAreFoundWhenCompiled(t *testing.T) {
	for src, part := range map[string]string{
		"":                      "empty expression",
		"evnet.task":            "evnet",
		"event.txt":             "txt",
		"event.requester.phone": "phone",
		"event.task +":          "column",
		"truncate(event.text)":  "not enough arguments",
		"now()":                 "now",
		"text ${event.task":     "closing brace",
		"text ${'a}":            "without its end",
		"htmlToText(1, 2)":      "too many arguments",
	} {
		_, err := ParseExpr(src)
		require.ErrorContains(t, err, part, src)
	}
}

func TestRunTimeFailuresNameTheExpression(t *testing.T) {
	e, err := ParseExpr("body.ticket.number")
	require.NoError(t, err)
	_, err = e.Value(map[string]any{"body": map[string]any{}})
	var ee *EvalError
	require.ErrorAs(t, err, &ee)
	require.Equal(t, "body.ticket.number", ee.Expr)
	require.NotContains(t, err.Error(), "\n")

	v, err := e.Value(map[string]any{"body": map[string]any{"ticket": map[string]any{"number": 12}}})
	require.NoError(t, err)
	require.Equal(t, 12, v)
}

func TestConditionsAreStrict(t *testing.T) {
	env := map[string]any{"body": map[string]any{"yes": true, "text": "true"}}
	for src, want := range map[string]bool{"body.yes": true, "body.missing": false, "true": true, "!body.yes": false} {
		e, err := ParseExpr(src)
		require.NoError(t, err)
		got, err := e.Bool(env)
		require.NoError(t, err, src)
		require.Equal(t, want, got, src)
	}
	e, err := ParseExpr("body.text")
	require.NoError(t, err)
	_, err = e.Bool(env)
	require.ErrorContains(t, err, "wanted true or false")
}

func TestListsTakeASingleObject(t *testing.T) {
	e, err := ParseExpr("body.x")
	require.NoError(t, err)
	for _, c := range []struct {
		in   any
		want []any
	}{{nil, nil}, {[]any{1, 2}, []any{1, 2}}, {map[string]any{"a": 1}, []any{map[string]any{"a": 1}}}} {
		got, err := e.List(map[string]any{"body": map[string]any{"x": c.in}})
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	_, err = e.List(map[string]any{"body": map[string]any{"x": "text"}})
	require.ErrorContains(t, err, "wanted a list")
}

func TestTextsLeaveOutWhatIsAbsent(t *testing.T) {
	x, err := ParseText("a${event.fields.none}b ${attempt} ${event.fields.n / 2}")
	require.NoError(t, err)
	s, err := x.Eval(LeaseEnv(lease()))
	require.NoError(t, err)
	require.Equal(t, "ab 2 1.5", s)

	x, err = ParseText("x ${event.fields}")
	require.NoError(t, err)
	_, err = x.Eval(LeaseEnv(lease()))
	require.ErrorContains(t, err, "toJSON")

	x, err = ParseText("<a>${event.text}</a>${raw('<b/>')}")
	require.NoError(t, err)
	s, err = x.Escaped(LeaseEnv(lease()), EscapeXML)
	require.NoError(t, err)
	require.Equal(t, "<a>a &amp; b</a><b/>", s)
}

func TestStringify(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, c := range []struct {
		in   any
		want string
	}{{1e6, "1000000"}, {0.25, "0.25"}, {int64(7), "7"}, {true, "true"}, {at, "2026-02-03T04:05:06Z"}, {nil, ""}} {
		s, err := Stringify(c.in)
		require.NoError(t, err)
		require.Equal(t, c.want, s)
	}
}

func TestURLsEscapeByPlace(t *testing.T) {
	u, err := ParseURL("https://h.example/t/${bond.reference}/c?q=${event.text}&r=${raw('a%20b')}")
	require.NoError(t, err)
	s, err := u.Eval(LeaseEnv(lease()))
	require.NoError(t, err)
	require.Equal(t, "https://h.example/t/A%2F1/c?q=a+%26+b&r=a%20b", s)
	require.True(t, u.Mentions("bond.reference"))
	require.False(t, u.Mentions("event.reference"))
}

func TestURLsRefuseStepsAndHoles(t *testing.T) {
	u, err := ParseURL("/t/${event.text}/x")
	require.NoError(t, err)
	for _, bad := range []string{"", "  ", ".", ".."} {
		l := lease()
		l.Event.Text = bad
		_, err := u.Eval(LeaseEnv(l))
		require.Error(t, err, "%q", bad)
	}
	for _, bad := range []string{
		"", "${event.text}", "https://${event.text}/x", "https://h${event.text}/x", "//h/x", "ftp://h/x", "h/x", "https://u:p@h/x",
		"/a b", "/x#y", "https:///x",
	} {
		_, err := ParseURL(bad)
		require.Error(t, err, "%q", bad)
	}
}

func TestTrees(t *testing.T) {
	parse := func(yaml string) Tree {
		s, n := read(t, "body: "+yaml)
		require.Empty(t, n.Problems())
		return s.Body
	}
	tree := parse(`{n: "${attempt}", t: "Task ${event.task}", l: ["${event.fields.l}", 5, null, true], o: {}, e: "", r: "${raw('x')}"}`)
	v, err := tree.Eval(LeaseEnv(lease()))
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"n": 2, "t": "Task 4711", "l": []any{[]any{1, 2}, int64(5), nil, true}, "o": map[string]any{}, "e": "", "r": "x",
	}, v)
	require.True(t, tree.Mentions("event.task"))

	tree = parse(`{a: ["${event.fields.x.y}"]}`)
	_, err = tree.Eval(LeaseEnv(lease()))
	require.ErrorContains(t, err, "a: [0]: expression")

	_, err = config.Parse("c.yaml", []byte("body: "+strings.Repeat("[", MaxDepth+2)+strings.Repeat("]", MaxDepth+2)))
	require.ErrorContains(t, err, "nested more than")
}

func TestTables(t *testing.T) {
	ts := Tables{
		"priority": {Values: map[string]any{"High": 1, " low ": 3}},
		"state":    {Values: map[string]any{"a": "b"}, Default: &Default{Value: "other"}},
	}
	require.NoError(t, ts.Prepare())
	env := ts.Env(LeaseEnv(lease()))
	for src, want := range map[string]any{
		"table('priority', event.priority)": 1, "table('priority', 'LOW ')": 3, "table('state', 5)": "other",
	} {
		e, err := ParseExpr(src)
		require.NoError(t, err)
		got, err := e.Value(env)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	e, err := ParseExpr("table('priority', 'urgent')")
	require.NoError(t, err)
	_, err = e.Value(env)
	require.ErrorContains(t, err, `no value "urgent"`)
	require.Equal(t, []string{"priority"}, e.Tables())
	e, err = ParseExpr("table('none', 1)")
	require.NoError(t, err)
	_, err = e.Value(env)
	require.ErrorContains(t, err, `no table "none"`)

	require.ErrorContains(t, Tables{"x": {Values: map[string]any{"A": 1, "a": 2}}}.Prepare(), "listed twice")
}

func FuzzParseExpr(f *testing.F) {
	for _, s := range []string{"body.a", "a ${body.b} $${", "${ {'a': 1} }", "${", "body?.x ?? 1..100000000", `"\`} {
		f.Add(s)
	}
	env := map[string]any{"body": map[string]any{"a": "x"}}
	f.Fuzz(func(_ *testing.T, s string) {
		if e, err := ParseExpr(s); err == nil {
			_, _ = e.Value(env)
		}
		if u, err := ParseURL(s); err == nil {
			_, _ = u.Eval(env)
		}
	})
}

func BenchmarkRule(b *testing.B) {
	e, err := ParseExpr("body.type == 'comment.created' && body.comment.public")
	require.NoError(b, err)
	env := Tables{}.Env(map[string]any{"body": map[string]any{"type": "comment.created", "comment": map[string]any{"public": true}}})
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := e.Bool(env); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
