package demo

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/http/vendortest"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// patience is how long one step of the story may take before it counts as gone wrong.
const patience = 15 * time.Second

// teller tells the story line by line and keeps the first thing that went wrong.
type teller struct {
	*World
	ctx   context.Context
	out   io.Writer
	start time.Time
	err   error
}

func (t *teller) say(who, format string, args ...any) {
	if t.err == nil {
		fmt.Fprintf(t.out, "%6.2fs  %-7s %s\n", time.Since(t.start).Seconds(), who, fmt.Sprintf(format, args...))
	}
}

func (t *teller) do(what string, f func() error) {
	if t.err == nil {
		if err := f(); err != nil {
			t.err = fmt.Errorf("%s: %w", what, err)
		}
	}
}

// until waits for something to become visible at one of the two ends.
func (t *teller) until(what string, f func() bool) {
	if t.err != nil {
		return
	}
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-t.ctx.Done():
			t.err = fmt.Errorf("waiting until %s: %w", what, t.ctx.Err())
			return
		case <-deadline.C:
			t.err = fmt.Errorf("waited %s in vain until %s", patience, what)
			return
		case <-tick.C:
		}
	}
}

func (t *teller) expect(ok bool, format string, args ...any) {
	if t.err == nil && !ok {
		t.err = fmt.Errorf(format, args...)
	}
}

// Tell plays the story and prints it as it happens. It returns an error if it did not end as it
// should.
func (w *World) Tell(ctx context.Context, out io.Writer) error {
	t := &teller{World: w, ctx: ctx, out: out, start: time.Now()}
	fmt.Fprintf(out, "A task's whole life. SSP is a fake with the real SOAP contract, ACME a fake provider with\na REST API, signed webhooks and people who write mail; the bridge between them is the real one.\n\n")

	task := ""
	t.do("create a task", func() (err error) {
		task, err = w.ssp.Create(ssptest.Ticket{Title: "Printer on 3rd floor is on fire", Description: "Smoke & flames since 9:15 <urgent>", Priority: "1",
			Requester: ssptest.Person{Name: "Jane Doe", Email: "jane.doe@example.com"}})
		return err
	})
	t.say("SSP", "a user opens a ticket; its task is %s", task)
	t.do("assign", func() error { return w.ssp.Assign(task, group) })
	t.say("SSP", "task %s is assigned to the integrated group %q; its process calls the bridge", task, group)

	number := ""
	t.until("ACME has a ticket", func() bool {
		if all := w.vendor.Tickets(); len(all) > 0 {
			number = all[0]
		}
		return number != ""
	})
	t.say("ACME", "ticket %s is opened for task %s", number, task)
	t.until("SSP knows the reference", func() bool { return t.task(task).Reference == number })
	t.say("SSP", "the external reference of task %s is %s", task, number)

	t.do("update", func() error {
		return w.ssp.UserUpdate(task, "It is still burning. Please hurry, 漢字 & é arrive too.")
	})
	t.say("SSP", "the user adds a text")
	t.until("the text is at ACME", func() bool { return len(t.ticket(number).Comments) == 1 })
	t.say("ACME", "comment on %s: %s", number, t.ticket(number).lastText())

	t.do("reply", func() error {
		_, err := w.vendor.Reply(number, "bob", "<p>A technician is on the way &amp; brings an extinguisher.</p>", true)
		return err
	})
	t.do("internal note", func() error {
		_, err := w.vendor.Reply(number, "bob", "<p>Third fire this month, between us.</p>", false)
		return err
	})
	t.say("ACME", "bob answers, and writes an internal note that must not leave")
	t.until("the answer is in SSP", func() bool { return len(t.external(task)) == 1 })
	t.say("SSP", "message on task %s: %s", task, last(t.external(task)))

	t.do("mail", func() error { return w.box.put(photo(number)) })
	t.say("ACME", "bob also writes a mail with [[Reference]]: %s and a photo, below it a signature and old words", number)
	t.until("the mail is in SSP", func() bool { return len(t.external(task)) == 2 })
	t.say("SSP", "message on task %s: %s", task, oneLine(last(t.external(task))))
	t.until("the mail is filed", func() bool { return w.box.filed(processed) == 1 })
	t.say("bridge", "the mail is moved to %s; the photo is kept with it, for the console", processed)

	t.do("resolve", func() error { return w.vendor.Resolve(number, "bob", "Fire put out.") })
	t.say("ACME", "bob solves %s", number)
	t.until("the solution is in SSP", func() bool { return t.task(task).Status == ssptest.Solved })
	t.say("SSP", "task %s is solved: %s", task, t.task(task).Solution)

	t.do("resend", func() error { w.vendor.Resend(); return nil })
	t.say("ACME", "sends the same webhook once more, as vendors do")
	t.until("the webhook is counted as a duplicate", func() bool { return t.repeats() > 0 })
	t.say("bridge", "a duplicate: answered with success, counted, nothing done twice")

	t.do("decline", func() error { return w.ssp.DeclineSolution(task, "It smokes again.") })
	t.say("SSP", "the user declines the solution")
	t.until("ACME's ticket is open again", func() bool { return t.ticket(number).Status == vendortest.Open })
	t.say("ACME", "ticket %s is open again: %s", number, t.ticket(number).lastText())
	t.do("resolve", func() error { return w.vendor.Resolve(number, "bob", "Printer replaced.") })
	t.say("ACME", "bob solves %s again", number)
	t.until("the second solution is in SSP", func() bool {
		return t.task(task).Status == ssptest.Solved && t.task(task).Solution == "Printer replaced."
	})
	t.say("SSP", "task %s is solved: %s", task, t.task(task).Solution)

	t.do("close", func() error { return w.ssp.CloseByUser(task, "Thank you.") })
	t.say("SSP", "the user closes the task")
	t.until("ACME's ticket is closed", func() bool { return t.ticket(number).Status == vendortest.Closed })
	t.say("ACME", "ticket %s is closed", number)

	t.settled()
	t.ledger(task, number)
	if t.err == nil {
		fmt.Fprintf(out, "\nTask %s and ticket %s lived and ended together: nothing lost, nothing twice, everything in order.\n", task, number)
	}
	return t.err
}

