package vendorapi

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/outbound"
)

const profile = `
name: base
operations:
  write:
    method: POST
    path: /a/{id}
    wrapper: data
    fields:
      id: {in: path, required: true}
      q: {in: query}
      many: {in: query, type: csv, enum: [A, B]}
      each: {in: query, type: repeat}
      text: {name: Text, required: true}
      n: {type: integer}
      yes: {type: boolean}
      at: {type: time}
      kind: {enum: [x, 1]}
      place: {type: object, shape: place}
      places: {type: object, shape: place, list: true}
      free: {type: object}
      any: {type: any}
  read: {method: GET, path: /b, reads: true, fields: {q: {}}}
  off: {method: POST, path: /c, disabled: true, fields: {}}
  open: {method: POST, path: /d, open: true, fields: {}}
shapes:
  place: {zip: {name: Zip, type: postcode}, city: {required: true}}
read:
  answer: {id: [Id, data.id], flag: [flag]}
`

func parse(t testing.TB, overlays ...string) *Profile {
	t.Helper()
	var o [][]byte
	for _, x := range overlays {
		o = append(o, []byte(x))
	}
	p, err := Parse([]byte(profile), o...)
	require.NoError(t, err)
	return p
}

func args(t testing.TB, s string) map[string]any {
	t.Helper()
	m := map[string]any{}
	require.NoError(t, DecodeJSON([]byte(s), &m))
	return m
}

func TestBuild(t *testing.T) {
	p := parse(t)
	r, err := p.Build("http://h/x/", "write", args(t, `{"id":"a/b","q":"ü&","many":["A","B"],"each":["1","2"],"text":"<é>","n":9223372036854775807,"yes":"true","at":"2026-01-01T00:00:00Z",
		"kind":1,"place":{"zip":"01067","city":"D"},"places":[{"zip":"10115","city":"B"}],"free":{"n":9007199254740993},"any":[1.5,2]}`))
	require.NoError(t, err)
	require.Equal(t, "POST", r.Method)
	require.Equal(t, "http://h/x/a/a%2Fb?each=1&each=2&many=A,B&q=%C3%BC%26", r.URL)
	require.JSONEq(t, `{"data":{"Text":"<é>","n":9223372036854775807,"yes":true,"at":"2026-01-01T00:00:00Z","kind":"1","place":{"Zip":"01067","city":"D"},
		"places":[{"Zip":10115,"city":"B"}],"free":{"n":9007199254740993},"any":[1.5,2]}}`, string(r.Body))
	require.Contains(t, string(r.Body), "9223372036854775807")
	require.Contains(t, string(r.Body), "9007199254740993")

	r, err = p.Build("http://h", "read", map[string]any{"q": ""})
	require.NoError(t, err)
	require.Equal(t, "http://h/b", r.URL)
	require.Empty(t, r.Body)
	r, err = p.Build("http://h", "open", map[string]any{"whatever": float64(3), "t": time.Unix(0, 0).UTC().Format(time.RFC3339)})
	require.NoError(t, err)
	require.JSONEq(t, `{"whatever":3,"t":"1970-01-01T00:00:00Z"}`, string(r.Body))
}

func TestBuildRefuses(t *testing.T) {
	p := parse(t)
	for in, want := range map[string]string{
		`{"text":"x"}`:                                        "id is required",
		`{"id":"1"}`:                                          "text is required",
		`{"id":"..","text":"x"}`:                              "part of the path",
		`{"id":"1","text":"x","what":1}`:                      "there is no field what",
		`{"id":"1","text":{"a":1}}`:                           "must be a text",
		`{"id":"1","text":"x","n":"1.0"}`:                     "whole number",
		`{"id":"1","text":"x","n":9223372036854775808}`:       "64 bits",
		`{"id":"1","text":"x","yes":"maybe"}`:                 "true or false",
		`{"id":"1","text":"x","at":"yesterday"}`:              "not a time",
		`{"id":"1","text":"x","kind":"z"}`:                    "none of",
		`{"id":"1","text":"x","many":"C"}`:                    "none of",
		`{"id":"1","text":"x","place":"here"}`:                "must be an object",
		`{"id":"1","text":"x","place":{"zip":"1"}}`:           "city is required",
		`{"id":"1","text":"x","places":[{"city":1},{"a":1}]}`: "[1]: there is no field a",
	} {
		_, err := p.Build("http://h", "write", args(t, in))
		require.ErrorContains(t, err, want, in)
	}
	for _, f := range []float64{1 << 53, -1 << 53, 0.5, math.Inf(1), math.NaN()} {
		_, err := p.Build("http://h", "write", map[string]any{"id": "1", "text": "x", "n": f})
		require.ErrorContains(t, err, "not a whole number", "%v", f)
	}
	_, err := p.Build("http://h", "off", nil)
	require.ErrorContains(t, err, "enabled: true")
	_, err = p.Build("http://h", "none", nil)
	require.ErrorContains(t, err, "known are off, open, read, write")
	deep := map[string]any{}
	for range 40 {
		deep = map[string]any{"d": deep}
	}
	_, err = p.Build("http://h", "open", deep)
	require.ErrorContains(t, err, "deeper")
}

