package console_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// readable are the addresses of the API that are read; written those that take commands, with a
// body that is right for each.
var readable = []string{"/events", "/events/x", "/lanes", "/destinations", "/bonds", "/bonds/acme/1", "/quarantine", "/quarantine/x",
	"/counts", "/activity", "/status", "/backup"}

var written = map[string]string{
	"/events/x/retry": "", "/events/x/ignore": "", "/events/x/settle": "",
	"/lanes/pause": `{"lane":"acme/out/1"}`, "/lanes/resume": `{"lane":"acme/out/1"}`, "/lanes/retry": `{"lane":"acme/out/1"}`,
	"/destinations/acme/pause": "", "/destinations/acme/resume": "",
	"/bonds/link":         `{"provider":"acme","task":"1","reference":"R"}`,
	"/bonds/unlink":       `{"provider":"acme","task":"1"}`,
	"/bonds/move":         `{"provider":"acme","task":"1","reference":"R"}`,
	"/bonds/import":       `{"rows":[{"provider":"acme","task":"1","reference":"R"}]}`,
	"/quarantine/x/retry": "", "/quarantine/x/assign": `{"task":"1"}`, "/quarantine/x/discard": `{"note":"n"}`,
	"/map": `{}`, "/duties/pause": `{"duty":"mailbox/a/INBOX"}`, "/duties/resume": `{"duty":"mailbox/a/INBOX"}`,
}

func TestWrongParametersAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for query, param := range map[string]string{
		"events?limit=0": "limit", "events?limit=1001": "limit", "events?limit=many": "limit", "events?after=-1": "after",
		"events?after=x": "after", "events?state=open": "state", "events?state=done,": "state", "events?kind=banana": "kind",
		"events?dir=up": "dir", "events?reason=because": "reason", "events?since=yesterday": "since", "events?since=-1h": "since",
		"events?since=1600-01-01T00:00:00Z": "since", "events?since=99999999d": "since", "events?since=NaNd": "since",
		"events?newest=maybe": "newest", "events?task=a&task=b": "task", "events?task=a%00b": "task", "events?task=%ff": "task",
		"events?reference=%0a": "reference", "events?search=" + strings.Repeat("x", 513): "search",
		"events?search=" + strings.Repeat("x+", 20): "search", "events?colour=red": `"colour"`, "events?waiting=true": `"waiting"`,
		"lanes?state=idle": "state", "lanes?after=1": "after", "lanes?after=-1/acme/out/1": "after", "lanes?after=1/acme/up/1": "after", "lanes?after=x/acme/out/1": "after", "bonds?state=parked": "state", "bonds?limit=x": "limit",
		"quarantine?state=done": `"state"`, "quarantine?waiting=perhaps": "waiting", "activity?limit=-5": "limit",
		"counts?x=": `"x"`, "status?x=": `"x"`, "backup?x=": `"x"`, "destinations?x=": `"x"`, "events/1?x=": `"x"`,
		"bonds/acme/1?x=": `"x"`, "quarantine/1?x=": `"x"`,
	} {
		p := problem(t, w.request("GET", "/api/v1/"+query, "", signed))
		require.Equal(t, []any{400, api.BadQuery, param}, []any{p.Status, p.Code, p.Param}, query)
		require.Contains(t, p.Detail, param)
	}
	require.Equal(t, api.BadQuery, problem(t, w.request("GET", "/api/v1/events?a=%zz", "", signed)).Code)
	require.Equal(t, api.BadQuery, problem(t, w.request("GET", "/api/v1/events?"+strings.Repeat("a", 9000), "", signed)).Code)
	p := problem(t, w.request("GET", "/api/v1/counts", "", signed, header(api.PersonHeader, "A\x01")))
	require.Equal(t, api.PersonHeader, p.Param)
}

