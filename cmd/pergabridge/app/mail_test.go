package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/listener/freeport"
	"github.com/pergabridge/pergabridge/bridge/mailout/smtptest"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
	"github.com/pergabridge/pergabridge/mailin/dovecottest"
	"github.com/pergabridge/pergabridge/mailin/message"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

const mailConfig = `
server: {listen: "LISTEN", admin: "127.0.0.1:0"}
store: sqlite:bridge.db
ssp:
  url: %s
  unknown: {update: {wait: 200ms}}
  intake: {auth: {header: {name: X-Bridge-Key, secret: {env: MAILTEST_INTAKE}}}}
  %s
mail: {domain: bridge.example.com, secret: {env: MAILTEST_SECRET}}
mailboxes:
  support:
    imap: imaps://%s
    tls: {ca: %s}
    username: support@example.com
    password: {env: MAILTEST_IMAP}
    start: 2020-01-01 # so that no test depends on when the first connection is made
    done: {move: Processed}
    failed: {move: Failed}
    brake: {messages: 500}
    providers:
      acme: {senders: [acme.example], reference: ['\bINC\d{7}\b']}
providers:
  acme:
    kind: mail
    smtp: smtp://%s
    unencrypted: true
    from: SSP Service <support@example.com>
    to: [help@acme.example]
    remind: %s
`

// patience is how long anything may take that should happen by itself, on a busy machine.
const patience = time.Minute

// A world is SSP, a provider's mail server and our own mailbox, with the bridge between them.
type world struct {
	t    *testing.T
	ssp  *ssptest.Server
	smtp *smtptest.Server
	box  *dovecottest.Server
	imap *imapclient.Client
	app  *app.App
	file string
	stop func()

	listen string
	sent   int
}

func newWorld(t *testing.T, sspMore, remind string, echo ...ssptest.Echo) *world {
	t.Helper()
	return newWorldOf(t, sspMore, remind, ssptest.Options{Echo: append(echo, ssptest.EchoMixed)[0], Seed: 1})
}

func newWorldOf(t *testing.T, sspMore, remind string, o ssptest.Options) *world {
	t.Helper()
	w := &world{t: t, box: dovecottest.Start(t, dovecottest.Options{}), smtp: smtptest.Start(t, smtptest.Options{})}
	var err error
	w.ssp, err = ssptest.Start(o)
	require.NoError(t, err)
	t.Cleanup(w.ssp.Close)
	w.imap = w.box.Client(t)
	w.file = filepath.Join(t.TempDir(), "pergabridge.yaml")
	text := fmt.Sprintf(mailConfig, w.ssp.URL(), strings.ReplaceAll(sspMore, "SMTP", w.smtp.Addr), w.box.IMAPS, w.box.CA, w.smtp.Addr, remind)
	w.listen, err = freeport.Address() // the same after a restart, because SSP calls it
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(w.file, []byte(strings.Replace(text, "LISTEN", w.listen, 1)), 0o600))
	w.ssp.SetGroup("acme", ssptest.Group{URL: "http://" + w.listen + "/ssp/acme", Header: http.Header{"X-Bridge-Key": {"mailtest-intake-key"}}})
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

func (w *world) start() {
	w.t.Helper()
	c, err := app.Load(w.file)
	require.NoError(w.t, err)
	w.app, err = app.New(w.t.Context(), c, app.Options{})
	require.NoError(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	a := w.app
	go func() { done <- a.Run(ctx) }()
	stopped := false
	w.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(w.t, <-done)
		}
	}
}

// assign makes a task and returns it with the mail that told the provider.
func (w *world) assign() (string, *message.Message) {
	w.t.Helper()
	task, err := w.ssp.Create(ssptest.Ticket{Title: "Printer burns", Description: "It burns."})
	require.NoError(w.t, err)
	require.NoError(w.t, w.ssp.Assign(task, "acme"))
	return task, w.mail("submit")
}

// mail waits for the next mail to the provider.
func (w *world) mail(kind string) *message.Message {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return len(w.smtp.Mails()) > w.sent }, patience, 5*time.Millisecond, "no mail about %s", kind)
	m, err := message.Parse(w.smtp.Mails()[w.sent].Raw)
	require.NoError(w.t, err)
	w.sent++
	require.Equal(w.t, kind, m.Header.Get("X-Pergabridge-Kind"))
	return m
}

var letters atomic.Int64

