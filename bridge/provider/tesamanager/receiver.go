package tesamanager

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// News is one thing the poll has found, in the form in which quarantine keeps it and the receiver
// reads it.
type News struct {
	What              string         `json:"what"` // status, event, issue, stalled
	ReferenceID       string         `json:"reference_id"`
	ExternalReference string         `json:"external_reference,omitempty"`
	Status            string         `json:"status,omitempty"`
	ID                string         `json:"id"` // makes the key: the same each time it is found
	Item              map[string]any `json:"item"`
}

// Receiver turns news into events. It does no I/O.
type Receiver struct {
	config *Config
	tell   Tell
	teller vendorapi.Teller
}

func newReceiver(name string, c *Config, now func() time.Time) *Receiver {
	return &Receiver{config: c, tell: c.tell(), teller: vendorapi.Teller{Name: name, Tables: c.Tables, Reference: c.Common.Reference.Key, Now: now}}
}

// Receive reads one piece of news.
func (r *Receiver) Receive(_ context.Context, in bridge.Inbound) ([]bridge.Event, error) {
	var n News
	return r.teller.Tell(in, &n, func() vendorapi.Told { return r.told(&n) }), nil
}

func (r *Receiver) told(n *News) vendorapi.Told {
	x := vendorapi.Told{Reference: n.ReferenceID, Key: n.What + ":" + n.ReferenceID + ":" + n.ID, Fields: n.Item,
		Item: map[string]any{"reference_id": n.ReferenceID, "external_reference": n.ExternalReference, "status": n.Status}}
	maps.Copy(x.Item, n.Item)
	if task, ours := r.config.ExternalReference.Task(n.ExternalReference); ours {
		x.Task = task
	}
	switch n.What {
	case "status":
		x.As, x.Unknown = r.tell.Statuses[n.Status], fmt.Sprintf("nothing says what state %q means; add it under tell.statuses", n.Status)
	case "event":
		x.As = r.tell.Events
	case "issue":
		x.As = r.tell.Issues
	case "stalled":
		x.As = r.tell.Stalled
	default:
		x.Unknown = fmt.Sprintf("%q is no news of this vendor", n.What)
	}
	return x
}
