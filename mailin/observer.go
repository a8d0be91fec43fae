package mailin

import "time"

// A Step is a part of what a poller does with new mail.
type Step string

// The steps, in order.
const (
	StepList   Step = "list"   // ask what is new
	StepFetch  Step = "fetch"  // get the mails from the server; waiting that another step hides does not count
	StepRead   Step = "read"   // make events of them
	StepAccept Step = "accept" // make the events durable
	StepFile   Step = "file"   // move or mark the mails
)

// An Observer is told what pollers do. It must not block.
type Observer interface {
	// Took says how long a step took, and how many mails it was about.
	Took(mailbox string, step Step, mails int, d time.Duration)
}

// unobserved is an Observer that nobody listens to.
type unobserved struct{}

func (unobserved) Took(string, Step, int, time.Duration) {}
