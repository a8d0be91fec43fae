package flowtest

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/providertest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
)

// Main runs a package's tests with the secrets of its fakes in the environment, where tests that run at once can
// read them, and looks for goroutines that are left behind.
func Main(m *testing.M, env map[string]string) {
	for k, v := range env {
		if err := os.Setenv(k, v); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// A Fake is a running fake of a vendor.
type Fake interface {
	Close()
	Violations() []string
}

// Watch closes a fake at the end of its test, which fails if a request was not as the vendor wants it.
func Watch[F Fake](t testing.TB, f F, err error) F {
	t.Helper()
	require.NoError(t, err)
	t.Cleanup(func() {
		f.Close()
		require.Empty(t, f.Violations())
	})
	return f
}

// Peer is a strict fake as the conformance suite sees it. It implements [providertest.Peer].
type Peer struct {
	Server *fake.Server
	// Writes matches the calls that fail when the suite wants a failure.
	Writes func(*http.Request) bool
	// Refusal is how the system says no.
	Refusal fake.Fault
	// Doubtful says that a write may have been done whatever server error is answered.
	Doubtful bool
	// Ledger returns what was written, in order.
	Ledger func() []providertest.Effect
	// Solved solves a ticket at the system; nil: no state there matters.
	Solved func(reference string)
}

// Effects returns what was written.
func (p Peer) Effects() []providertest.Effect { return p.Ledger() }

// Calls returns how often the fake was called.
func (p Peer) Calls() int { return len(p.Server.Calls()) }

// Fail makes the next write fail.
func (p Peer) Fail(f providertest.Failure) bool {
	x := p.Refusal
	switch f {
	case providertest.Refuse:
		x.Kind = fake.Status
	case providertest.Throttle:
		x = fake.Fault{Kind: fake.Status, Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "1"}}
	case providertest.ServerError:
		if p.Doubtful {
			return false
		}
		x = fake.Fault{Kind: fake.Status, Status: http.StatusInternalServerError}
	case providertest.Drop:
		x = fake.Fault{Kind: fake.Drop}
	case providertest.Hang:
		x = fake.Fault{Kind: fake.Hang}
	}
	x.Match = p.Writes
	p.Server.Fail(x)
	return true
}

// Down makes the system unreachable.
func (p Peer) Down(testing.TB) { p.Server.Down() }

// Up makes it reachable again.
func (p Peer) Up(t testing.TB) { require.NoError(t, p.Server.Up()) }

// Resolve solves a ticket.
func (p Peer) Resolve(_ testing.TB, reference string) {
	if p.Solved != nil {
		p.Solved(reference)
	}
}

// Fixture builds the provider of a section for the conformance suite, with everything it logs kept for the
// search for secrets.
func Fixture(t testing.TB, name, kind, section string, p Peer, secrets ...string) *providertest.Fixture {
	t.Helper()
	log, logger := providertest.NewLog()
	made := Build(t, name, kind, section, provider.Deps{Log: logger, Outbound: outbound.Options{Log: logger}})
	return &providertest.Fixture{Provider: made, Peer: p, Log: log, Secrets: secrets}
}

// Input is JSON that came in by an entrance.
func Input(name string, by bridge.Entrance, body string) bridge.Inbound {
	return bridge.Inbound{Provider: name, Entrance: by, ContentType: "application/json", Body: []byte(body), Received: time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)}
}
