package main_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
	"github.com/pergabridge/pergabridge/mailin/dovecottest"
)

// at is p, sent to one member.
func (m *member) at(w *world, p post) post {
	p.url = strings.Replace(p.url, w.public, m.public, 1)
	return p
}

// While Redis is gone every replica says so at once to whoever calls, and is not ready; what happened
// before and after arrives, and nobody has to do anything.
func TestRedisIsGone(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t)
	f := newFleet(t, 2, options{store: onRedis(r.URL(), "")})
	f.start()
	task, number := f.bonded(alpha)
	f.settled()
	r.Kill()
	for i, m := range f.members {
		f.until(m.name+" knows", func() bool { code, _ := f.ask(m, "/readyz"); return code == http.StatusServiceUnavailable })
		p := m.at(f.world, f.comment(alpha, fmt.Sprint("lost-", i), number, "Who is there?"))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url, strings.NewReader(string(p.body)))
		require.NoError(t, err)
		p.header(req.Header)
		req.Header.Set("Content-Type", "application/json")
		res, err := f.http.Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode, string(body))
		require.NotEmpty(t, res.Header.Get("Retry-After"))
		require.Contains(t, string(body), "urn:pergabridge:problem:unavailable")
	}
	f.members[1].child.kill() // one is even started while nobody is there
	f.launch(f.members[1])
	f.until("it says so as well", func() bool {
		code, text := f.ask(f.members[1], "/readyz")
		return code == 503 && strings.Contains(text, "connection refused")
	})
	require.NoError(t, f.ssp.UserUpdate(task, "Said while it was gone")) // SSP repeats
	r.Start(t)
	f.allReady()
	f.mustSend(f.members[1].at(f.world, f.comment(alpha, "after", number, "Here again")), http.StatusAccepted)
	f.settled()
	require.Equal(t, []string{"Here again"}, f.texts(task), "what was answered 503 was not accepted")
	require.Equal(t, []string{"create Printer on fire", "comment Said while it was gone"}, f.ledger(alpha, number))
	f.stop()
}

// Redis is wiped while three replicas work. All stand still, the one too that begins afterwards and knows
// nothing, and say so everywhere, until a person resumes with a date at one of them.
func TestRedisIsWiped(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t)
	var mu sync.Mutex
	var told []string
	pager := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		raw, _ := io.ReadAll(q.Body) // what came is what counts
		mu.Lock()
		defer mu.Unlock()
		told = append(told, string(raw))
	}))
	t.Cleanup(pager.Close)
	f := newFleet(t, 3, options{store: onRedis(r.URL(), ""), top: fmt.Sprintf("notify: {webhook: {url: %q, secret: {env: PAGER}}}\n", pager.URL), env: []string{"PAGER=whsec_c2VjcmV0LW9mLXRoZS1wYWdlcg=="}})
	f.start()
	_, number := f.bonded(alpha)
	f.settled()
	require.NoError(t, r.Client(t).FlushAll(t.Context()).Err())

	reset := func(m *member) {
		t.Helper()
		f.until(m.name+" stands still", func() bool {
			code, text := f.ask(m, "/readyz")
			return code == http.StatusServiceUnavailable && strings.Contains(text, "store_reset: ")
		})
		f.mustSend(m.at(f.world, f.comment(alpha, "while-reset", number, "Anybody?")), http.StatusServiceUnavailable)
		_, metrics := f.ask(m, "/metrics")
		require.Contains(t, metrics, "pergabridge_store_reset 1")
		_, page := f.ask(m, "/")
		require.Contains(t, page, "Nothing is accepted and nothing is delivered")
		require.Contains(t, m.child.log.String(), `"reason":"store_reset"`)
	}
	for _, m := range f.members {
		reset(m)
	}
	f.members[2].child.kill()
	require.NoError(t, os.RemoveAll(f.dir+"/r2/data")) // a machine that is new: it remembers nothing
	f.launch(f.members[2])
	reset(f.members[2])
	f.members[1].child.kill() // one that remembers
	f.launch(f.members[1])
	reset(f.members[1])
	f.until("people are told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Contains(strings.Join(told, ""), `"kind":"store_reset","phase":"begins"`)
	})
	require.Contains(t, f.done("store", "show"), "nothing is accepted and nothing is delivered")
	require.Equal(t, 2, f.run("store", "resume").code, "it needs a date")
	bad := f.run("store", "resume", "--since", "someday")
	require.Equal(t, 1, bad.code)
	require.Contains(t, bad.err, "is a date")

	require.Contains(t, f.done("store", "resume", "--since", time.Now().Add(-time.Minute).UTC().Format(time.RFC3339), "--note", "a new disk"), "resumed; ")
	f.allReady()
	require.Contains(t, f.done("store", "resume", "--since", time.Now().UTC().Format(time.DateOnly)), "nothing was reset", "a second time nothing happens")
	for _, m := range f.members {
		_, metrics := f.ask(m, "/metrics")
		require.Contains(t, metrics, "pergabridge_store_reset 0")
	}
	task, number := f.bonded(beta)
	f.mustSend(f.members[2].at(f.world, f.comment(beta, "resumed", number, "Here we are")), http.StatusAccepted)
	f.settled()
	require.Equal(t, []string{"Here we are"}, f.texts(task))
	all, err := f.api.Activity(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, "store_resume", all[len(all)-1].Verb)
	require.Equal(t, "a new disk", all[len(all)-1].Note)
	f.stop()
}

