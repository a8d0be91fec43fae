package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sw "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/notify"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// duty keeps a cursor in memory, as a store does.
type duty struct {
	cursor string
	err    error
}

func (d *duty) Name() string   { return notify.Duty }
func (d *duty) Cursor() string { return d.cursor }
func (d *duty) Accept(_ context.Context, events []bridge.Event, cursor string) ([]bridge.Receipt, error) {
	if len(events) > 0 {
		panic("a watcher brings nothing")
	}
	if d.err == nil {
		d.cursor = cursor
	}
	return nil, d.err
}
func (d *duty) Release(context.Context) error { return nil }

// scene is a bridge in trouble, and those who are told.
type scene struct {
	mu       sync.Mutex
	counts   bridge.Counts
	contract string
	check    error
	fail     error
	tries    int
	got      []notify.Message
	w        *notify.Watcher
}

func newScene() *scene {
	s := &scene{counts: bridge.Counts{Destination: map[string]bridge.DestinationCounts{}}}
	s.w = notify.New(notify.Options{
		Counts: func(context.Context) (bridge.Counts, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return bridge.Counts{Destination: maps.Clone(s.counts.Destination)}, nil
		},
		Contract: func() (bool, string) { s.mu.Lock(); defer s.mu.Unlock(); return s.contract != "", s.contract },
		Checks:   map[string]func(context.Context) error{"mailbox support": func(context.Context) error { s.mu.Lock(); defer s.mu.Unlock(); return s.check }},
		Repeat:   func() time.Duration { return time.Hour }, Console: "https://console.example.com/",
		Sender: notify.SenderFunc(func(_ context.Context, m notify.Message) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.tries++
			if s.fail == nil {
				s.got = append(s.got, m)
			}
			return s.fail
		}),
	})
	return s
}

func (s *scene) parked(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Destination["acme"] = bridge.DestinationCounts{Lanes: map[bridge.LaneState]int64{bridge.LaneParked: n}}
}

// set changes the scene.
func (s *scene) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// pass lets time pass; what is to be done in it is done at its end.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// take returns what was told since.
func (s *scene) take() []notify.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.got
	s.got = nil
	return out
}

// run watches in the background until the test stops it.
func (s *scene) run(t *testing.T, d bridge.Duty) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- s.w.Run(ctx, d) }()
	return func() error { cancel(); return <-end }
}

func TestOneMessageAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newScene(), &duty{}
		stop := s.run(t, d)
		pass(time.Minute)
		require.Empty(t, s.take(), "nothing is wrong")

		s.parked(1)
		pass(time.Minute)
		got := s.take()
		require.Len(t, got, 1)
		m := got[0]
		require.Equal(t, []any{"pergabridge.lane_parked", notify.LaneParked, notify.Begins, "acme", int64(1), "1 lane of acme waits for a person", "https://console.example.com/"},
			[]any{m.Type, m.Data.Kind, m.Data.Phase, m.Data.Subject, m.Data.Count, m.Data.Text, m.Data.Console})
		s.parked(3)
		pass(58 * time.Minute)
		require.Empty(t, s.take(), "the same outage")
		pass(2 * time.Minute)
		again := s.take()
		require.Len(t, again, 1)
		require.Equal(t, notify.Lasts, again[0].Data.Phase)
		require.Equal(t, "3 lanes of acme wait for a person", again[0].Data.Text)
		require.Equal(t, m.Data.Since, again[0].Data.Since)
		require.NotEqual(t, m.ID, again[0].ID)

		// Another replica, or this one after a restart, tells nothing twice.
		require.NoError(t, stop())
		stop = s.run(t, &duty{cursor: d.cursor})
		pass(time.Minute)
		require.Empty(t, s.take())
		s.parked(0)
		pass(time.Minute)
		end := s.take()
		require.Len(t, end, 1)
		require.Equal(t, notify.Ended, end[0].Data.Phase)
		pass(3 * time.Hour)
		require.Empty(t, s.take())
		s.parked(1)
		pass(time.Minute)
		require.Len(t, s.take(), 1, "another outage")
		require.NoError(t, stop())
	})
}

