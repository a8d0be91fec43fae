package main_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A hundred copies of one webhook at the same time: one effect, and 99 answers that name the first.
func TestConcurrentCopies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	w.start()
	task, number := w.bonded(alpha)

	const copies = 100
	p := w.comment(alpha, "chg-copies", number, "once only")
	answers := make([]answer, copies)
	errs := make([]error, copies)
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range copies {
		wg.Go(func() {
			<-gate
			answers[i], errs[i] = w.send(t.Context(), p)
		})
	}
	close(gate)
	wg.Wait()
	count := map[word]int{}
	for i, a := range answers {
		require.NoError(t, errs[i])
		require.Equal(t, answers[0].Event, a.Event, "every answer names the first event")
		require.Equal(t, map[word]int{"accepted": http.StatusAccepted, "duplicate": http.StatusOK}[a.Status], a.code, a.body)
		count[a.Status]++
	}
	require.Equal(t, map[word]int{"accepted": 1, "duplicate": copies - 1}, count)
	w.settled()
	require.Equal(t, []string{"once only"}, w.texts(task))
	e := w.only("once only")
	require.Equal(t, answers[0].Event, e.ID)
	require.Equal(t, copies-1, e.Repeat)
	w.nothingStuck()
}
