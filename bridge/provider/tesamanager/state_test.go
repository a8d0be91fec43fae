package tesamanager

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

func ev(seq int64, inconsistent bool) Event {
	return Event{SequenceNumber: seq, Inconsistent: inconsistent}
}

func numbers(list []Event) []int64 {
	out := []int64{}
	for _, e := range list {
		out = append(out, e.SequenceNumber)
	}
	return out
}

func TestOrder(t *testing.T) {
	at := time.Unix(1000, 0)
	const hour = time.Hour
	tr := &tracked{}
	step := func(now time.Time, events ...Event) ([]int64, []int64) {
		ready, lost := tr.order(events, now, hour, time.Minute)
		return numbers(ready), numbers(lost)
	}
	ready, _ := step(at, ev(3, false), ev(1, false), ev(1, false))
	require.Equal(t, []int64{1}, ready, "2 is missing")
	ready, _ = step(at.Add(30*time.Second), ev(3, false), ev(1, false), ev(2, true))
	require.Empty(t, ready, "2 is inconsistent")
	ready, _ = step(at.Add(40*time.Second), ev(3, false), ev(2, true), ev(2, false), ev(1, false))
	require.Equal(t, []int64{2, 3}, ready, "the consistent form counts")
	ready, _ = step(at.Add(50*time.Second), ev(1, false), ev(2, false), ev(3, false))
	require.Empty(t, ready)
	require.Equal(t, [][2]int64{{1, 3}}, tr.Seen)

	ready, _ = step(at.Add(time.Minute), ev(6, false))
	require.Empty(t, ready)
	ready, _ = step(at.Add(3*time.Minute), ev(6, false))
	require.Equal(t, []int64{6}, ready, "nobody waits for ever")
	ready, _ = step(at.Add(4*time.Minute), ev(6, false), ev(5, false))
	require.Equal(t, []int64{5}, ready, "late is better than never")

	_, lost := step(at.Add(5*time.Minute), ev(7, true), ev(8, false))
	require.Empty(t, lost)
	ready, lost = step(at.Add(2*hour), ev(7, true), ev(8, false))
	require.Equal(t, []int64{7}, lost)
	require.Equal(t, []int64{8}, ready)
}

// An event that is inconsistent and comes after a missing one holds the later ones back for a bounded time, too: the
// two waits follow each other and do not begin each other anew. The number 0 is waited for like any other.
func TestOrderWaitsForAMissingNumberAndThenForItsSuccessor(t *testing.T) {
	at, tr := time.Unix(1000, 0), &tracked{}
	step := func(after time.Duration, events ...Event) ([]int64, []int64) {
		ready, lost := tr.order(events, at.Add(after), time.Hour, time.Minute)
		return numbers(ready), numbers(lost)
	}
	list := []Event{ev(1, false), ev(3, true), ev(4, false)}
	ready, _ := step(0, list...)
	require.Equal(t, []int64{1}, ready)
	for m := time.Minute; m < time.Hour+time.Minute; m += time.Minute {
		ready, lost := step(m, list...)
		require.Empty(t, append(ready, lost...), "%s", m)
	}
	ready, lost := step(2*time.Hour, list...)
	require.Equal(t, []int64{3}, lost)
	require.Equal(t, []int64{4}, ready)
	ready, _ = step(2*time.Hour, append(list, ev(2, false))...)
	require.Equal(t, []int64{2}, ready, "late is better than never")

	tr = &tracked{}
	ready, lost = step(0, ev(0, true), ev(1, false))
	require.Empty(t, append(ready, lost...))
	_, lost = step(time.Hour, ev(0, true), ev(1, false))
	require.Equal(t, []int64{0}, lost)
}

