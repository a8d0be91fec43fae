package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
	"github.com/pergabridge/pergabridge/mailin/dovecottest/dovecot"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// MailOptions says what is measured.
type MailOptions struct {
	Mails int // in the mailbox when the bridge starts
	Size  int // bytes of each, about
	Tasks int // that they are about, in turn
	// Limit ends a run that does not get anywhere.
	Limit time.Duration
}

// MailResult is what one run showed. Steps run beside each other, so that their sum is not the time that
// passed.
type MailResult struct {
	Mails int `json:"mails"`
	Size  int `json:"bytes_each"`
	Tasks int `json:"tasks"`
	// Seconds run from the start of the bridge's process to the answer of the last SOAP call.
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"mails_per_second"`
	// Ready is when the bridge was up, First when the first call was answered; in Seconds' time.
	Ready float64 `json:"ready_after_seconds"`
	First float64 `json:"first_after_seconds"`
	// Steps are the seconds that passed in each step of reading.
	Steps  map[string]float64 `json:"steps"`
	Bridge Usage              `json:"bridge"`
	// Effects beyond one a mail would be mistakes of the bridge.
	Effects int `json:"effects"`
}

const mailConfig = `
server: {listen: "LISTEN", admin: "ADMIN"}
store: sqlite:bench.db
ssp: {url: "SSP", contract: assumed, intake: {auth: {none: true}}}
mail: {domain: bench.example.com, secret: {env: PERGABRIDGE_BENCH_MARKS}}
providers:
  acme: {kind: mail, smtp: "smtp://127.0.0.1:1", unencrypted: true, from: support@example.com, to: [help@acme.example]}
`

const mailboxConfig = `mailboxes:
  bench:
    imap: imaps://%s
    tls: {ca: %s}
    username: %s
    password: {env: PERGABRIDGE_BENCH_MAILBOX}
    start: 2020-01-01
    done: {move: Processed}
    brake: {messages: 1000000}
    providers: {acme: {senders: [acme.example]}}
`

// Mail lets a bridge read a mailbox full of mail from a real Dovecot, and measures until a fake SSP has
// answered a call for each. The error is [dovecot.ErrMissing] where Dovecot is not installed.
func Mail(ctx context.Context, o MailOptions) (r MailResult, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.Limit)
	defer cancel()
	if _, err := dovecot.Program(); err != nil {
		return r, err
	}
	dir, err := os.MkdirTemp("", "pergabridge-bench-")
	if err != nil {
		return r, fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(dir)
	s := &sink{want: int64(o.Mails), all: make(chan struct{})}
	ssp, err := ssptest.Start(ssptest.Options{Echo: ssptest.EchoNever, OnEffect: s.effect})
	if err != nil {
		return r, fmt.Errorf("bench: %w", err)
	}
	defer ssp.Close()
	box, err := dovecot.Start(ctx, dovecot.Options{})
	if err != nil {
		return r, err
	}
	defer box.Close()
	tasks := make([]string, min(o.Tasks, o.Mails))
	for i := range tasks {
		if tasks[i], err = ssp.Create(ssptest.Ticket{Title: "Bench"}); err != nil {
			return r, fmt.Errorf("bench: %w", err)
		}
		if err := ssp.Assign(tasks[i], "acme"); err != nil {
			return r, fmt.Errorf("bench: %w", err)
		}
	}
	for i := range o.Mails {
		if err := box.Put(i, dovecot.Mail(i, tasks[i%len(tasks)], o.Size)); err != nil {
			return r, err
		}
	}
	listen, err := Free()
	if err != nil {
		return r, err
	}
	config := strings.NewReplacer("LISTEN", listen, "SSP", ssp.URL()).Replace(mailConfig)
	env := []string{"PERGABRIDGE_BENCH_MARKS=" + rand.Text(), "PERGABRIDGE_BENCH_MAILBOX=" + dovecot.Password}
	if err := bonds(ctx, dir, config, env, tasks); err != nil {
		return r, err
	}

	config += fmt.Sprintf(mailboxConfig, box.IMAPS, box.CA, dovecot.User)
	s.began = time.Now()
	b, err := Start(ctx, dir, config, env...)
	if err != nil {
		return r, err
	}
	defer b.Kill()
	ready := time.Since(s.began)
	select {
	case <-s.all:
	case <-ctx.Done():
		return r, fmt.Errorf("bench: %d of %d mails had their effect after %s: %w; the bridge says: %s", s.n.Load(), o.Mails, o.Limit, ctx.Err(), b.Log())
	}
	took := time.Duration(s.last.Load())
	for box.Held("Processed") < o.Mails { // the last ones are moved after their calls, perhaps
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return r, fmt.Errorf("bench: %d of %d mails were moved: %w; the bridge says: %s", box.Held("Processed"), o.Mails, ctx.Err(), b.Log())
		}
	}
	r = MailResult{Mails: o.Mails, Size: o.Size, Tasks: len(tasks), Seconds: took.Seconds(), Rate: float64(o.Mails) / took.Seconds(),
		Ready: ready.Seconds(), First: time.Duration(s.first.Load()).Seconds(), Steps: map[string]float64{}}
	for r.Steps["file"] == 0 { // noted when the server has answered the move
		const name = "pergabridge_mail_seconds_total"
		m, err := b.Metrics(ctx, name)
		if err != nil {
			return r, err
		}
		for _, step := range []string{"list", "fetch", "read", "accept", "file"} {
			r.Steps[step] = m[name+`{mailbox="bench",step=`+strconv.Quote(step)+`}`]
		}
	}
	if r.Bridge, err = b.Stop(); err != nil {
		return r, err
	}
	if r.Effects = int(s.n.Load()); r.Effects != o.Mails {
		return r, fmt.Errorf("bench: %d mails had %d effects", o.Mails, r.Effects)
	}
	return r, nil
}

// bonds gives each task its bond, by a bridge without a mailbox.
func bonds(ctx context.Context, dir, config string, env, tasks []string) error {
	b, err := Start(ctx, dir, config, env...)
	if err != nil {
		return err
	}
	defer b.Kill()
	c, err := client.New(client.Options{Address: "http://" + b.Admin, Person: "bench"})
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer c.Close()
	var in api.Import
	for i, t := range tasks {
		in.Rows = append(in.Rows, api.ImportRow{Provider: "acme", Task: t, Reference: "INC" + strconv.Itoa(i)})
	}
	done, err := c.ImportBonds(ctx, in)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if done.Failed > 0 {
		return fmt.Errorf("bench: %d bonds were not taken", done.Failed)
	}
	_, err = b.Stop()
	return err
}

// A sink counts effects at SSP.
type sink struct {
	want        int64
	n           atomic.Int64
	began       time.Time
	first, last atomic.Int64 // nanoseconds since began
	all         chan struct{}
}

func (s *sink) effect(ssptest.Effect) {
	at := int64(time.Since(s.began))
	switch s.n.Add(1) {
	case 1:
		s.first.Store(at)
	case s.want:
		s.last.Store(at)
		close(s.all)
	}
}