func TestOverlaysAndOverrides(t *testing.T) {
	p := parse(t, "operations: {write: {fields: {text: {name: Words}, q: {absent: true}}}, more: {method: GET, path: /m, fields: {}}}\nread: {answer: {id: [Nr]}}")
	_, err := p.Build("http://h", "write", args(t, `{"id":"1","q":"x"}`))
	require.ErrorContains(t, err, "there is no field q")
	n, err := config.Parse("c.yaml", []byte("operations: {write: {method: PUT, path: /z, wrapper: \"\", fields: {text: T}}, off: {enabled: true}, read: {method: POST}}\nshapes: {place: {zip: PLZ}}\nread: {answer: {flag: F}}\n"))
	require.NoError(t, err)
	var o Override
	config.Decode(n, &o)
	o.Check(n, p)
	require.Empty(t, n.Problems())
	o.Apply(p)
	r, err := p.Build("http://h", "write", args(t, `{"id":"1","text":"x","place":{"zip":"1","city":"c"}}`))
	require.NoError(t, err)
	require.Equal(t, "PUT http://h/z", r.Method+" "+r.URL)
	require.JSONEq(t, `{"T":"x","place":{"PLZ":1,"city":"c"}}`, string(r.Body))
	_, err = p.Build("http://h", "off", nil)
	require.NoError(t, err)
	r, err = p.Build("http://h", "read", map[string]any{"q": "x"})
	require.NoError(t, err)
	require.JSONEq(t, `{"q":"x"}`, string(r.Body))
	rec := p.Record("answer", map[string]any{"nr": json.Number("7"), "f": true, "id": "no"})
	require.Equal(t, "7", rec.String("id"))
	flag, ok := rec.Bool("flag")
	require.True(t, flag && ok)

	for _, bad := range []string{"a: [", "operations: {x: {path: /a}}", "operations: {x: {method: GET, path: a}}", "operations: {x: {method: GET, path: /a, fields: {f: {shape: none}}}}", "what: 1"} {
		_, err := Parse([]byte(bad))
		require.Error(t, err, bad)
	}
}

func TestRecord(t *testing.T) {
	p := parse(t)
	r := p.Record("answer", args(t, `{"DATA":{"ID":9223372036854775807},"flag":"True"}`))
	n, ok := r.Int("id")
	require.True(t, ok)
	require.EqualValues(t, math.MaxInt64, n)
	flag, ok := r.Bool("flag")
	require.True(t, flag && ok)
	require.Equal(t, map[string]any{"id": "9223372036854775807", "flag": "True"}, r.Canonical())
	require.Len(t, r.List("id"), 1)
	_, ok = r.Time("id")
	require.False(t, ok)
	require.Empty(t, p.Record("none", map[string]any{"a": 1}).String("a"))
}

func TestPostcode(t *testing.T) {
	for in, want := range map[string]any{"10115": json.Number("10115"), "01067": "01067", " 7 ": json.Number("7"), "W1A 1AA": "W1A 1AA", "": "", "-1": json.Number("-1"), "99999999999": "99999999999"} {
		require.Equal(t, want, Postcode(in), in)
	}
}

func TestTaskReference(t *testing.T) {
	x := TaskReference{Prefix: "A-", Suffix: "-Z"}
	require.Equal(t, "A-4711-Z", x.Of("4711"))
	task, ok := x.Task("A-4711-Z")
	require.True(t, ok)
	require.Equal(t, "4711", task)
	for _, s := range []string{"A-4711", "4711-Z", "A--Z", ""} {
		_, ok := x.Task(s)
		require.False(t, ok, s)
	}
}

func TestTaskReferenceTellsOursFromOthers(t *testing.T) {
	for _, c := range []struct {
		src      string
		followed bool
		want     TaskReference
		problems int
	}{
		{"{}", true, TaskReference{Prefix: "SSP-"}, 0},
		{`{r: {suffix: -S}}`, true, TaskReference{Suffix: "-S"}, 0},
		{`{r: {prefix: ""}}`, true, TaskReference{}, 1},
		{`{r: {prefix: ""}}`, false, TaskReference{}, 0},
	} {
		n, err := config.Parse("c.yaml", []byte(c.src))
		require.NoError(t, err)
		var x TaskReference
		if at := n.Key("r"); at.Exists() {
			config.Decode(at, &x)
		}
		x.Complete(n.Key("r"), c.followed)
		require.Equal(t, c.want, x, c.src)
		require.Len(t, n.Problems(), c.problems, c.src)
	}
}