// Whatever comes in whatever pieces: each once, and in order as long as nobody waits too long.
func TestOrderOfAnyArrival(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 1 + r.IntN(12)
		tr := &tracked{}
		var got []int64
		shown := map[int64]bool{}
		for len(shown) < n || len(got) < n {
			var list []Event
			for seq := int64(1); seq <= int64(n); seq++ {
				if r.IntN(3) > 0 {
					shown[seq] = true
				}
				if shown[seq] {
					list = append(list, ev(seq, r.IntN(3) == 0))
				}
			}
			r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			ready, lost := tr.order(list, time.Unix(1, 0), time.Hour, time.Hour)
			require.Empty(t, lost)
			got = append(got, numbers(ready)...)
			st := &state{Requests: map[string]*tracked{"x": tr}}
			again, err := readState(st.write()) // over a restart
			require.NoError(t, err)
			tr = again.Requests["x"]
		}
		for i, seq := range got {
			require.EqualValues(t, i+1, seq, fmt.Sprint(seed, got))
		}
		require.Len(t, got, n)
	}
}

// Every state that the vendor publishes means something to SSP, and what ends a request resolves the task.
func TestEveryStateIsTold(t *testing.T) {
	c := &Config{}
	r := newReceiver("x", c, time.Now)
	require.Len(t, Statuses, 12)
	require.Len(t, c.tell().Statuses, len(Statuses))
	want := map[bridge.Kind][]string{
		"": {"NOT_SENT"}, bridge.Acknowledge: {"VALIDATING"}, bridge.Resolve: {"FINISHED", "REJECTED", "CANCELED"},
		bridge.Update: {"PROCESSING", "PROCESSED", "INCIDENCE_TESA", "INCIDENCE_OPERATOR", "INSTALLING", "INCIDENCE_INSTALLING", "INSTALLED"},
	}
	seen, texts := 0, map[string]bool{}
	for kind, statuses := range want {
		for _, s := range statuses {
			seen++
			events, err := r.Receive(t.Context(), bridge.Inbound{Provider: "x", Entrance: bridge.ByPoll, Received: time.Unix(1, 0),
				Body: fmt.Appendf(nil, `{"what":"status","reference_id":"T-1","status":%q,"id":"1.%s"}`, s, s)})
			require.NoError(t, err)
			if kind == "" {
				require.Empty(t, events, s)
				continue
			}
			require.Len(t, events, 1, s)
			require.Equal(t, kind, events[0].Kind, s)
			require.Empty(t, events[0].Quarantine, s)
			require.Equal(t, kind != bridge.Acknowledge, events[0].Text != "", s)
			require.True(t, events[0].Text == "" || !texts[events[0].Text], "%s says the same as another state", s)
			texts[events[0].Text] = true
		}
	}
	require.Equal(t, len(Statuses), seen)
}

func FuzzReceive(f *testing.F) {
	f.Add(`{"what":"event","reference_id":"T","id":"1","item":{"message_type":"A"}}`)
	f.Add(`{"what":"status","reference_id":"T","status":"FINISHED","id":"1"}`)
	c := &Config{}
	r := newReceiver("x", c, time.Now)
	f.Fuzz(func(t *testing.T, body string) {
		events, err := r.Receive(t.Context(), bridge.Inbound{Provider: "x", Entrance: bridge.ByPoll, Body: []byte(body), Received: time.Unix(1, 0)})
		require.NoError(t, err)
		for _, e := range events {
			require.Equal(t, bridge.In, e.Dir)
			require.True(t, e.Quarantine != "" || e.Reference != "")
		}
	})
}

func FuzzIDList(f *testing.F) {
	f.Add(`["a",1,{"reference_id":"x"}]`)
	f.Add(`{"ids":[]}`)
	f.Fuzz(func(t *testing.T, body string) {
		reply := &vendorapi.Reply{Status: 200}
		if vendorapi.DecodeJSON([]byte(body), &reply.Body) != nil {
			return
		}
		ids, err := idList(reply)
		for _, id := range ids {
			require.NoError(t, err)
			require.NotEmpty(t, id)
		}
	})
}