// answer puts an answer to a mail of ours into the mailbox.
func (w *world) answer(to *message.Message, subject, text string) []byte {
	w.t.Helper()
	raw := fmt.Appendf(nil, "From: Jo Helper <jo@acme.example>\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <answer.%d@acme.example>\r\nIn-Reply-To: <%s>\r\n\r\n%s\r\n\r\n> %s\r\n",
		to.ReplyTo.Email, subject, letters.Add(1), to.ID, text, strings.ReplaceAll(to.Text, "\n", "\r\n> "))
	dovecottest.Append(w.t, w.imap, "INBOX", time.Now(), raw)
	return raw
}

// effects waits until SSP has seen n effects on a task, and returns them.
func (w *world) effects(task string, n int) []ssptest.Effect {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	require.NoError(w.t, w.ssp.Wait(ctx, func() bool { return len(w.ssp.Effects(task)) >= n }), "effects: %v", w.ssp.Effects(task))
	return w.ssp.Effects(task)
}

func TestWholeLifeByMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "", "0s")
	task, submit := w.assign()
	require.Contains(t, submit.Text, "[[Task]]: "+task)
	w.answer(submit, "RE: Printer burns INC0012345", "We are on it.")
	got := w.effects(task, 2) // the reference first, then the text
	require.Equal(t, "INC0012345", got[0].Text)
	require.Equal(t, "We are on it.", got[1].Text)

	began := time.Now()
	w.answer(submit, "RE: Printer burns", "The part is here.")
	w.effects(task, 3)
	took := time.Since(began)
	t.Logf("from the mailbox to the answered SOAP call: %s", took)
	require.Less(t, took, patience/2, "the server told us: the poll would have found it after a minute")

	require.NoError(t, w.ssp.UserUpdate(task, "Is it done?"))
	update := w.mail("update")
	require.Equal(t, []string{submit.ID}, update.InReplyTo)
	require.Contains(t, update.Text, "[[Reference]]: INC0012345")
	w.answer(update, "RE: Printer burns", "[[Solution]]: New fuse.\r\n\r\n-- \r\nJo")
	require.Equal(t, "New fuse.", w.effects(task, 4)[3].Text)
	require.NoError(t, w.ssp.DeclineSolution(task, "It still burns."))
	require.Contains(t, w.mail("reject_solution").Text, "It still burns.")
	require.NoError(t, w.ssp.CloseByUser(task, "Thank you."))
	w.mail("close")

	require.Eventually(t, func() bool { return dovecottest.Count(t, w.imap, "Processed") == 3 }, patience, 20*time.Millisecond)
	w.stop()
	require.Len(t, w.ssp.Effects(task), 4)
}

// config changes the config file and starts the bridge anew.
func (w *world) config(more string) {
	w.t.Helper()
	w.stop()
	text, err := os.ReadFile(w.file)
	require.NoError(w.t, err)
	require.NoError(w.t, os.WriteFile(w.file, append(text, more...), 0o600))
	w.start()
}

func bounce(of *message.Message) []byte {
	return fmt.Appendf(nil, "From: MAILER-DAEMON@acme.example\r\nReturn-Path: <>\r\nSubject: Undelivered Mail Returned to Sender\r\nMessage-ID: <b%d@acme.example>\r\n\r\n550 5.1.1 no such user\r\nMessage-ID: <%s>\r\n", letters.Add(1), of.ID)
}

// A mail that did not arrive is no longer done: its event says so, the report stands beside it, people
// are told, and it can be sent again.
func TestBounceMarksTheEvent(t *testing.T) {
	t.Parallel()
	told := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		told <- string(b)
	}))
	t.Cleanup(hook.Close)
	w := newWorld(t, "", "0s")
	w.config("notify: {webhook: {url: '" + hook.URL + "', secret: {env: MAILTEST_HOOK}}}\n")
	task, submit := w.assign()
	dovecottest.Append(t, w.imap, "INBOX", time.Now(), bounce(submit))
	of := func() (bridge.Event, []bridge.Event) {
		events, err := w.app.Store().Events(t.Context(), bridge.EventFilter{Task: task})
		require.NoError(t, err)
		return events[0], events
	}
	require.Eventually(t, func() bool { e, _ := of(); return e.Reason == bridge.Bounced }, patience, 20*time.Millisecond)
	e, events := of()
	require.Equal(t, bridge.StateEnded, e.State)
	require.Contains(t, e.Detail, "was not delivered")
	require.Len(t, events, 2)
	require.Equal(t, e.First, events[1].ID)
	require.Equal(t, bridge.Automatic, events[1].Reason)
	require.Contains(t, string(events[1].Inbound.Body), "550 5.1.1 no such user")
	require.Eventually(t, func() bool { return dovecottest.Count(t, w.imap, "Processed") == 1 }, patience, 20*time.Millisecond)
	select {
	case text := <-told:
		require.Contains(t, text, "a mail (submit of task "+task+") did not arrive")
	case <-time.After(patience):
		require.Fail(t, "nobody was told")
	}

	_, err := w.app.Store().Operate(t.Context(), bridge.Command{Verb: bridge.VerbEventRetry, Person: "test", Event: e.ID})
	require.NoError(t, err)
	again := w.mail("submit")
	require.Equal(t, submit.ID, again.ID)
	w.answer(again, "RE: INC0012345", "now it works")
	require.Equal(t, "now it works", w.effects(task, 2)[1].Text)
}

