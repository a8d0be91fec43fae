package soap

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/soap/binding"
	"github.com/pergabridge/pergabridge/soap/ssptest"
	"github.com/pergabridge/pergabridge/soap/workflow"
)

// awkward holds what is hard to bring through XML: markup, quotes, two scripts, a line end of two
// characters, a tab, and a control character that XML cannot hold.
const awkward = "a & b < c > d \" ' é 漢 🙂\r\nsecond\tline\n]]>\x07 end "

// awkwardArrived is what has to arrive.
const awkwardArrived = "a & b < c > d \" ' é 漢 🙂\r\nsecond\tline\n]]> end "

func startSSP(t testing.TB, o ssptest.Options) *ssptest.Server {
	t.Helper()
	s, err := ssptest.Start(o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func newDestination(t testing.TB, c Config) *Destination {
	t.Helper()
	d, err := New(c, Deps{})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

// assignedTask makes a task that takes everything.
func assignedTask(t testing.TB, s *ssptest.Server) string {
	t.Helper()
	id, err := s.Create(ssptest.Ticket{})
	require.NoError(t, err)
	require.NoError(t, s.Assign(id, "somewhere"))
	return id
}

func lease(kind bridge.Kind, task, text string) bridge.Lease {
	return bridge.Lease{
		Event: bridge.Event{ID: "e-1", Dir: bridge.In, Kind: kind, Task: task, Text: text},
		Bond:  bridge.Bond{Task: task, Reference: "EXT-1"},
	}
}

// answering returns a destination whose service answers every call the same.
func answering(t testing.TB, c Config, status int, contentType, body string, header ...string) *Destination {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	c.URL, c.Contract = s.URL, Assumed
	return newDestination(t, c)
}

const soapXML = "text/xml; charset=utf-8"

// envelope wraps a body as ASP.NET does.
func envelope(body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">` +
		`<soap:Body>` + body + `</soap:Body></soap:Envelope>`
}

func faultBody(code, text string) string {
	return envelope(`<soap:Fault><faultcode>soap:` + code + `</faultcode><faultstring>` + text + `</faultstring><detail /></soap:Fault>`)
}

// response is the answer to an UpdateMessage call.
func response(result string) string {
	op := workflow.UpdateMessage
	return envelope(`<` + op + `Response xmlns="http://tempuri.org/"><` + op + `Result>` + result + `</` + op + `Result></` + op + `Response>`)
}

var _ doer = (*outbound.Client)(nil)

// A way is one of the ways in which the three calls are made. What holds for one has to hold for all.
type way struct {
	operations *binding.Operations
	version    string
}

func (w way) of(c Config) Config {
	c.Operations, c.Version = w.operations, w.version
	return c
}

var ways = map[string]way{
	"generated client":           {},
	"bound contract":             {operations: binding.Default()},
	"bound contract in SOAP 1.2": {operations: binding.Default(), version: "1.2"},
	"SOAP 1.2":                   {version: "1.2"},
}

func everyWay(t *testing.T, f func(*testing.T, way)) {
	t.Helper()
	for name, w := range ways {
		t.Run(name, func(t *testing.T) { f(t, w) })
	}
}
