package ssptest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/soap/ssptest"
)

const id, ref, msg, sol = "processInstanceTaskId", "externalReference", "message", "solution"

func TestAWholeLife(t *testing.T) {
	b := newBridge(t)
	s := start(t, ssptest.Options{})
	s.SetGroup("Field service", ssptest.Group{URL: b.URL, Header: http.Header{"X-Bridge-Key": {"k"}}})
	task, err := s.Create(ssptest.Ticket{
		Title: "Printer", Description: "smokes & <burns>", Priority: "High",
		Requester: ssptest.Person{Name: "Zoë", Email: "zoe@example.com"}, Fields: map[string]string{"room": "4"},
	})
	require.NoError(t, err)
	require.Equal(t, "4711", task)

	require.NoError(t, s.Assign(task, "Field service"))
	require.NoError(t, s.Idle(within(t)))
	require.Equal(t, map[string]any{
		"task": "4711", "request_type": "Submit Request", "direction": "Out", "reference": "", "text": "", "message_id": "",
		"ticket": "T-4711", "title": "Printer", "description": "smokes & <burns>", "priority": "High",
		"requester": map[string]any{"name": "Zoë", "email": "zoe@example.com"}, "fields": map[string]any{"room": "4"},
	}, b.got[0])
	require.Equal(t, "k", b.header[0].Get("X-Bridge-Key"))

	mustCall(t, s, ssptest.Acknowledgement, id, task, ref, "EXT-1")
	mustCall(t, s, ssptest.UpdateMessage, id, task, msg, "on our way")
	require.NoError(t, s.Idle(within(t)))
	require.NoError(t, s.UserUpdate(task, "hurry"))
	mustCall(t, s, ssptest.Reassignment, id, task, sol, "extinguished")
	require.NoError(t, s.Idle(within(t)))
	require.NoError(t, s.DeclineSolution(task, "still smokes"))
	mustCall(t, s, ssptest.Reassignment, id, task, sol, "replaced")
	require.NoError(t, s.Idle(within(t)))
	require.NoError(t, s.CloseByUser(task, "thanks"))
	require.NoError(t, s.Idle(within(t)))

	require.Equal(t, []string{
		"Submit Request/Out//",
		"/In/EXT-1/",
		"Update/In/EXT-1/on our way",
		"Update/Out/EXT-1/hurry",
		"Reassigned/In/EXT-1/extinguished",
		"Resolution Rejection/Out/EXT-1/still smokes",
		"Reassigned/In/EXT-1/replaced",
		"Closed/Out/EXT-1/thanks",
	}, b.calls())

	state, ok := s.Task(task)
	require.True(t, ok)
	require.Equal(t, ssptest.Closed, state.Status)
	require.Equal(t, "EXT-1", state.Reference)
	require.Equal(t, "replaced", state.Solution)
	require.Equal(t, []bool{true, false}, []bool{state.Messages[0].External, state.Messages[1].External})

	var ops []ssptest.Operation
	for i, e := range s.Effects(task) {
		require.Equal(t, i+1, e.Seq)
		require.False(t, e.Time.IsZero())
		require.Equal(t, task, e.Args[id])
		ops = append(ops, e.Operation)
	}
	require.Equal(t, []ssptest.Operation{ssptest.Acknowledgement, ssptest.UpdateMessage, ssptest.Reassignment, ssptest.Reassignment}, ops)
	require.Empty(t, s.Effects("another"))
	for i, c := range s.ProcessCalls() {
		require.Equal(t, i+1, c.Seq)
		require.True(t, c.Delivered)
		require.Equal(t, 1, c.Tries)
		require.Equal(t, http.StatusAccepted, c.Status)
	}
}

func TestMovingToAnotherProvider(t *testing.T) {
	a, b := newBridge(t), newBridge(t)
	s := start(t, ssptest.Options{Groups: map[string]ssptest.Group{"A": {URL: a.URL}, "B": {URL: b.URL}}, NoAcknowledgeEcho: true})
	task, err := s.Create(ssptest.Ticket{})
	require.NoError(t, err)
	require.NoError(t, s.Assign(task, "A"))
	mustCall(t, s, ssptest.Acknowledgement, id, task, ref, "A-1")
	require.NoError(t, s.Reassign(task, "B"))
	require.NoError(t, s.Idle(within(t)))
	require.Equal(t, []string{"Submit Request/Out//"}, a.calls())
	require.Equal(t, []string{"Submit Request/Out/A-1/"}, b.calls(), "B is told A's reference")
	require.NoError(t, s.Reassign(task, "people"))
	require.NoError(t, s.UserUpdate(task, "nobody is called"))
	require.NoError(t, s.Idle(within(t)))
	require.Len(t, b.calls(), 1)
}