// A refresh token that its endpoint replaces at every use is the right one after a restart, and stands
// nowhere in the store.
func TestReplacedRefreshTokenSurvivesARestart(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	valid, n := "configured-refresh-token", 0
	tokens := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_ = r.ParseForm()
		rw.Header().Set("Content-Type", "application/json")
		if r.PostForm.Get("refresh_token") != valid {
			rw.WriteHeader(http.StatusBadRequest)
			_, _ = rw.Write([]byte(`{"error":"invalid_grant"}`))
			return
		}
		n++
		valid = fmt.Sprintf("replaced-refresh-token-%d", n)
		fmt.Fprintf(rw, `{"access_token":"smtp-access-token","token_type":"Bearer","expires_in":1,"refresh_token":%q}`, valid)
	}))
	t.Cleanup(tokens.Close)
	w := newWorld(t, "", "0s")
	w.smtp = smtptest.Start(t, smtptest.Options{User: "support@example.com", Token: "smtp-access-token"})
	text, err := os.ReadFile(w.file)
	require.NoError(t, err)
	at := strings.LastIndex(string(text), "    smtp: smtp://")
	rest := string(text)[at:]
	rest = rest[strings.Index(rest, "\n")+1:]
	w.stop()
	require.NoError(t, os.WriteFile(w.file, fmt.Appendf(nil, "%s    smtp: smtp://%s\n    username: support@example.com\n    oauth2: {token_url: %q, client_id: bridge, refresh_token: {env: MAILTEST_REFRESH}}\n%s",
		string(text)[:at], w.smtp.Addr, tokens.URL, rest), 0o600))
	w.start()
	w.assign()
	for range 2 {
		w.stop()
		w.start()
		w.assign()
	}
	w.stop()
	mu.Lock()
	require.Positive(t, n)
	mu.Unlock()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(w.file), "bridge.db*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, s := range []string{"configured-refresh-token", "replaced-refresh-token", "smtp-access-token"} {
			require.NotContains(t, string(raw), s, file)
		}
	}
}

// What nobody wrote has a record with its reason and without its words.
func TestIgnoredMailIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "", "0s")
	task, submit := w.assign()
	dovecottest.Append(t, w.imap, "INBOX", time.Now(), fmt.Appendf(nil,
		"From: Jo <jo@acme.example>\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\nMessage-ID: <away@acme.example>\r\nIn-Reply-To: <%s>\r\n\r\nI am on the beach.\r\n", submit.ID))
	var got []bridge.Event
	require.Eventually(t, func() bool {
		var err error
		got, err = w.app.Store().Events(t.Context(), bridge.EventFilter{Task: task, Reason: bridge.Automatic})
		require.NoError(t, err)
		return len(got) == 1
	}, patience, 20*time.Millisecond)
	require.Equal(t, bridge.StateEnded, got[0].State)
	require.NotEmpty(t, got[0].Detail)
	require.Equal(t, "Out of office", got[0].Title)
	shown, err := json.Marshal(got[0])
	require.NoError(t, err)
	require.NotContains(t, string(shown), "beach")
	require.Empty(t, w.ssp.Effects(task))
}

