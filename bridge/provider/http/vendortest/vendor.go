package vendortest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// APIUser is who the vendor says wrote what came in through the API.
const APIUser = "api-bridge"

// Options configure a vendor. The zero value is usable.
type Options struct {
	// Token is the bearer token of the API; default "vendor-token".
	Token string
	// Webhook is where changes are sent; empty sends none. It can be set later with [Vendor.SetWebhook].
	Webhook string
	// Secret signs the webhooks; default a fixed one. See [Vendor.Secret].
	Secret string
	// EchoFirst sends the webhook of a change made through the API before that call is answered.
	EchoFirst bool
	// Prefix and First make the ticket numbers; default ACME and 1001.
	Prefix string
	First  int
	// PageSize is the number of changes on one page of the feed; default 50.
	PageSize int
	// HookRetry is the pause before a webhook is sent again; default 200ms.
	HookRetry time.Duration
	Now       func() time.Time
	Log       *slog.Logger
}

// Vendor is a running ticket system. It is safe for concurrent use.
type Vendor struct {
	opts Options
	now  func() time.Time
	log  *slog.Logger

	mu       sync.Mutex
	tickets  map[string]*Ticket
	order    []string
	comments int
	seq      int
	feed     []*Change
	effects  []Effect
	faults   []*Fault
	calls    int
	muted    bool
	hooks    *hooks

	addr     string
	server   *http.Server
	serving  chan struct{}
	stopping chan struct{}
}

// Start starts a vendor on a free loopback port.
func Start(o Options) (*Vendor, error) {
	if o.Token == "" {
		o.Token = "vendor-token"
	}
	if o.Secret == "" {
		o.Secret = defaultSecret
	}
	if o.Prefix == "" {
		o.Prefix = "ACME"
	}
	if o.First == 0 {
		o.First = 1001
	}
	if o.PageSize == 0 {
		o.PageSize = 50
	}
	if o.HookRetry == 0 {
		o.HookRetry = 200 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	v := &Vendor{opts: o, now: o.Now, log: o.Log, tickets: map[string]*Ticket{}, stopping: make(chan struct{})}
	key, err := signingKey(o.Secret)
	if err != nil {
		return nil, err
	}
	v.hooks = newHooks(v, key, o.Webhook)
	if err := v.listen("127.0.0.1:0"); err != nil {
		v.hooks.stop()
		return nil, err
	}
	return v, nil
}

func (v *Vendor) listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("vendortest: %w", err)
	}
	v.addr = l.Addr().String()
	v.server = &http.Server{Handler: http.HandlerFunc(v.serve), ReadHeaderTimeout: 10 * time.Second}
	v.serving = make(chan struct{})
	go func(s *http.Server, done chan struct{}) {
		defer close(done)
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			v.log.Error("vendortest stopped", "error", err)
		}
	}(v.server, v.serving)
	return nil
}

// URL returns the address of the vendor, without a slash at the end.
func (v *Vendor) URL() string { return "http://" + v.addr }

// Token returns the bearer token of the API.
func (v *Vendor) Token() string { return v.opts.Token }

// Secret returns the secret of the webhooks, as the vendor shows it to its customers (whsec_…).
func (v *Vendor) Secret() string { return v.opts.Secret }

// SetWebhook changes where changes are sent from now on; empty sends none.
func (v *Vendor) SetWebhook(url string) { v.hooks.target(url) }

// Mute stops webhooks for changes made from now on (they stay in the feed), or starts them again.
func (v *Vendor) Mute(on bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.muted = on
}

// Close stops everything, also calls that hang.
func (v *Vendor) Close() {
	v.mu.Lock()
	select {
	case <-v.stopping:
	default:
		close(v.stopping)
	}
	v.mu.Unlock()
	v.hooks.stop()
	v.Down()
}

// Down closes the host: connections are refused until Up.
func (v *Vendor) Down() {
	v.mu.Lock()
	s, done := v.server, v.serving
	v.server = nil
	v.mu.Unlock()
	if s == nil {
		return
	}
	_ = s.Close()
	<-done
}

// Up opens the host again, on the same address.
func (v *Vendor) Up() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.server != nil {
		return nil
	}
	return v.listen(v.addr)
}

// Idle waits until every webhook was delivered, or ctx ends.
func (v *Vendor) Idle(ctx context.Context) error { return v.hooks.idle(ctx) }

// Ledger returns everything that was written through the API, in order.
func (v *Vendor) Ledger() []Effect {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]Effect(nil), v.effects...)
}

// Calls returns how many requests came in, whatever became of them.
func (v *Vendor) Calls() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.calls
}

// Tickets returns the numbers of all tickets, oldest first.
func (v *Vendor) Tickets() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]string(nil), v.order...)
}

// Ticket returns a copy of a ticket.
func (v *Vendor) Ticket(number string) (Ticket, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t, ok := v.tickets[number]
	if !ok {
		return Ticket{}, false
	}
	c := *t
	c.Comments = append([]Comment(nil), t.Comments...)
	return c, true
}

// Reply adds a comment as one of the vendor's own people would. The text is HTML.
func (v *Vendor) Reply(number, author, text string, public bool, files ...Attachment) (Comment, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t, err := v.find(number)
	if err != nil {
		return Comment{}, err
	}
	return *v.comment(t, Comment{Author: author, Public: public, Text: text, Attachments: files}), nil
}

// Open opens a ticket as one of the vendor's own people would: nobody has asked for it through the
// API. It returns its number.
func (v *Vendor) Open(author, title, description string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.create(Ticket{Title: title, Description: description, Priority: "normal"}, author).Number
}

// Resolve solves a ticket as one of the vendor's own people would.
func (v *Vendor) Resolve(number, author, solution string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	t, err := v.find(number)
	if err != nil {
		return err
	}
	t.Status, t.Solution = Resolved, solution
	v.change("ticket.resolved", author, t, nil)
	return nil
}

// CloseTicket closes a ticket as the vendor's own automation would.
func (v *Vendor) CloseTicket(number, author string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	t, err := v.find(number)
	if err != nil {
		return err
	}
	t.Status = Closed
	v.change("ticket.closed", author, t, nil)
	return nil
}

// Resend sends the webhook of the last change once more, with the same ids, as vendors do when an
// answer got lost.
func (v *Vendor) Resend() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if n := len(v.feed); n > 0 {
		v.hooks.push(v.feed[n-1])
	}
}

func (v *Vendor) find(number string) (*Ticket, error) {
	t, ok := v.tickets[number]
	if !ok {
		return nil, fmt.Errorf("vendortest: there is no ticket %q", number)
	}
	return t, nil
}