func TestWhatDoesNotFitTheState(t *testing.T) {
	s := start(t, ssptest.Options{})
	task, err := s.Create(ssptest.Ticket{Task: "7"})
	require.NoError(t, err)
	_, err = s.Create(ssptest.Ticket{Task: "7"})
	require.EqualError(t, err, "ssptest: task 7 exists already")
	require.EqualError(t, s.Reassign(task, "x"), "ssptest: task 7 is new")
	require.EqualError(t, s.DeclineSolution(task, "x"), "ssptest: task 7 is new")
	require.EqualError(t, s.Assign("8", "x"), "ssptest: task 8 does not exist")

	refused := func(want string, op ssptest.Operation, args ...string) {
		t.Helper()
		before := len(s.Effects())
		status, text, err := call(t, s, op, args...)
		require.NoError(t, err)
		require.Equal(t, http.StatusInternalServerError, status)
		require.Contains(t, text, "<faultcode>soap:Server</faultcode>")
		require.Contains(t, text, want)
		require.Len(t, s.Effects(), before)
	}
	refused("Task 8 does not exist.", ssptest.UpdateMessage, id, "8", msg, "x")
	refused("Value cannot be null.", ssptest.UpdateMessage, "taskId", task, msg, "x")
	refused("it is new.", ssptest.Reassignment, id, task, sol, "x")
	require.NoError(t, s.Assign(task, "x"))
	mustCall(t, s, ssptest.Reassignment, id, task, sol, "x")
	refused("it is solved.", ssptest.Reassignment, id, task, sol, "again")
	mustCall(t, s, ssptest.UpdateMessage, id, task, msg, "a message for a solved task is fine")
	require.NoError(t, s.CloseByUser(task, ""))
	refused("Task 7 is closed.", ssptest.UpdateMessage, id, task, msg, "x")

	lenient := start(t, ssptest.Options{RepeatedSolutions: true})
	task, err = lenient.Create(ssptest.Ticket{})
	require.NoError(t, err)
	require.NoError(t, lenient.Assign(task, "x"))
	mustCall(t, lenient, ssptest.Reassignment, id, task, sol, "one")
	mustCall(t, lenient, ssptest.Reassignment, id, task, sol, "two")
}

func TestProcessCallsAreRepeated(t *testing.T) {
	b := newBridge(t)
	failures := 2
	b.answer = func(call map[string]any) (int, string) {
		if call["text"] == "hopeless" {
			return http.StatusUnprocessableEntity, "no"
		}
		if failures > 0 {
			failures--
			return http.StatusServiceUnavailable, ""
		}
		return http.StatusOK, `{"status":"bonded","reference":"EXT-5"}`
	}
	var told []ssptest.ProcessCall
	s := start(t, ssptest.Options{
		Groups:        map[string]ssptest.Group{"g": {URL: b.URL, StoreReference: true}},
		RetryEvery:    time.Millisecond,
		MessageIDs:    true,
		OnProcessCall: func(c ssptest.ProcessCall) { told = append(told, c) },
	})
	task, err := s.Create(ssptest.Ticket{})
	require.NoError(t, err)
	require.NoError(t, s.Assign(task, "g"))
	require.NoError(t, s.UserUpdate(task, "hopeless"))
	require.NoError(t, s.UserUpdate(task, "later"))
	require.NoError(t, s.Idle(within(t)))
	calls := s.ProcessCalls()
	require.Equal(t, []int{3, 1, 1}, []int{calls[0].Tries, calls[1].Tries, calls[2].Tries})
	require.Equal(t, []bool{true, false, true}, []bool{calls[0].Delivered, calls[1].Delivered, calls[2].Delivered})
	require.True(t, calls[1].GivenUp)
	require.Equal(t, 422, calls[1].Status)
	require.Equal(t, []string{"", "m-2", "m-3"}, []string{calls[0].MessageID, calls[1].MessageID, calls[2].MessageID})
	state, _ := s.Task(task)
	require.Equal(t, "EXT-5", state.Reference, "taken from the answer")
	s.Close() // ends the callbacks
	require.Len(t, told, 3)
}

