package tesseron

import (
	"fmt"
	"time"

	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// News is a change of a ticket's state, in the form in which quarantine keeps it and the receiver
// reads it.
type News struct {
	TicketNumber string         `json:"ticket_number"`
	Task         string         `json:"task,omitempty"`
	Status       string         `json:"status"`
	ID           string         `json:"id"`
	Item         map[string]any `json:"item"`
}

// receiver turns news into events.
type receiver = vendorapi.Receiver[News]

func newReceiver(name string, c *Config, now func() time.Time) *receiver {
	return &receiver{
		Teller: vendorapi.Teller{Name: name, Tables: c.Tables, Reference: c.Common.Reference.Key, Now: now},
		Read: func(n *News) vendorapi.Told {
			return vendorapi.Told{As: c.telling(n.Status), Unknown: fmt.Sprintf("nothing says what state %q means; add it under poll.statuses", n.Status),
				Item: n.Item, Task: n.Task, Reference: n.TicketNumber, Key: "status:" + n.ID}
		},
	}
}

// telling returns what a state means; its case does not matter.
func (c *Config) telling(status string) *vendorapi.Telling {
	for name, t := range c.Poll.Statuses {
		if same(name, status) {
			return t
		}
	}
	return nil
}
