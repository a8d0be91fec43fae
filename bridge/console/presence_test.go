package console_test

import (
	"context"
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

const inbox = "mailbox/support/INBOX"

// withMailbox configures a mailbox whose reading fails.
func withMailbox(o *console.Options) {
	o.Session = func() string { return "test" }
	o.Mailboxes = func(ctx context.Context) ([]api.Mailbox, error) {
		duties, err := o.Store.Duties(ctx)
		b := api.Mailbox{Name: "support", Folder: "INBOX", Duty: inbox, Address: "imaps://imap.example.com/" + hidden, Providers: []string{"acme"},
			Health: api.Failing, Why: "the last try failed; mail stays on the server", Error: "login refused for " + hidden, Advice: "check username and password",
			Phase: "failed", Polled: time.Date(2026, 3, 1, 11, 50, 0, 0, time.UTC), Next: time.Date(2026, 3, 1, 12, 1, 0, 0, time.UTC), Failures: 2, UID: 4242, Read: 17, Failed: 3}
		for _, d := range duties {
			if d.Name == inbox && d.Paused {
				b.Health, b.Paused, b.Why = api.Paused, true, "a person paused it; mail stays on the server"
			}
		}
		return []api.Mailbox{b}, err
	}
}

func TestTheMailboxesPageSaysWhatIsInTheWayAndPauses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPeople, withMailbox)
	for _, name := range []string{inbox, "acme/poll"} {
		_, ok, err := w.store.Duty(ctx, name, w.session)
		require.NoError(t, err)
		require.True(t, ok)
	}
	page := w.request("GET", "/mailboxes", "", signed)
	require.Equal(t, 200, page.Code)
	body := page.Body.String()
	for _, want := range []string{"support", "INBOX", "the last try failed", "login refused for [secret]", "What to do:", "check username and password",
		"10 min ago", "in 1 min", "UID 4242", "17 mails", "3 of them", "2 times in a row", "acme/poll", "a replica has it"} {
		require.Contains(t, body, want)
	}
	require.NotContains(t, body, hidden)
	overview := w.request("GET", "/", "", signed).Body.String()
	require.Contains(t, overview, "waits before it tries again")
	require.NotContains(t, overview, hidden)

	otto := w.as(t, "otto")
	ask := otto.get("/act?" + url.Values{"verb": {"duty_pause"}, "target": {inbox}, "back": {"/mailboxes"}}.Encode())
	require.Contains(t, ask.body, "Mail stays on the server")
	v := otto.act("/mailboxes", bridge.VerbDutyPause, inbox, "note", "they move their server")
	require.Equal(t, 200, v.status, v.body)
	require.Contains(t, v.body, "a person paused it")
	_, ok, err := w.store.Duty(ctx, inbox, w.session)
	require.NoError(t, err)
	require.False(t, ok, "nobody gets it")
	acts, err := w.store.Activities(ctx, 1)
	require.NoError(t, err)
	require.Equal(t, []string{"otto", "duty_pause", inbox, "they move their server"}, []string{acts[0].Person, acts[0].Verb, acts[0].Target, acts[0].Note})
	require.Equal(t, 404, otto.act("/mailboxes", bridge.VerbDutyPause, "mailbox/none").status)
	v = otto.act("/mailboxes", bridge.VerbDutyResume, inbox)
	require.Equal(t, 200, v.status)
	require.NotContains(t, v.body, "a person paused it")
}

func TestReplicasAreThoseAtWorkWithWhatTheyTell(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPeople, withMailbox)
	other := bridge.Session{ID: "other", Until: w.clock.now().Add(time.Hour)}
	require.NoError(t, w.store.Renew(ctx, other))
	_, _, err := w.store.Duty(ctx, inbox, other)
	require.NoError(t, err)
	tell := func(session, host, config string) {
		raw, err := json.Marshal(api.Replica{Host: host, PID: 7, Version: "1.2.3", Config: config})
		require.NoError(t, err)
		require.NoError(t, w.store.Pin(ctx, bridge.Notice{Kind: api.NoticeReplica, Key: session, Value: raw, Until: w.clock.now().Add(time.Minute)}))
	}
	tell("test", "node-a", "c1")
	tell("other", "node-b", "c1")
	tell("dead", "node-c", "c1")
	overview := func() string { return w.request("GET", "/", "", signed).Body.String() }
	require.Contains(t, overview(), "node-a")
	require.Contains(t, overview(), "node-b")
	require.NotContains(t, overview(), "node-c", "its session is gone")
	require.NotContains(t, overview(), "different configs")
	tell("other", "node-b", "c2")
	require.Contains(t, overview(), "different configs")

	var list api.List[api.Replica]
	require.NoError(t, json.Unmarshal(w.request("GET", "/api/v1/replicas", "", signed).Body.Bytes(), &list))
	require.Len(t, list.Items, 2)
	require.Equal(t, []any{"other", "node-b", "c2", false}, []any{list.Items[0].Session, list.Items[0].Host, list.Items[0].Config, list.Items[0].This})
	require.Equal(t, []string{inbox}, list.Items[0].Duties)
	require.True(t, list.Items[1].This)
}