func TestWrongBodiesAreExplained(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	post := func(body string, change ...func(*http.Request)) api.Problem {
		return problem(t, w.request("POST", "/api/v1/bonds/link", body, append(change, signed)...))
	}
	require.Contains(t, post("").Detail, "a JSON object is needed")
	p := post(`{"provder":"acme"}`)
	require.Equal(t, []any{400, api.BadBody, "provder"}, []any{p.Status, p.Code, p.Param})
	require.Equal(t, "task", post(`{"task":4711}`).Param)
	require.Contains(t, post(`{"task":`).Detail, "ends too early")
	require.Contains(t, post(`{} {}`).Detail, "more than one")
	require.Contains(t, post(`{]`).Detail, "invalid character")
	require.Equal(t, 415, post(`{}`, header("Content-Type", "text/plain")).Status)
	require.Equal(t, 413, post(`{"note":"`+strings.Repeat("x", 70_000)+`"}`).Status)
	require.Equal(t, "application/problem+json", w.request("POST", "/api/v1/map", `{`, signed).Header().Get("Content-Type"))
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range readable {
		rec := w.request("POST", "/api/v1"+path, "{}", signed)
		if rec.Code == http.StatusNotFound { // a POST has another meaning there
			require.Equal(t, api.NotFound, problem(t, rec).Code, path)
			continue
		}
		require.Equal(t, api.MethodNotAllowed, problem(t, rec).Code, path)
		require.Equal(t, "GET, HEAD", rec.Header().Get("Allow"), path)
	}
	for path := range written {
		rec := w.request("DELETE", "/api/v1"+path, "", signed)
		require.Equal(t, api.MethodNotAllowed, problem(t, rec).Code, path)
		require.Equal(t, "POST", rec.Header().Get("Allow"), path)
	}
	for _, path := range []string{"/api/v1/nothing", "/api/v2/events", "/api/", "/api/v1/events/x/burn", "/api/v1/lanes/burn",
		"/api/v1/bonds/burn", "/api/v1/destinations/acme/burn", "/api/v1/quarantine/x/burn"} {
		require.Equal(t, api.NotFound, problem(t, w.request("POST", path, "{}", signed)).Code, path)
	}
	for path := range written {
		if strings.Contains(path, "/x/") {
			require.Equal(t, api.NotFound, problem(t, w.request("POST", "/api/v1"+path, written[path], signed)).Code, path)
		}
	}
}

func TestAStoreThatIsGoneIs503(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.store.Close())
	for path, body := range written {
		switch path {
		case "/map", "/bonds/import": // answered without the store, and row by row
			continue
		}
		rec := w.request("POST", "/api/v1"+path, body, signed)
		p := problem(t, rec)
		require.Equal(t, []any{503, api.Unavailable, 5}, []any{p.Status, p.Code, p.RetryAfter}, path)
		require.Equal(t, "5", rec.Header().Get("Retry-After"), path)
	}
}

// failing is a store that cannot be read.
type failing struct {
	console.Store
	err error
}

func TestFailuresAreNamedAndMasked(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]api.Code{
		errors.New("page 7 is damaged, " + hidden):               api.Internal,
		fmt.Errorf("redis: gone: %w", bridge.ErrUnavailable):     api.Unavailable,
		fmt.Errorf("no such %s: %w", hidden, bridge.ErrNotFound): api.NotFound,
	} {
		w := newWorld(t, func(o *console.Options) { o.Store = failing{o.Store, err} })
		for _, path := range []string{"/counts", "/activity", "/destinations", "/events", "/events/x", "/lanes", "/bonds", "/bonds/a/b", "/quarantine", "/quarantine/x", "/duties", "/replicas"} {
			rec := w.request("GET", "/api/v1"+path, "", signed)
			p := problem(t, rec)
			require.Equal(t, want, p.Code, path)
			require.NotContains(t, rec.Body.String(), hidden)
		}
		require.NotContains(t, w.log.String(), hidden)
		if want == api.Internal {
			require.Contains(t, w.log.String(), "page 7 is damaged")
		}
		rec := w.request("GET", "/", "", signed)
		require.NotContains(t, rec.Body.String(), hidden)
		require.Contains(t, rec.Body.String(), "<code>"+string(want)+"</code>")
	}
}

func TestAPanicIsAnsweredAndLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *console.Options) { o.Store = failing{} })
	p := problem(t, w.request("GET", "/api/v1/counts", "", signed))
	require.Equal(t, api.Internal, p.Code)
	require.Contains(t, w.log.String(), "panic")
	require.Contains(t, w.log.String(), "status.go")
}

func TestWhatIsMissingIsAnError(t *testing.T) {
	t.Parallel()
	_, err := console.New(console.Options{})
	require.ErrorContains(t, err, "no store")
	_, err = console.New(console.Options{Store: failing{}})
	require.ErrorContains(t, err, "no engine")
}