func TestEveryKindOfTroubleIsTold(t *testing.T) {
	secret.Register("notify-hidden-1")
	synctest.Test(t, func(t *testing.T) {
		s := newScene()
		s.counts.Destination["acme"] = bridge.DestinationCounts{Breaker: bridge.BreakerIsOpen, Failures: 5, Queued: 2}
		s.contract, s.check = "contract changed", errors.New("login failed with notify-hidden-1")
		stop := s.run(t, &duty{})
		pass(time.Second)
		texts := map[notify.Kind]string{}
		for _, m := range s.take() {
			texts[m.Data.Kind] = m.Data.Text
		}
		require.Equal(t, map[notify.Kind]string{
			notify.DestinationDown: "acme is down: 5 tries in a row failed; 2 events wait, and nothing is lost",
			notify.ContractChanged: "contract changed; nothing is sent to SSP until it is settled",
			notify.CheckFailed:     "mailbox support: login failed with [secret]",
		}, texts)
		s.set(func() {
			s.counts.Destination["acme"] = bridge.DestinationCounts{Breaker: bridge.BreakerProbe, Failures: 5, Queued: 2}
		})
		pass(time.Minute)
		require.Empty(t, s.take(), "a probe is the same outage")
		s.set(func() {
			s.counts.Destination["acme"], s.contract, s.check = bridge.DestinationCounts{Breaker: bridge.BreakerClosed}, "", nil
		})
		pass(time.Minute)
		require.Len(t, s.take(), 3)
		require.NoError(t, stop())
	})
}

func TestWhatIsNotTakenIsToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newScene(), &duty{}
		s.fail = errors.New("the pager is down")
		s.parked(1)
		stop := s.run(t, d)
		pass(time.Hour)
		s.set(func() {
			require.Greater(t, s.tries, 8)
			require.Less(t, s.tries, 40, "ever more slowly")
			s.fail = nil
		})
		pass(6 * time.Minute)
		got := s.take()
		require.Len(t, got, 1)
		require.Equal(t, notify.Begins, got[0].Data.Phase)
		s.set(func() {
			s.fail = errors.New("down again")
			s.counts.Destination["beta"] = s.counts.Destination["acme"]
		})
		pass(time.Minute)
		s.set(func() {
			delete(s.counts.Destination, "beta")
			s.fail = nil
		})
		pass(6 * time.Minute)
		require.Empty(t, s.take(), "what began and ended untold is not told")
		require.NoError(t, stop())
	})
}

// Another replica, or this one after a restart, tries on with the same message.
func TestATroubleKeepsItsBeginningWhileNobodyCanBeTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newScene(), &duty{}
		var tried []notify.Message
		send := s.w.Sender
		s.w.Sender = notify.SenderFunc(func(ctx context.Context, m notify.Message) error {
			tried = append(tried, m)
			return send.Send(ctx, m)
		})
		s.fail = errors.New("the pager is down")
		s.parked(1)
		begun := time.Now()
		stop := s.run(t, d)
		pass(time.Minute)
		require.NoError(t, stop())
		s.set(func() { s.fail = nil })
		stop = s.run(t, &duty{cursor: d.cursor})
		pass(time.Second)
		got := s.take()
		require.Len(t, got, 1)
		require.True(t, begun.Equal(got[0].Data.Since), "not since the restart")
		require.Equal(t, tried[0].ID, got[0].ID)
		require.NoError(t, stop())
	})
}

// A ledger that was reset gives no duty; what stands still because of it is told all the same, as any other trouble.
func TestAResetIsToldWithoutADuty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene()
		var reset error
		s.w.Counts, s.w.Replica, s.w.Reset = nil, "node-a", func() error { s.mu.Lock(); defer s.mu.Unlock(); return reset }
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan error, 1)
		go func() { end <- s.w.Watch(ctx) }()
		pass(time.Minute)
		require.Empty(t, s.take())
		s.set(func() { reset, s.fail = bridge.ErrReset, errors.New("the pager is down") })
		pass(time.Minute)
		s.set(func() { require.Greater(t, s.tries, 1); s.fail = nil })
		pass(6 * time.Minute)
		got := s.take()
		require.Len(t, got, 1, "one try that fails is not the last one")
		require.Equal(t, []any{"pergabridge.store_reset", notify.Begins, "node-a"}, []any{got[0].Type, got[0].Data.Phase, got[0].Data.Subject})
		pass(time.Hour)
		got = s.take()
		require.Len(t, got, 1)
		require.Equal(t, notify.Lasts, got[0].Data.Phase)
		s.set(func() { reset = nil })
		pass(time.Minute)
		got = s.take()
		require.Len(t, got, 1)
		require.Equal(t, []any{notify.Ended, "the ledger was resumed"}, []any{got[0].Data.Phase, got[0].Data.Text})
		cancel()
		require.NoError(t, <-end)
	})
}

