package mailin

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/mailin/message"
)

// Names of what a poller notes about a mail in [bridge.Inbound].Header.
const (
	HeaderMailbox = "Mailbox"
	HeaderFolder  = "Folder"
	HeaderUID     = "Uid"
)

// ContentType is that of a raw mail.
const ContentType = "message/rfc822"

// A Reader turns mail into events. It implements [bridge.Receiver], does no I/O and is safe for
// concurrent use.
type Reader struct {
	marks  *mailmark.Marks
	boxes  map[string]*Mailbox
	refKey func(provider, reference string) string
	log    *slog.Logger
	now    func() time.Time
}

// ReaderOptions are what a Reader gets from the program. The zero value is usable.
type ReaderOptions struct {
	Log *slog.Logger
	Now func() time.Time
	// RefKey returns a reference as it is compared; nil: case-blind.
	RefKey func(provider, reference string) string
}

// NewReader makes a reader of the mailboxes' config.
func NewReader(boxes map[string]*Mailbox, marks *mailmark.Marks, o ReaderOptions) *Reader {
	r := &Reader{marks: marks, boxes: map[string]*Mailbox{}, refKey: o.RefKey, log: o.Log, now: o.Now}
	for name, b := range boxes {
		r.boxes[name] = b.withDefaults()
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.refKey == nil {
		r.refKey = func(_, reference string) string { return bridge.ReferenceKey(reference, false) }
	}
	return r
}

// box returns the mailbox an input came from; when it is read again and the mailbox is gone, one that
// the provider is attached to.
func (r *Reader) box(in *bridge.Inbound) *Mailbox {
	if b := r.boxes[in.Header[HeaderMailbox]]; b != nil {
		return b
	}
	for _, name := range sortedKeys(r.boxes) {
		if b := r.boxes[name]; b.Providers[in.Provider] != nil {
			return b
		}
	}
	return nil
}

// Receive turns one raw mail into its event. A mail from which nothing follows gives one that only
// records why.
func (r *Reader) Receive(_ context.Context, in bridge.Inbound) ([]bridge.Event, error) {
	_, events := r.Read(in)
	return events, nil
}

// Read is Receive with the reasons.
func (r *Reader) Read(in bridge.Inbound) (*Reading, []bridge.Event) {
	box := r.box(&in)
	if box == nil {
		e := r.event(&in, &Reading{Provider: in.Provider, Quarantine: bridge.NoRule, Why: "no mailbox of the config has this provider attached"})
		return nil, []bridge.Event{e}
	}
	x := r.read(box, in.Body)
	if x.Kind == Ignored && x.Quarantine == "" {
		return x, []bridge.Event{r.record(&in, x)}
	}
	return x, []bridge.Event{r.event(&in, x)}
}

// record is what is kept of a mail from which nothing follows: who wrote when about what, and why it is
// left; nothing of what it says. A report that mail of ours did not arrive is kept whole.
func (r *Reader) record(in *bridge.Inbound, x *Reading) bridge.Event {
	e := r.event(in, x)
	e.Kind, e.Ignore, e.Detail = "", x.Reason, secret.Mask(x.Why)
	e.Bounced, e.BouncedAt = x.Bounced, x.BouncedAt.UTC()
	if x.Bounced != "" {
		return e
	}
	e.Inbound, e.Text, e.Author = nil, "", ""
	mail := map[string]any{}
	if was, ok := e.Fields["mail"].(map[string]any); ok {
		for _, k := range []string{"message_id", "subject", "from", "date", "automatic"} {
			if v, there := was[k]; there {
				mail[k] = v
			}
		}
	}
	e.Fields = map[string]any{"mail": mail}
	return e
}

// event makes the event of a reading.
func (r *Reader) event(in *bridge.Inbound, x *Reading) bridge.Event {
	kept := *in
	kept.Provider, kept.Entrance = x.Provider, bridge.ByMailbox
	if kept.ContentType == "" {
		kept.ContentType = ContentType
	}
	e := bridge.Event{
		Provider: x.Provider, Dir: bridge.In, Kind: bridge.Kind(x.Kind), Else: bridge.Kind(x.Else), Task: x.Task, Reference: x.Reference, Key: x.key(in.Body),
		Entrance: bridge.ByMailbox, Received: in.Received, Text: x.Text, Author: x.Author, Fields: x.fields(), Inbound: &kept,
		Quarantine: x.Quarantine, Detail: secret.Mask(x.Why),
	}
	if x.Quarantine == "" {
		e.Detail = ""
	}
	if e.Kind == bridge.Update && x.automatic != message.ByPerson {
		e.Echo = bridge.EchoByText // a ticket system notifies of our own texts, too; a person who says the same means it
	}
	if len(e.Fields) == 0 {
		e.Fields = nil
	}
	if e.Received.IsZero() {
		e.Received = r.now()
	}
	if x.Message != nil {
		e.Title = x.Message.Subject
		e.Requester = bridge.Person{Name: x.Message.From.Name, Email: x.Message.From.Email}
	}
	if e.Reference != "" {
		e.RefKey = r.refKey(x.Provider, strings.TrimSpace(e.Reference))
	}
	e.Normalize()
	return e
}
