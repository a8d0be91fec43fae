package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/provider/tehden/tehdentest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// kindsOnRedis makes a world whose bridges share a Redis.
func kindsOnRedis(t *testing.T) *kindsWorld {
	t.Helper()
	w := newKinds(t)
	w.store = fmt.Sprintf("{url: %q, namespace: kinds}", redistest.Start(t).URL())
	return w
}

// Two replicas on one Redis work on one Tesseron together, ten times as fast as the publisher allows so
// that the test is short: 600 calls in 60 seconds, polls included. Neither the distance between writes nor
// the sum of all calls in a tenth of that time is ever exceeded, and no two tickets are made at once.
func TestReplicasKeepTesseronsRateTogether(t *testing.T) {
	t.Parallel()
	w := kindsOnRedis(t)
	desk := w.tesseron("2024-05")
	sections := map[string]string{"desk": desk.Config("enterprise: {id: 100}\nrate: {per_minute: 600}\npoll: {every: 10ms, search: open, statuses: {New: {kind: ignore}}}\n")}
	both := []replica{w.replica("one", sections), w.replica("two", sections)}
	const tasks = 70
	for i := range tasks {
		task := fmt.Sprint("R-", i)
		_, err := w.ssp.Create(ssptest.Ticket{Task: task, Title: "Known"})
		require.NoError(t, err)
		w.submits(both[i%2], "desk", task, "jane@example.com")
		if i < tasks/4 { // the right to call goes to and fro; afterwards everybody wants it at once
			w.referred(task)
		}
	}
	for i := range tasks {
		w.referred(fmt.Sprint("R-", i))
	}
	require.Zero(t, desk.Incomplete())
	made := 0
	var all, writes []time.Time
	for _, c := range desk.Server.Calls() {
		all = append(all, c.At)
		if strings.HasSuffix(c.Path, "/CreateTicket") {
			made, writes = made+1, append(writes, c.At)
		}
	}
	require.Equal(t, tasks, made, "each once")
	require.Greater(t, len(all), tasks+10, "there were polls, too")
	for _, r := range both {
		require.Positive(t, w.delivered(r, "desk"), "both worked")
	}
	slices.SortFunc(all, time.Time.Compare)
	slices.SortFunc(writes, time.Time.Compare)
	for i := 1; i < len(writes); i++ {
		require.GreaterOrEqual(t, writes[i].Sub(writes[i-1]), 125*time.Millisecond, "four fifths of the rate are for writes")
	}
	for i := 60; i < len(all); i++ {
		require.Greater(t, all[i].Sub(all[i-60]), 6*time.Second, "61 calls within the time for 60")
	}
	t.Logf("%d calls in %s", len(all), all[len(all)-1].Sub(all[0]))
}

// Two tasks of one new customer at once, at two replicas: one customer while both live. When one is killed
// after it has created a customer and before it could record that, the other looks the customer up.
func TestReplicasMakeOneCustomer(t *testing.T) {
	t.Parallel()
	w := kindsOnRedis(t)
	erp := w.tehden()
	sections := map[string]string{"erp": erp.Config("")}
	one, two := w.replica("one", sections), w.replica("two", sections)
	submit := func(r replica, task, email string) {
		_, err := w.ssp.Create(ssptest.Ticket{Task: task, Title: "Known"})
		require.NoError(t, err)
		w.submits(r, "erp", task, email)
	}
	open := make(chan struct{})
	met := make(chan struct{})
	erp.Fail(fake.Fault{Kind: fake.Gate, Match: tehdentest.Writes, Open: open, Met: met}) // so that both are under way
	submit(one, "A-1", "new@example.com")
	submit(two, "A-2", "new@example.com")
	<-met
	close(open)
	require.Equal(t, "1001/A-1", w.referred("A-1"))
	require.Equal(t, "1001/A-2", w.referred("A-2"))
	require.Equal(t, 1, erp.Customers())

	one.kill() // so that it is certain who has the next call
	met = make(chan struct{})
	erp.Fail(fake.Fault{Kind: fake.Hang, Match: tehdentest.Writes, Met: met})
	submit(two, "B-1", "other@example.com")
	<-met
	require.Equal(t, 2, erp.Customers(), "it is created, and nobody was told")
	heir := w.replica("three", sections)
	two.kill()
	submit(heir, "B-2", "other@example.com")
	require.Equal(t, "1002/B-1", w.referred("B-1"))
	require.Equal(t, "1002/B-2", w.referred("B-2"))
	require.Equal(t, 2, erp.Customers())
	creates := 0
	for _, e := range erp.Ledger() {
		if e.Operation == "createTehdenCustomer" {
			creates++
		}
	}
	require.Equal(t, 2, creates, "never twice")
}
