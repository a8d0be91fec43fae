package tesamanager

import (
	"fmt"
	"maps"
	"time"

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

// receiver turns news into events.
type receiver = vendorapi.Receiver[News]

func newReceiver(name string, c *Config, now func() time.Time) *receiver {
	tell := c.tell()
	return &receiver{
		Teller: vendorapi.Teller{Name: name, Tables: c.Tables, Reference: c.Common.Reference.Key, Now: now},
		Read:   func(n *News) vendorapi.Told { return n.told(c, &tell) },
	}
}

func (n *News) told(c *Config, tell *Tell) vendorapi.Told {
	x := vendorapi.Told{Reference: n.ReferenceID, Key: n.What + ":" + n.ReferenceID + ":" + n.ID, Fields: n.Item,
		Item: map[string]any{"reference_id": n.ReferenceID, "external_reference": n.ExternalReference, "status": n.Status}}
	maps.Copy(x.Item, n.Item)
	if task, ours := c.ExternalReference.Task(n.ExternalReference); ours {
		x.Task = task
	}
	switch n.What {
	case "status":
		x.As, x.Unknown = tell.Statuses[n.Status], fmt.Sprintf("nothing says what state %q means; add it under tell.statuses", n.Status)
	case "event":
		x.As = tell.Events
	case "issue":
		x.As = tell.Issues
	case "stalled":
		x.As = tell.Stalled
	default:
		x.Unknown = fmt.Sprintf("%q is no news of this vendor", n.What)
	}
	return x
}