// The provider's new ticket comes by mail, and goes by mail; what comes after it waits for the task.
func TestNewTicketByMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "mail: {smtp: \"smtp://SMTP\", unencrypted: true, from: bridge@example.com, to: [ssp@example.com]}", "0s")
	text, err := os.ReadFile(w.file)
	require.NoError(t, err)
	w.stop()
	require.NoError(t, os.WriteFile(w.file, []byte(strings.Replace(string(text), "acme: {senders", "acme: {untagged: open, senders", 1)), 0o600))
	w.start()
	write := func(subject, body string) {
		dovecottest.Append(t, w.imap, "INBOX", time.Now(), fmt.Appendf(nil, "From: Jo <jo@acme.example>\r\nSubject: %s\r\nMessage-ID: <new%d@acme.example>\r\n\r\n%s\r\n", subject, letters.Add(1), body))
	}
	write("INC0000042 Router is down", "No light.")
	require.Eventually(t, func() bool { return len(w.smtp.Mails()) == 1 }, patience, 5*time.Millisecond)
	m, err := message.Parse(w.smtp.Mails()[0].Raw)
	require.NoError(t, err)
	require.Equal(t, "[[Reference]]: INC0000042\n[[Title]]: INC0000042 Router is down\n[[Requester]]: Jo <jo@acme.example>\n[[Author]]: Jo\n[[Message]]: No light.", m.Text)
	write("INC0000042 Router is down", "Part is ordered.")
	write("INC0000042 Router is down", "[[Solution]]: New router.")
	require.Eventually(t, func() bool {
		c, err := w.app.Store().Counts(t.Context())
		require.NoError(t, err)
		return c.Events[bridge.StateWaiting] == 2
	}, patience, 20*time.Millisecond)
	task, err := w.ssp.Opened(ssptest.Ticket{Title: "Router is down"}, "INC0000042")
	require.NoError(t, err)
	require.NoError(t, w.ssp.Assign(task, "acme"))
	got := w.effects(task, 2)
	require.Equal(t, "Part is ordered.", got[0].Text)
	require.Equal(t, "New router.", got[1].Text)

	// A report that comes after SSP has called for the ticket is recorded, and proves nothing any more.
	dovecottest.Append(t, w.imap, "INBOX", time.Now(), bounce(m))
	require.Eventually(t, func() bool { return dovecottest.Count(t, w.imap, "INBOX") == 0 }, patience, 20*time.Millisecond)
	list, err := w.app.Store().Events(t.Context(), bridge.EventFilter{Task: task, Kind: bridge.Open})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, bridge.StateDone, list[0].State)
}

func TestQuarantinedMailIsAssigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "", "0s")
	task, submit := w.assign()
	w.answer(submit, "RE: INC0012345", "one")
	w.effects(task, 2)
	dovecottest.Append(t, w.imap, "INBOX", time.Now(), []byte("From: Karl <karl@elsewhere.example>\r\nSubject: your printer\r\nMessage-ID: <k@elsewhere.example>\r\n\r\nI have the part.\r\n"))
	var held []bridge.Event
	require.Eventually(t, func() bool {
		var err error
		held, err = w.app.Store().Events(t.Context(), bridge.EventFilter{States: []bridge.EventState{bridge.StateQuarantined}})
		require.NoError(t, err)
		return len(held) == 1
	}, patience, 20*time.Millisecond)
	require.Equal(t, bridge.NoRule, held[0].Reason)
	_, err := w.app.Store().Operate(t.Context(), bridge.Command{Verb: bridge.VerbAssign, Person: "test", Event: held[0].ID, Task: task})
	require.NoError(t, err)
	require.Equal(t, "I have the part.", w.effects(task, 3)[2].Text)
}

func TestRestartReadsNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "", "0s")
	task, submit := w.assign()
	w.answer(submit, "RE: INC0012345", "one")
	w.effects(task, 2)
	w.stop()
	w.answer(submit, "RE: INC0012345", "two, while nobody reads")
	w.start()
	got := w.effects(task, 3)
	require.Equal(t, "two, while nobody reads", got[2].Text)
	w.stop()
	require.Len(t, w.ssp.Effects(task), 3)
}

func TestRouteMailToSSP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "route: {acknowledge: mail, update: mail}\n  mail: {smtp: \"smtp://SMTP\", unencrypted: true, from: bridge@example.com, to: [ssp@example.com]}", "0s")
	task, submit := w.assign()
	w.answer(submit, "RE: INC0012345", "We are on it.")
	require.Eventually(t, func() bool { return len(w.smtp.Mails()) == 3 }, patience, 5*time.Millisecond)
	for i, want := range []string{"[[Task]]: " + task + "\n[[Reference]]: INC0012345", "[[Task]]: " + task + "\n[[Reference]]: INC0012345\n[[Author]]: Jo Helper\n[[Message]]: We are on it."} {
		m, err := message.Parse(w.smtp.Mails()[i+1].Raw)
		require.NoError(t, err)
		require.Equal(t, want, m.Text)
		require.Equal(t, "ssp@example.com", m.To[0].Email)
	}
	require.Empty(t, w.ssp.Effects(task), "nothing goes by web service")
	w.answer(submit, "RE: INC0012345", "[[Solution]]: done")
	require.Equal(t, "done", w.effects(task, 1)[0].Text, "resolve still does")
}