func steps(t *testing.T, src string) (Steps, config.Problems) {
	t.Helper()
	n, err := config.Parse("c.yaml", []byte("s: "+src))
	require.NoError(t, err)
	var c struct {
		S Steps `yaml:"s"`
	}
	config.Decode(n, &c)
	c.S.Check(n.Key("s"), parse(t), nil)
	return c.S, n.Problems()
}

func TestSteps(t *testing.T) {
	s, problems := steps(t, `[{when: "event.kind == 'close'", skip: true}, {operation: write, body: {id: "1", n: "${event.fields.n}"}}]`)
	require.Empty(t, problems)
	env := func(kind bridge.Kind) map[string]any {
		return mapping.LeaseEnv(bridge.Lease{Event: bridge.Event{Kind: kind, Fields: map[string]any{"n": 5}}})
	}
	st, _, err := s.Choose(env(bridge.Close))
	require.NoError(t, err)
	require.True(t, st.Skip)
	st, a, err := s.Choose(env(bridge.Update))
	require.NoError(t, err)
	require.Equal(t, "write", st.Operation)
	require.Equal(t, map[string]any{"id": "1", "n": 5}, a)
	s, problems = steps(t, "skip")
	require.Empty(t, problems)
	require.True(t, s[0].Skip)
	st, _, err = s[:0].Choose(env(bridge.Update))
	require.NoError(t, err)
	require.Nil(t, st)
	for _, bad := range []string{"go", "[]", "{operation: read}", "{operation: off}", "{operation: none}", "{operation: write, skip: true}", "{operation: write, body: x}", "[{operation: write}, {operation: write}]"} {
		_, problems := steps(t, bad)
		require.NotEmpty(t, problems, bad)
	}
	require.NotEmpty(t, Steps{}.ConfigSchema()["oneOf"])
}

type caller func(outbound.Request) (outbound.Answer, error)

func (f caller) Do(_ context.Context, r outbound.Request) (outbound.Answer, error) { return f(r) }

func TestReadsAreNeverUnknown(t *testing.T) {
	p := parse(t)
	c := &Client{Name: "v", Profile: p, Base: "http://h", HTTP: func(*Operation) Caller {
		return caller(func(outbound.Request) (outbound.Answer, error) {
			return outbound.Answer{}, &outbound.Error{Dest: "v", Phase: outbound.Sent, Reason: bridge.NoAnswer, Err: errors.New("gone")}
		})
	}}
	for op, want := range map[string]bridge.OutcomeKind{"read": bridge.OutcomeRetry, "open": bridge.OutcomeUnknown} {
		_, err := c.Call(t.Context(), op, nil)
		var f *Failure
		require.True(t, errors.As(err, &f))
		require.Equal(t, want, f.Outcome.Kind)
		require.True(t, f.Down())
	}
	c.Before = func(context.Context, *Operation) error { return errors.New("no time") }
	_, err := c.Call(t.Context(), "open", nil)
	require.ErrorContains(t, err, "not sent: no time")
}

func TestPaceAndKeyed(t *testing.T) {
	p := NewPace(50, time.Second)
	start := time.Now()
	for range 5 {
		require.NoError(t, p.Enter(t.Context(), nil))
		p.Leave(t.Context(), nil)
	}
	require.GreaterOrEqual(t, time.Since(start), 95*time.Millisecond)
	require.NoError(t, p.Enter(t.Context(), nil))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, p.Enter(ended, nil))

	var k Keyed
	unlock, err := k.Lock(t.Context(), "a")
	require.NoError(t, err)
	other, err := k.Lock(t.Context(), "b")
	require.NoError(t, err)
	other()
	_, err = k.Lock(ended, "a")
	require.Error(t, err)
	got := make(chan struct{})
	go func() {
		u, err := k.Lock(context.Background(), "a")
		if err == nil {
			u()
		}
		close(got)
	}()
	unlock()
	<-got
}

func FuzzAnswer(f *testing.F) {
	f.Add(`{"Id":1,"data":{"id":[1]},"flag":null}`)
	f.Add(`[{"id":9007199254740993}]`)
	p := parse(f)
	f.Fuzz(func(t *testing.T, s string) {
		var v any
		if DecodeJSON([]byte(s), &v) != nil {
			return
		}
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		r := p.Record("answer", m)
		_, _ = r.Int("id")
		_, _ = r.Bool("flag")
		_ = r.List("id")
		_ = r.Canonical()
		if req, err := p.Build("http://h", "open", m); err == nil && len(m) > 0 {
			require.True(t, json.Valid(req.Body), string(req.Body))
			require.False(t, strings.Contains(req.URL, "{"))
		}
	})
}
