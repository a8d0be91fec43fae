package console

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/rate"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// An Engine carries out what people decide. [*engine.Engine] is one.
type Engine interface {
	bridge.Operator
	// Reread reads a quarantined input again under the config in force.
	Reread(ctx context.Context, person, eventID string) (bridge.CommandResult, error)
}

// A Destination is what the config says of one destination, for people.
type Destination struct {
	Name    string // [bridge.SSP] or the provider's name
	Kind    string // the provider's kind, "ssp" for the portal
	Mode    string // deliver or observe
	Address string // where it is; secrets are masked when it is shown
	Note    string
	// Config is the destination's section of the config as text; secrets are only named there.
	Config string
	// Test calls the destination without doing anything there and says what it answered; nil:
	// it cannot be tested.
	Test func(ctx context.Context) (string, error)
}

// A Store is what the console reads, and the board it shares with the other replicas.
type Store interface {
	bridge.Reader
	bridge.Board
}

// Options configures the admin listener.
type Options struct {
	Store  Store
	Engine Engine
	// Token lets callers in as admins. Without it and without Users only loopback addresses are
	// served.
	Token secret.Text
	// Prefix is the path under which a proxy publishes the listener, without a slash at its end;
	// requests come without it.
	Prefix string
	// Users may sign in to the pages.
	Users []User
	// OpenMetrics serves /metrics without a token.
	OpenMetrics bool
	// Metrics serves /metrics; nil: not found.
	Metrics http.Handler

	// Replica is the name of this process.
	Replica       string
	Version       string
	ConfigVersion string
	Started       time.Time // zero: now
	Destinations  []Destination
	// Contract returns the state of SSP's contract, to be shown as JSON; nil: none is shown. If
	// the value has methods `Open() bool` and `String() string`, readiness shows them.
	Contract func() any
	// ReferenceKey gives references the form in which a provider's references are compared; nil:
	// case-blind. provider is empty when a caller did not name one.
	ReferenceKey func(provider, reference string) string

	// Checks decide readiness; the store is checked without being named here. Shown are things
	// that people should see although they do not make the bridge unready.
	Checks map[string]func(context.Context) error
	Shown  map[string]func(context.Context) error

	// Files opens what came with an event; nil: files are named, and cannot be fetched.
	Files *files.Opener
	// ReadMail returns the texts of a raw mail, decoded, and its addresses, to find who is mentioned; nil: mails are
	// looked through as they were sent.
	ReadMail func(raw []byte) []string

	// Map answers POST /map: a dry run of a mapping. It may return an [*api.Problem]; any other
	// error is answered as unprocessable. nil: not found.
	Map func(ctx context.Context, request json.RawMessage) (any, error)

	// Mailboxes returns how the reading of every folder goes; nil: no mailbox is configured.
	Mailboxes func(ctx context.Context) ([]api.Mailbox, error)
	// Session returns the session of this replica, "" while it has none; nil: nobody asks.
	Session func() string

	// Reload reads the config anew for a person and puts it in force. It may return an
	// [*api.Problem]; any other error is answered as unprocessable. nil: not found.
	Reload func(ctx context.Context, person string) (api.Reloaded, error)

	// Rates returns the last hour of a side, of all sides for ""; nil: no charts are shown.
	Rates func(name string) rate.Series
	// Closing ends streams and work in the background; nil: they end with the process.
	Closing <-chan struct{}

	Log *slog.Logger     // nil: nothing is logged
	Now func() time.Time // nil: time.Now
}

func (o Options) complete() (Options, error) {
	switch {
	case o.Store == nil:
		return o, errors.New("console: no store")
	case o.Engine == nil:
		return o, errors.New("console: no engine")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Started.IsZero() {
		o.Started = o.Now()
	}
	if o.ReferenceKey == nil {
		o.ReferenceKey = func(_, reference string) string { return bridge.ReferenceKey(reference, false) }
	}
	return o, nil
}