func TestReminder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "", "1s")
	_, submit := w.assign()
	reminder := w.mail("update")
	require.Contains(t, reminder.Text, "we have not received your ticket number")
	require.Equal(t, []string{submit.ID}, reminder.InReplyTo)
	require.Never(t, func() bool { return len(w.smtp.Mails()) > 2 }, 2500*time.Millisecond, 50*time.Millisecond, "once is enough")
}

// TestThousandMails reads 1,000 mails of 20 kB that wait in a real mailbox, and measures until the
// last one's call is answered.
func TestThousandMails(t *testing.T) {
	t.Parallel()
	mails := 1000
	if raceDetector {
		mails = 200 // it is slower by more than that
	}
	const tasks = 20
	w := newWorld(t, "", "0s", ssptest.EchoNever)
	var names []string
	for i := range tasks {
		task, submit := w.assign()
		w.answer(submit, fmt.Sprintf("RE: INC%07d", i+1), "first")
		w.effects(task, 2)
		names = append(names, task)
	}
	w.stop()
	dir := filepath.Join(w.box.Dir, "mail", dovecottest.User, "new")
	for i := range mails {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.M%dP1.host", time.Now().Unix(), i)), dovecottest.Mail(i, names[i%tasks], 20_000), 0o666))
	}
	require.Equal(t, mails, dovecottest.Count(t, w.imap, "INBOX"), "the server has seen them")
	began := time.Now()
	w.start()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	require.NoError(t, w.ssp.Wait(ctx, func() bool { return len(w.ssp.Effects()) >= mails+2*tasks }), "%d effects", len(w.ssp.Effects()))
	t.Logf("%d mails of 20 kB to answered SOAP calls, start of the bridge included: %s", mails, time.Since(began))
	w.stop()
	require.Len(t, w.ssp.Effects(), mails+2*tasks)
	require.Equal(t, mails+tasks, dovecottest.Count(t, w.imap, "Processed"))
}

func TestMailConfigProblems(t *testing.T) {
	t.Parallel()
	base := "ssp: {url: 'http://127.0.0.1:1/x', intake: {auth: {none: true}}}\nproviders: {acme: {kind: mail, smtp: 'smtps://x.example', from: a@x.example, to: [b@x.example]}}\n"
	for src, want := range map[string]string{
		"": "mail",
		"mail: {domain: x.example, secret: {env: MAILTEST_SECRET}}\nmailboxes: {Box: {imap: 'imaps://x.example', username: u, password: {env: MAILTEST_SECRET}, providers: {acme: {senders: [x.example]}}}}":  "mailboxes.Box",
		"mail: {domain: x.example, secret: {env: MAILTEST_SECRET}}\nmailboxes: {box: {imap: 'imaps://x.example', username: u, password: {env: MAILTEST_SECRET}, providers: {other: {senders: [x.example]}}}}": "mailboxes.box.providers.other",
		"mail: {domain: x.example, secret: {env: MAILTEST_SECRET}}\nmailboxes: {box: {imap: 'http://x.example', username: u, password: {env: MAILTEST_SECRET}, providers: {acme: {senders: [x.example]}}}}":   "mailboxes.box.imap",
	} {
		_, err := app.Parse("c.yaml", []byte(base+src))
		require.Error(t, err, src)
		require.Contains(t, err.Error(), " "+want+": ", src)
	}
	c, err := app.Parse("c.yaml", []byte(base+"mail: {domain: x.example, secret: {env: MAILTEST_SECRET}}\nmailboxes: {box: {imap: 'imaps://x.example', username: u, password: {env: MAILTEST_SECRET}, done: {move: P}, providers: {acme: {senders: [x.example]}}}}"))
	require.NoError(t, err)
	require.Contains(t, c.Warnings(), "mailboxes.box.providers.acme: a forged From is believed; verify asks for a check by your mail server")
	require.NotEmpty(t, app.Schema())
}
