package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// A contract compares real calls with the served OpenAPI document.
type openAPI struct {
	t     testing.TB
	doc   map[string]any
	paths []documented
	// seen are the operations that were answered as the document says.
	seen map[string]bool
	refs *jsonschema.Compiler
}

type documented struct {
	method, path, id string
	match            *regexp.Regexp
	op               map[string]any
}

const docURL = "https://pergabridge.test/openapi.json"

func readOpenAPI(t testing.TB, w *world) *openAPI {
	t.Helper()
	rec := w.request("GET", "/api/v1/openapi.json", "", signed)
	require.Equal(t, 200, rec.Code)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(rec.Body.Bytes()))
	require.NoError(t, err)
	o := &openAPI{t: t, doc: doc.(map[string]any), seen: map[string]bool{}, refs: jsonschema.NewCompiler()}
	strict(o.doc["components"].(map[string]any)["schemas"])
	o.refs.DefaultDraft(jsonschema.Draft2020)
	o.refs.AssertFormat()
	require.NoError(t, o.refs.AddResource(docURL, o.doc))
	for path, item := range o.doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			pattern := regexp.MustCompile(`\\\{[^}]+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), `[^/]+`)
			d := documented{method: strings.ToUpper(method), path: path, match: regexp.MustCompile("^" + pattern + "$"), op: op.(map[string]any)}
			d.id = d.op["operationId"].(string)
			o.paths = append(o.paths, d)
		}
	}
	return o
}

// strict makes schemas refuse fields that they do not name, in the tests alone: what is sent must
// be described.
func strict(schemas any) {
	for _, s := range schemas.(map[string]any) {
		if m := s.(map[string]any); m["properties"] != nil {
			m["additionalProperties"] = false
		}
	}
}

func pointer(parts ...string) string {
	for i, p := range parts {
		parts[i] = url.PathEscape(strings.ReplaceAll(strings.ReplaceAll(p, "~", "~0"), "/", "~1"))
	}
	return docURL + "#/" + strings.Join(parts, "/")
}

func (o *openAPI) valid(what string, body []byte, at ...string) {
	o.t.Helper()
	schema, err := o.refs.Compile(pointer(at...))
	require.NoError(o.t, err, what)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	require.NoError(o.t, err, "%s: %s", what, body)
	require.NoError(o.t, schema.Validate(v), "%s: %s", what, body)
}

// operation finds what the document says of a call; the exact path wins over one with parameters.
func (o *openAPI) operation(method, path string) *documented {
	var best *documented
	for i, d := range o.paths {
		if d.method == method && d.match.MatchString(path) && (best == nil || strings.Count(d.path, "{") < strings.Count(best.path, "{")) {
			best = &o.paths[i]
		}
	}
	return best
}

// check compares one call and its answer with the document.
func (o *openAPI) check(r *http.Request, sent []byte, rec *httptest.ResponseRecorder) {
	o.t.Helper()
	what := r.Method + " " + r.URL.RequestURI()
	body := rec.Body.Bytes()
	if rec.Code >= 400 {
		require.Equal(o.t, "application/problem+json", rec.Header().Get("Content-Type"), what)
		o.valid(what, body, "components", "schemas", "Problem")
		return
	}
	d := o.operation(r.Method, r.URL.Path)
	require.NotNil(o.t, d, "%s is not in the document", what)
	at := []string{"paths", d.path, strings.ToLower(d.method)}
	for name := range r.URL.Query() {
		require.True(o.t, slices.ContainsFunc(d.params(), func(p map[string]any) bool { return p["in"] == "query" && p["name"] == name }), "%s: %s", what, name)
	}
	if request, ok := d.op["requestBody"].(map[string]any); ok {
		if len(sent) > 0 {
			o.valid(what, sent, append(at, "requestBody", "content", "application/json", "schema")...)
		} else {
			require.Equal(o.t, false, request["required"], what)
		}
	}
	answer, ok := d.op["responses"].(map[string]any)[fmt.Sprint(rec.Code)].(map[string]any)
	require.True(o.t, ok, "%s: the document knows no %d", what, rec.Code)
	kind := rec.Header().Get("Content-Type")
	content, ok := answer["content"].(map[string]any)[kind].(map[string]any)
	require.True(o.t, ok, "%s: the document knows no %s", what, kind)
	if content["schema"] != nil {
		o.valid(what, body, append(at, "responses", fmt.Sprint(rec.Code), "content", kind, "schema")...)
	}
	o.seen[d.id] = true
}

func (d documented) params() []map[string]any {
	var out []map[string]any
	list, _ := d.op["parameters"].([]any)
	for _, p := range list {
		out = append(out, p.(map[string]any))
	}
	return out
}

func TestEveryOperationIsAsItsDocumentSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPeople, shelf, func(o *console.Options) {
		o.Store = &resettable{Store: o.Store}
		o.Destinations[1].Test = func(context.Context) (string, error) { return "ok", nil }
		o.Map = func(context.Context, json.RawMessage) (any, error) { return map[string]any{"call": "POST /"}, nil }
		o.Contract = func() any { return map[string]any{"status": "bound"} }
		o.Reload = func(context.Context, string) (api.Reloaded, error) {
			return api.Reloaded{Config: "b", Previous: "a", Warnings: []string{"w"}}, nil
		}
	})
	o := readOpenAPI(t, w)
	call := func(method, target, body string) *httptest.ResponseRecorder {
		t.Helper()
		var r *http.Request
		rec := w.request(method, "/api/v1"+target, body, signed, func(x *http.Request) { r = x })
		require.Less(t, rec.Code, 400, "%s %s: %s", method, target, rec.Body)
		o.check(r, []byte(body), rec)
		return rec
	}
	w.bonded("1", "INC-1")
	call("GET", "/events/"+w.withFile()+"/files/1", "")
	parked := []string{w.park("2"), w.park("3"), w.park("4")}
	quarantined := w.accept(
		bridge.Event{Provider: "acme", Dir: bridge.In, Entrance: bridge.ByWebhook, Quarantine: bridge.NoRule, Inbound: inbound(`{"a":1}`, "application/json")},
		bridge.Event{Provider: "acme", Dir: bridge.In, Entrance: bridge.ByWebhook, Quarantine: bridge.NoRule, Inbound: inbound("\xff", "application/json")},
		bridge.Event{Provider: "acme", Dir: bridge.In, Kind: bridge.Update, Text: "x", Entrance: bridge.ByWebhook, Reference: "NONE"})

	call("GET", "/openapi.json", "")
	call("GET", "/events?limit=2&state=parked&state=done&newest=true", "")
	call("GET", "/events?provider=acme&task=1&dir=out&kind=submit&reason=delivered&reference=INC-1&search=fire&since=7d&after=1", "")
	call("GET", "/events/"+parked[0], "")
	call("GET", "/lanes?after=1/acme/out/1", "")
	call("GET", "/lanes?state=parked&limit=1&destination=acme&provider=acme&task=2", "")
	call("GET", "/destinations", "")
	_, ok, err := w.store.Duty(ctx, "mailbox/support/INBOX", w.session)
	require.NoError(t, err)
	require.True(t, ok)
	call("GET", "/mailboxes", "")
	call("GET", "/duties", "")
	call("POST", "/duties/pause", `{"duty":"mailbox/support/INBOX","note":"n"}`)
	call("POST", "/duties/resume", `{"duty":"mailbox/support/INBOX"}`)
	call("GET", "/bonds?limit=1", "")
	call("GET", "/bonds/acme/1", "")
	call("GET", "/quarantine?waiting=true", "")
	for _, id := range quarantined {
		call("GET", "/quarantine/"+id, "")
	}
	call("GET", "/counts", "")
	call("GET", "/status", "")
	call("GET", "/backup", "")

	call("POST", "/events/"+parked[0]+"/retry", "")
	call("POST", "/events/"+parked[1]+"/settle", `{"reference":"INC-3","note":"by phone"}`)
	call("POST", "/events/"+parked[2]+"/ignore", `{"note":"n"}`)
	call("POST", "/lanes/resume", `{"lane":"acme/out/4"}`)
	call("POST", "/lanes/pause", `{"lane":"acme/out/2","note":"n"}`)
	call("POST", "/lanes/resume", `{"lane":"acme/out/2"}`)
	w.park("5")
	call("POST", "/lanes/retry", `{"lane":"acme/out/5"}`)
	call("POST", "/destinations/acme/pause", `{"note":"n"}`)
	call("POST", "/destinations/acme/resume", "")
	call("POST", "/destinations/acme/test", "")
	call("POST", "/bonds/unlink", `{"provider":"acme","task":"1"}`)
	call("POST", "/bonds/link", `{"provider":"acme","task":"1","reference":"INC-1"}`)
	call("POST", "/bonds/move", `{"provider":"acme","task":"2","reference":"INC-1"}`)
	call("POST", "/bonds/import", `{"rows":[{"provider":"acme","task":"9","reference":"INC-9"},{"provider":"none","task":"9","reference":"INC-9"}]}`)
	w.reader.learn(bridge.Event{Dir: bridge.In, Kind: bridge.Update, Reference: "INC-1", Text: "understood"})
	call("POST", "/quarantine/"+quarantined[0]+"/retry", "")
	call("POST", "/quarantine/"+quarantined[1]+"/discard", `{"note":"noise"}`)
	call("POST", "/quarantine/"+quarantined[2]+"/assign", `{"task":"1"}`)
	call("POST", "/map", `{"provider":"acme"}`)
	call("POST", "/reload", "")
	call("POST", "/erase", `{"task":"1","provider":"acme","note":"asked for","dry_run":true}`)
	w.park("6")
	var repair api.Repair
	require.NoError(t, json.Unmarshal(call("POST", "/repairs", `{"of":"parked","verb":"retry","provider":"acme"}`).Body.Bytes(), &repair))
	call("GET", "/repairs", "")
	require.Equal(t, 1, repair.Total)
	w.ended(w.as(t, "otto"), "/repairs/"+repair.ID, "1 of 1 done")
	call("GET", "/repairs/"+repair.ID, "")
	var page api.List[api.Activity]
	require.NoError(t, json.Unmarshal(call("GET", "/activity?limit=3", "").Body.Bytes(), &page))
	require.Len(t, page.Items, 3)
	call("GET", "/activity?after="+page.Next, "")
	call("GET", "/replicas", "")
	call("POST", "/store/resume", `{"since":"2026-02-28"}`)

	for _, d := range o.paths {
		require.True(t, o.seen[d.id], "%s was never called", d.id)
	}

	// Each parameter the document names is known, each it does not name is refused.
	for _, d := range o.paths {
		if d.method != "GET" {
			continue
		}
		var r *http.Request
		rec := w.request("GET", strings.NewReplacer("{id}", "x", "{provider}", "acme", "{task}", "1").Replace(d.path)+"?nobody=1", "", signed, func(x *http.Request) { r = x })
		o.check(r, nil, rec)
		require.Equal(t, []any{400, api.BadQuery}, []any{rec.Code, problem(t, rec).Code}, d.path)
	}
}

func TestTheDocumentIsComplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := readOpenAPI(t, w)
	require.Equal(t, "3.1.0", o.doc["openapi"])
	ids := map[string]bool{}
	for _, d := range o.paths {
		require.False(t, ids[d.id], d.id)
		ids[d.id] = true
		require.NotEmpty(t, d.op["summary"])
		require.Contains(t, []any{"viewer", "operator", "admin"}, d.op["x-role"])
		if d.method == "POST" {
			require.Equal(t, d.id != "resumeStore", slices.ContainsFunc(d.params(), func(p map[string]any) bool { return p["name"] == api.IdempotencyHeader }), d.id)
		}
		for _, p := range d.params() {
			_, err := o.refs.Compile(pointer("paths", d.path, strings.ToLower(d.method), "parameters", "0", "schema"))
			require.NoError(t, err)
			require.NotEmpty(t, p["schema"])
		}
	}
	require.Len(t, ids, 42)
	for name := range o.doc["components"].(map[string]any)["schemas"].(map[string]any) {
		_, err := o.refs.Compile(pointer("components", "schemas", name))
		require.NoError(t, err, name)
	}
}

func TestARepeatedWriteIsAnsweredAsTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.park("1")
	key := func(k string) func(*http.Request) { return header(api.IdempotencyHeader, k) }
	post := func(k string) *httptest.ResponseRecorder {
		return w.request("POST", "/api/v1/events/"+id+"/retry", `{"note":"n"}`, signed, key(k))
	}
	first := post("a")
	require.Equal(t, 200, first.Code)
	require.Contains(t, first.Body.String(), `"changed":true`)
	again := post("a")
	require.Equal(t, []any{200, first.Body.String(), "true", "application/json"},
		[]any{again.Code, again.Body.String(), again.Header().Get("Idempotency-Replayed"), again.Header().Get("Content-Type")})
	acts, err := w.store.Activities(ctx, 10)
	require.NoError(t, err)
	require.Len(t, acts, 1, "done once")

	require.Equal(t, 200, post("b").Code)
	acts, err = w.store.Activities(ctx, 10)
	require.NoError(t, err)
	require.Len(t, acts, 2, "another key is another request")
	rec := w.request("POST", "/api/v1/events/"+id+"/ignore", "", signed, key("a"))
	require.Equal(t, []any{422, api.KeyReused}, []any{rec.Code, problem(t, rec).Code})
	other := w.request("POST", "/api/v1/events/"+id+"/ignore", "", signed, key("a"), header(api.PersonHeader, "Eve"))
	require.NotEqual(t, 422, other.Code, "keys of others do not matter")

	rec = w.request("POST", "/api/v1/events/none/retry", "", signed, key("c"))
	require.Equal(t, 404, rec.Code)
	rec = w.request("POST", "/api/v1/events/none/retry", "", signed, key("c"))
	require.Equal(t, []any{404, "true"}, []any{rec.Code, rec.Header().Get("Idempotency-Replayed")}, "a refusal is an answer too")
	require.Equal(t, api.NotFound, problem(t, rec).Code)
	require.Equal(t, 400, post(strings.Repeat("k", 201)).Code)

	require.NoError(t, w.store.Close())
	require.Equal(t, 503, post("d").Code)
	require.Equal(t, "", post("d").Header().Get("Idempotency-Replayed"), "what may go well another time is tried again")
}

func TestARequestUnderWayIsNotDoneTwice(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	w := newWorld(t, func(o *console.Options) {
		o.Map = func(context.Context, json.RawMessage) (any, error) {
			close(begun)
			<-goOn
			return map[string]any{}, nil
		}
	})
	first := make(chan int)
	go func() {
		first <- w.request("POST", "/api/v1/map", `{}`, signed, header(api.IdempotencyHeader, "k")).Code
	}()
	<-begun
	rec := w.request("POST", "/api/v1/map", `{}`, signed, header(api.IdempotencyHeader, "k"))
	p := problem(t, rec)
	require.Equal(t, []any{409, api.InProgress, "1"}, []any{rec.Code, p.Code, rec.Header().Get("Retry-After")})
	close(goOn)
	require.Equal(t, 200, <-first)
}