func TestALostDutyAndAGoneStoreEndTheWatch(t *testing.T) {
	s := newScene()
	s.parked(1)
	require.ErrorIs(t, s.w.Run(t.Context(), &duty{err: bridge.ErrFenced}), bridge.ErrFenced)
	s.w.Counts = func(context.Context) (bridge.Counts, error) { return bridge.Counts{}, bridge.ErrUnavailable }
	require.ErrorIs(t, s.w.Run(t.Context(), &duty{cursor: "{damaged"}), bridge.ErrUnavailable)
}

func TestAWebhookIsSignedAsStandardWebhooksSay(t *testing.T) {
	const key = "whsec_bm90aWZ5LXNlY3JldC1vZi10aGUtdGVzdHM="
	t.Setenv("NOTIFY_SECRET", key)
	verify, err := sw.NewWebhook(key)
	require.NoError(t, err)
	status := http.StatusNoContent
	var got []byte
	var ids []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		require.NoError(t, verify.Verify(got, r.Header))
		require.Equal(t, "application/json", r.Header.Get("Content-Type"))
		ids = append(ids, r.Header.Get("Webhook-Id"))
		w.WriteHeader(status)
	}))
	defer server.Close()
	var c struct {
		Notify *notify.Config `yaml:"notify"`
	}
	n, err := config.Parse("x.yaml", []byte("notify: {webhook: {url: \""+server.URL+"/hook\", secret: {env: NOTIFY_SECRET}}}"))
	require.NoError(t, err)
	config.Decode(n, &c)
	require.Empty(t, n.Problems())
	require.Equal(t, 4*time.Hour, c.Notify.Repeat.Std())
	send, closeIt, err := notify.NewSender(c.Notify, outbound.Options{})
	require.NoError(t, err)
	defer closeIt()
	m := notify.Message{ID: "msg_1", Type: "pergabridge.lane_parked", At: time.Now(), Data: notify.Data{Kind: notify.LaneParked, Phase: notify.Begins, Text: "x"}}
	require.NoError(t, send.Send(t.Context(), m))
	var back notify.Message
	require.NoError(t, json.Unmarshal(got, &back))
	require.Equal(t, m.Data, back.Data)
	status = http.StatusBadGateway
	require.ErrorContains(t, send.Send(t.Context(), m), "502")
	require.Equal(t, []string{"msg_1", "msg_1"}, ids)
	server.Close()
	require.Error(t, send.Send(t.Context(), m))
}

func TestACommandGetsTheMessage(t *testing.T) {
	secret.Register("command-hidden-2")
	out := filepath.Join(t.TempDir(), "out")
	send := notify.NewCommand([]string{"/bin/sh", "-c", `cat > "$1"; echo "$PERGABRIDGE_KIND $PERGABRIDGE_SUBJECT" >> "$1"`, "sh", out})
	m := notify.Message{Type: "t", Data: notify.Data{Kind: notify.DestinationDown, Subject: "acme; rm -rf /", Text: "x"}}
	require.NoError(t, send.Send(t.Context(), m))
	raw, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Contains(t, string(raw), `"kind":"destination_down"`)
	require.Contains(t, string(raw), "destination_down acme; rm -rf /\n")
	err = notify.NewCommand([]string{"/bin/sh", "-c", "echo command-hidden-2; exit 3"}).Send(t.Context(), m)
	require.ErrorContains(t, err, "exit status 3: [secret]")
	require.Error(t, notify.NewCommand([]string{"/nowhere"}).Send(t.Context(), m))
	require.Error(t, notify.NewCommand(nil).Send(t.Context(), m))
}

func TestTheConfigIsChecked(t *testing.T) {
	t.Setenv("NOTIFY_SECRET", "no base64 at all!")
	for text, want := range map[string]string{
		"notify: {}": "either webhook or command",
		"notify: {command: [x], webhook: {url: 'https://x/', secret: {env: NOTIFY_SECRET}}}": "either webhook or command",
		"notify: {command: [x], repeat: 1s}":                                                 "at least 1m",
		"notify: {webhook: {url: 'ftp://x/', secret: {env: NOTIFY_SECRET}}}":                 "not an http or https address",
		"notify: {webhook: {url: 'https://x/', secret: {env: NOTIFY_SECRET}}}":               "base64",
		"notify: {webhook: {url: 'https://x/'}}":                                             "secret",
	} {
		var c struct {
			Notify *notify.Config `yaml:"notify"`
		}
		n, err := config.Parse("x.yaml", []byte(text))
		require.NoError(t, err)
		config.Decode(n, &c)
		require.ErrorContains(t, n.Problems().Err(), want, text)
	}
}