// settled waits until the bridge has nothing left to do, and looks for anything that stuck.
func (t *teller) settled() {
	t.do("vendor", func() error { return t.vendor.Idle(t.ctx) })
	t.do("ssp", func() error { return t.ssp.Idle(t.ctx) })
	var c bridge.Counts
	t.until("every event is settled", func() bool {
		var err error
		if c, err = t.app.Store().Counts(t.ctx); err != nil {
			t.err = err
			return true
		}
		return c.Events[bridge.StateQueued]+c.Events[bridge.StateLeased]+c.Events[bridge.StateWaiting] == 0
	})
	t.expect(c.Events[bridge.StateParked] == 0, "%d event(s) are parked", c.Events[bridge.StateParked])
	t.expect(c.Events[bridge.StateQuarantined] == 0, "in quarantine: %v", t.quarantine())
	t.say("bridge", "all settled: %d events applied, %d ended without (echoes, duplicates)", c.Events[bridge.StateDone], c.Events[bridge.StateEnded])
}

// quarantine says what nobody understood.
func (t *teller) quarantine() []string {
	events, err := t.app.Store().Events(t.ctx, bridge.EventFilter{States: []bridge.EventState{bridge.StateQuarantined}})
	t.err = errors.Join(t.err, err)
	var out []string
	for _, e := range events {
		out = append(out, fmt.Sprintf("%s %s %s: %s", e.Dir, e.Kind, e.Reason, e.Detail))
	}
	return out
}

// ledger compares what both ends saw with what should have happened, exactly and in order.
func (t *teller) ledger(task, number string) {
	if t.err != nil {
		return
	}
	got := []string{}
	for _, e := range t.ssp.Effects(task) {
		got = append(got, fmt.Sprint(e.Operation)+" "+e.Text)
	}
	t.same("SSP", got, []string{
		"ProcessInstanceTaskExternalAcknowledgement " + number,
		"ProcessInstanceTaskExternalUpdateMessage A technician is on the way & brings an extinguisher.",
		"ProcessInstanceTaskExternalUpdateMessage " + mailed,
		"ProcessInstanceTaskExternalReassignment Fire put out.",
		"ProcessInstanceTaskExternalReassignment Printer replaced.",
	})
	kinds := []string{}
	for _, e := range t.vendor.Ledger() {
		kinds = append(kinds, e.Kind+" "+e.Ticket)
	}
	t.same("ACME", kinds, []string{"create " + number, "comment " + number, "reopen " + number, "close " + number})
}

func (t *teller) same(who string, got, want []string) {
	ok := len(got) == len(want)
	for i := 0; ok && i < len(got); i++ {
		ok = got[i] == want[i]
	}
	t.expect(ok, "%s saw\n  %q\ninstead of\n  %q", who, got, want)
}

func (t *teller) task(id string) ssptest.Task {
	task, _ := t.ssp.Task(id)
	return task
}

// external returns the texts that came from the provider.
func (t *teller) external(id string) []string {
	var out []string
	for _, m := range t.task(id).Messages {
		if m.External {
			out = append(out, m.Text)
		}
	}
	return out
}

// mailed is what SSP is told of the mail.
const mailed = "This is what it looks like.\n\nAttachments:\n- photo.jpg (3kB)"

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func last(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[len(s)-1]
}

type ticket struct{ vendortest.Ticket }

func (t *teller) ticket(number string) ticket {
	got, _ := t.vendor.Ticket(number)
	return ticket{got}
}

func (t ticket) lastText() string {
	if len(t.Comments) == 0 {
		return ""
	}
	return html.UnescapeString(t.Comments[len(t.Comments)-1].Text) // ACME keeps HTML
}

// repeats returns how often something was offered again.
func (t *teller) repeats() int {
	events, err := t.app.Store().Events(t.ctx, bridge.EventFilter{Limit: 1000})
	t.err = errors.Join(t.err, err)
	n := 0
	for _, e := range events {
		n += e.Repeat
	}
	return n
}