func TestProcessCallsGiveUp(t *testing.T) {
	b := newBridge(t)
	b.answer = func(map[string]any) (int, string) { return http.StatusBadGateway, "" }
	s := start(t, ssptest.Options{Groups: map[string]ssptest.Group{"g": {URL: b.URL}}, RetryEvery: time.Millisecond, RetryMax: 2})
	task, err := s.Create(ssptest.Ticket{})
	require.NoError(t, err)
	require.NoError(t, s.Assign(task, "g"))
	require.NoError(t, s.Idle(within(t)))
	require.Equal(t, 3, s.ProcessCalls()[0].Tries)
	require.True(t, s.ProcessCalls()[0].GivenUp)
}

func TestProcessCallsComeTwice(t *testing.T) {
	b := newBridge(t)
	s := start(t, ssptest.Options{Groups: map[string]ssptest.Group{"g": {URL: b.URL}}, Duplicates: 1})
	task, err := s.Create(ssptest.Ticket{})
	require.NoError(t, err)
	require.NoError(t, s.Assign(task, "g"))
	require.NoError(t, s.Idle(within(t)))
	require.Equal(t, []string{"Submit Request/Out//", "Submit Request/Out//"}, b.calls())
	require.Equal(t, 2, s.ProcessCalls()[0].Tries)
}

func TestEchoBeforeTheAnswer(t *testing.T) {
	b := newBridge(t)
	s := start(t, ssptest.Options{Groups: map[string]ssptest.Group{"g": {URL: b.URL}}, Echo: ssptest.EchoBefore})
	task, err := s.Create(ssptest.Ticket{})
	require.NoError(t, err)
	require.NoError(t, s.Assign(task, "g"))
	mustCall(t, s, ssptest.UpdateMessage, id, task, msg, "x")
	require.Equal(t, []string{"Submit Request/Out//", "Update/In//x"}, b.calls(), "it is there when the call returns")
}

func TestEchoModes(t *testing.T) {
	for mode, want := range map[ssptest.Echo]int{ssptest.EchoAfter: 20, ssptest.EchoMixed: 20, ssptest.EchoNever: 0} {
		b := newBridge(t)
		s := start(t, ssptest.Options{Groups: map[string]ssptest.Group{"g": {URL: b.URL}}, Echo: mode, Seed: 4})
		task, err := s.Create(ssptest.Ticket{})
		require.NoError(t, err)
		require.NoError(t, s.Assign(task, "g"))
		for range 20 {
			mustCall(t, s, ssptest.UpdateMessage, id, task, msg, "x")
		}
		require.NoError(t, s.Wait(within(t), func() bool { return len(s.ProcessCalls()) == want+1 }))
		require.NoError(t, s.Idle(within(t)))
		require.Len(t, b.calls(), want+1)
	}
}

func TestDownAndUp(t *testing.T) {
	b := newBridge(t)
	s := start(t, ssptest.Options{Groups: map[string]ssptest.Group{"g": {URL: b.URL}}})
	url := s.URL()
	task, err := s.Create(ssptest.Ticket{})
	require.NoError(t, err)
	s.Down()
	s.Down()
	_, _, err = call(t, s, ssptest.UpdateMessage, id, task, msg, "x")
	require.ErrorContains(t, err, "dial tcp")
	require.NoError(t, s.Assign(task, "g"))
	require.Empty(t, b.calls(), "an SSP that is down calls nobody")
	require.NoError(t, s.Up())
	require.NoError(t, s.Up())
	require.Equal(t, url, s.URL())
	require.NoError(t, s.Idle(within(t)))
	require.Len(t, b.calls(), 1)
	mustCall(t, s, ssptest.UpdateMessage, id, task, msg, "x")
	s.Close()
	require.EqualError(t, s.Up(), "ssptest: closed")
}

func TestCloseDoesNotWaitForTheBridge(t *testing.T) {
	s := start(t, ssptest.Options{Groups: map[string]ssptest.Group{"g": {URL: "http://127.0.0.1:1/"}}})
	task, err := s.Create(ssptest.Ticket{})
	require.NoError(t, err)
	require.NoError(t, s.Assign(task, "g"))
	require.NoError(t, s.Wait(within(t), func() bool { return s.ProcessCalls()[0].Tries > 0 }))
	s.Close()
	require.False(t, s.ProcessCalls()[0].Delivered)
	require.NotEmpty(t, s.ProcessCalls()[0].Err)
}
