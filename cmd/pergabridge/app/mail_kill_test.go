package app_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
	"github.com/pergabridge/pergabridge/mailin/dovecottest"
	"github.com/pergabridge/pergabridge/mailin/message"
)

const childEnv = "MAILTEST_CHILD_CONFIG"

// secrets are those that the configs of the mail tests name. They are the same for all, so that the tests may run
// beside each other.
var secrets = map[string]string{
	"MAILTEST_INTAKE": "mailtest-intake-key", "MAILTEST_SECRET": "mailtest-secret-0123456789", "MAILTEST_IMAP": dovecottest.Password,
	"MAILTEST_LINKS": "mailtest-links-0123456789", "MAILTEST_HOOK": "whsec_bWFpbHRlc3QtaG9vay1zZWNyZXQtMDEyMzQ1Njc4OQ==",
	"MAILTEST_REFRESH": "configured-refresh-token",
}

// TestMain runs the bridge itself when a test has started this program to kill it.
func TestMain(m *testing.M) {
	for name, value := range secrets {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	file := os.Getenv(childEnv)
	if file == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c, err := app.Load(file)
	if err == nil {
		var a *app.App
		if a, err = app.New(ctx, c, app.Options{}); err == nil {
			err = a.Run(ctx)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (w *world) child() *exec.Cmd {
	w.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+w.file)
	cmd.Stderr = os.Stderr
	require.NoError(w.t, cmd.Start())
	return cmd
}

// TestKilledBridgeLosesNoMail kills the bridge again and again while mail comes in. Every mail has its
// effect, in order within its task, and is one event; only a call under way at a kill may be made
// twice, because nobody can know whether it was answered.
func TestKilledBridgeLosesNoMail(t *testing.T) {
	t.Parallel()
	const tasks, kills, perRound = 4, 6, 12
	w := newWorld(t, "", "0s")
	var names []string
	var submits []*message.Message
	for i := range tasks {
		task, submit := w.assign()
		w.answer(submit, fmt.Sprintf("RE: INC%07d", i+1), "first")
		w.effects(task, 2)
		names, submits = append(names, task), append(submits, submit)
	}
	w.stop()
	n := 0
	want := map[string][]string{}
	for round := range kills {
		cmd := w.child()
		for range perRound {
			i := n % tasks
			text := fmt.Sprintf("news %d", n)
			w.answer(submits[i], "RE: Printer", text)
			want[names[i]] = append(want[names[i]], text)
			n++
		}
		select { // at another point each time
		case <-time.After(time.Duration(200+150*round) * time.Millisecond):
		case <-t.Context().Done():
		}
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
	}
	w.start()
	twice := 0
	for _, task := range names {
		got := w.distinct(task, len(want[task]))
		require.Equal(t, want[task], got, "task %s", task)
		twice += len(w.ssp.Effects(task)) - 2 - len(got)
	}
	require.LessOrEqual(t, twice, kills*tasks)
	events, err := w.app.Store().Events(t.Context(), bridge.EventFilter{Dir: bridge.In, Kind: bridge.Update, Limit: 1000})
	require.NoError(t, err)
	byMail := 0
	for _, e := range events {
		if e.Entrance == bridge.ByMailbox {
			byMail++
		}
	}
	require.Equal(t, n+tasks, byMail, "each mail is one event")
	t.Logf("%d mails, %d kills, %d calls made twice", n, kills, twice)
}

// distinct waits until n different new texts have arrived, and returns them in order.
func (w *world) distinct(task string, n int) []string {
	w.t.Helper()
	var out []string
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*patience)
	defer cancel()
	err := w.ssp.Wait(ctx, func() bool {
		out = nil
		seen := map[string]bool{}
		for _, e := range w.ssp.Effects(task)[2:] {
			if !seen[e.Text] {
				seen[e.Text] = true
				out = append(out, e.Text)
			}
		}
		return len(out) >= n
	})
	require.NoError(w.t, err, "got %v", out)
	return out
}