// One of two replicas reads the mailbox and does the other duties. It is killed; the other has them within
// 30 seconds, and no mail is lost or taken twice.
func TestDutiesAreTakenOver(t *testing.T) {
	t.Parallel()
	r, box := redistest.Start(t), dovecottest.Start(t, dovecottest.Options{})
	f := newFleet(t, 2, options{store: onRedis(r.URL(), ""), top: fleetMail(box), env: fleetMailSecrets})
	f.start()
	task, number := f.bonded(alpha)
	inbox := box.Client(t)
	mail := func(n int) {
		dovecottest.Append(t, inbox, "INBOX", time.Now(), fmt.Appendf(nil, "From: Jo <jo@alpha.example>\r\nTo: %s\r\nSubject: Re: %s\r\nMessage-ID: <%d@alpha.example>\r\n\r\nmail %d\r\n", dovecottest.User, number, n, n))
	}
	mail(1)
	f.until("the first mail is at SSP", func() bool { return len(f.texts(task)) == 1 })
	duties := func(m *member) map[string]bool {
		_, text := f.ask(m, "/metrics")
		out := map[string]bool{}
		for line := range strings.Lines(text) {
			if name, ok := strings.CutPrefix(line, `pergabridge_duty_held{duty="`); ok && strings.HasSuffix(name, "\"} 1\n") {
				out[strings.TrimSuffix(name, "\"} 1\n")] = true
			}
		}
		return out
	}
	holder := func() *member {
		for _, m := range f.members {
			for name := range duties(m) {
				if strings.Contains(name, "support") {
					return m
				}
			}
		}
		return nil
	}
	var first *member
	f.until("one reads the mailbox", func() bool { first = holder(); return first != nil })
	held := duties(first)
	replicas, err := f.api.Replicas(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"r0", "r1"}, names(replicas), "both are seen")

	first.child.kill()
	killed := time.Now()
	mail(2)
	other := f.members[0]
	if first == other {
		other = f.members[1]
	}
	f.until("the other has all duties", func() bool {
		now := duties(other)
		for name := range held {
			if !now[name] {
				return false
			}
		}
		return true
	})
	require.Less(t, time.Since(killed), 30*time.Second)
	f.until("the second mail is at SSP", func() bool { return len(f.texts(task)) == 2 })
	f.until("the dead one is not listed any more", func() bool {
		all, err := other.api.Replicas(t.Context())
		require.NoError(t, err)
		return len(names(all)) == 1 && all[0].Name == other.name
	})
	f.launch(first)
	f.allReady()
	f.settled()
	require.Equal(t, []string{"mail 1", "mail 2"}, f.texts(task))
	f.stop()
}

// names are those of the replicas, each once, in order.
func names(all []api.Replica) []string {
	var out []string
	seen := map[string]bool{}
	for _, r := range all {
		if !seen[r.Name] {
			seen[r.Name] = true
			out = append(out, r.Name)
		}
	}
	if len(out) == 2 && out[0] > out[1] {
		out[0], out[1] = out[1], out[0]
	}
	return out
}

// A hundred copies of one delivery reach three replicas at once: one effect, one event, and everybody is
// told its id.
func TestCopiesOverThreeReplicas(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, options{store: onRedis(redistest.Start(t).URL(), "")})
	f.start()
	task, number := f.bonded(alpha)
	f.settled()
	answers := make([]answer, 100)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range answers {
		p := f.members[i%3].at(f.world, f.comment(alpha, "delivery-1", number, "Once"))
		wg.Go(func() {
			<-start
			a, err := f.insist(t.Context(), p)
			if err != nil {
				t.Error(err)
			}
			answers[i] = a
		})
	}
	close(start)
	wg.Wait()
	accepted := 0
	for _, a := range answers {
		require.Equal(t, answers[0].Event, a.Event)
		if a.Status == "accepted" {
			accepted++
		}
	}
	require.Equal(t, 1, accepted)
	f.settled()
	require.Equal(t, []string{"Once"}, f.texts(task))
	e := f.only("Once")
	require.Equal(t, answers[0].Event, e.ID)
	require.Equal(t, 99, e.Repeat, "all are counted on the first")
	f.stop()
}

// A number of one provider is claimed for two tasks at the same instant, at two replicas: one task has it,
// the other stands as a conflict for a person. At the other provider the same number is another ticket.
func TestOneReferenceForTwoTasks(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, options{store: onRedis(redistest.Start(t).URL(), "")})
	f.start()
	const rounds = 10
	for n := range rounds {
		number := fmt.Sprint("N-", n)
		tasks := []string{fmt.Sprint("A", n), fmt.Sprint("B", n), fmt.Sprint("C", n)}
		f.known(tasks...)
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i, provider := range []string{alpha, alpha, beta} {
			p := f.members[i%2].at(f.world, f.call(provider, map[string]any{"task": tasks[i], "request_type": "Submit Request", "reference": number, "message_id": tasks[i]}))
			wg.Go(func() {
				<-start
				if _, err := f.insist(t.Context(), p); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		owners := 0
		for _, task := range tasks[:2] {
			b, err := f.api.Bond(t.Context(), alpha, task)
			require.NoError(t, err)
			if b.Bond.Reference == number {
				owners++
			}
		}
		require.Equal(t, 1, owners)
		b, err := f.api.Bond(t.Context(), beta, tasks[2])
		require.NoError(t, err)
		require.Equal(t, number, b.Bond.Reference)
	}
	f.until("each loser is for a person to see", func() bool {
		list, err := f.api.Lanes(t.Context(), client.Lanes{States: []bridge.LaneState{bridge.LaneParked}})
		require.NoError(t, err)
		n := 0
		for _, l := range list.Items {
			if l.Reason == bridge.ReferenceConflict {
				n++
			}
		}
		return n == rounds
	})
	f.stop()
}
