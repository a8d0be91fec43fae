package providertest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// text is what travels: everything that mappings like to break.
const text = "Zeile 1 & <b>\"é\" 漢字\nline 2 ${event.task} %41 \\n"

// Run runs the suite. build makes a fresh fixture for each test; it registers its own clean-up. The
// provider's time-outs should be short: hanging calls are waited for.
func Run(t *testing.T, build func(t testing.TB) *Fixture) {
	for _, c := range []struct {
		name string
		run  func(*suite)
	}{
		{"WholeLife", (*suite).wholeLife},
		{"Failures", (*suite).failures},
		{"Down", (*suite).down},
		{"LostAnswer", (*suite).lostAnswer},
		{"GivenUp", (*suite).givenUp},
		{"ManyAtOnce", (*suite).manyAtOnce},
		{"Inputs", (*suite).inputs},
		{"InputsNobodyUnderstands", (*suite).quarantine},
		{"Render", (*suite).render},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &suite{T: t, fx: build(t)}
			defer s.noSecrets()
			c.run(s)
		})
	}
}

type suite struct {
	*testing.T
	fx   *Fixture
	mu   sync.Mutex
	said []string // everything the provider said
	task int
}

// lease makes a lease of an outgoing event of a new task.
func (s *suite) lease(kind bridge.Kind, reference string) bridge.Lease {
	s.mu.Lock()
	s.task++
	task := fmt.Sprint(4710 + s.task)
	s.mu.Unlock()
	l := bridge.Lease{
		Event: bridge.Event{
			ID: bridge.NewID(), Provider: s.fx.Provider.Name, Task: task, Dir: bridge.Out, Kind: kind, Entrance: bridge.ByProcessCall,
			Received: time.Now(), Ticket: "T-1", Title: "Printer burns", Description: "It burns.", Priority: "1",
			Requester: bridge.Person{Name: "Ann Example", Email: "ann@example.com"},
		},
		Bond:    bridge.Bond{Provider: s.fx.Provider.Name, Task: task, State: bridge.BondOpen, Reference: reference},
		Attempt: 1, Until: time.Now().Add(time.Minute),
	}
	switch kind {
	case bridge.Submit:
		l.Event.Mode, l.Bond.State = bridge.ModeNew, bridge.BondPending
	case bridge.RejectSolution:
		l.Event.Mode = bridge.ModeReopen
	}
	if kind != bridge.Submit {
		l.Event.Text = text
	}
	return l
}

func (s *suite) deliver(ctx context.Context, l bridge.Lease) bridge.Outcome {
	o := s.fx.Provider.Destination.Deliver(ctx, l)
	s.say(fmt.Sprintf("%+v", o))
	return o
}

func (s *suite) say(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, what)
}

// open opens a ticket and returns its reference.
func (s *suite) open() string {
	s.Helper()
	o := s.deliver(s.Context(), s.lease(bridge.Submit, ""))
	require.Equal(s, bridge.OutcomeDone, o.Kind, o.Detail)
	return o.Reference
}

func (s *suite) wholeLife() {
	ref := s.open()
	if !s.fx.Provider.WithoutReference {
		require.NotEmpty(s, ref, "a submit has to learn the reference")
	}
	for _, k := range []bridge.Kind{bridge.Update, bridge.RejectSolution, bridge.Close} {
		if k == bridge.RejectSolution {
			s.fx.Peer.Resolve(s, ref)
		}
		o := s.deliver(s.Context(), s.lease(k, ref))
		require.Equal(s, bridge.OutcomeDone, o.Kind, "%s: %s", k, o.Detail)
		require.Equal(s, bridge.Delivered, o.Reason, k)
		require.NotEmpty(s, o.Request, "%s: operators want to see what was sent", k)
	}
	effects := s.fx.Peer.Effects()
	var kinds []bridge.Kind
	for _, e := range effects {
		kinds = append(kinds, e.Kind)
		require.Equal(s, ref, e.Reference)
	}
	require.Equal(s, bridge.Kinds(bridge.Out), kinds)
	for _, e := range effects[1:3] {
		require.Equal(s, bridge.TextHash(text), bridge.TextHash(e.Text), "the text of %s arrived as %q", e.Kind, e.Text)
	}
}

func (s *suite) failures() {
	ref := s.open()
	for _, c := range []struct {
		failure Failure
		kind    bridge.OutcomeKind
		effects int
	}{
		{Refuse, bridge.OutcomeRefused, 0}, {Throttle, bridge.OutcomeRetry, 0}, {ServerError, bridge.OutcomeRetry, 0},
		{Drop, bridge.OutcomeUnknown, 1}, {Hang, bridge.OutcomeUnknown, 1},
	} {
		before := len(s.fx.Peer.Effects())
		if !s.fx.Peer.Fail(c.failure) {
			continue
		}
		o := s.deliver(s.Context(), s.lease(bridge.Update, ref))
		require.Equal(s, c.kind, o.Kind, "%s: %s", c.failure, o.Detail)
		require.NotEmpty(s, o.Reason, c.failure)
		require.NotEmpty(s, o.Detail, c.failure)
		require.Len(s, s.fx.Peer.Effects(), before+c.effects, "%s", c.failure)
		if c.failure == Throttle {
			require.Positive(s, o.After)
			require.True(s, o.Down, "throttling is about the destination, not about this event")
		}
		o = s.deliver(s.Context(), s.lease(bridge.Update, ref))
		require.Equal(s, bridge.OutcomeDone, o.Kind, "the call after %s: %s", c.failure, o.Detail)
	}
}

// down makes no call before the system goes down: a connection that was kept is allowed to end as
// unknown, a new one is not.
func (s *suite) down() {
	s.fx.Peer.Down(s)
	before := s.fx.Peer.Calls()
	for _, l := range []bridge.Lease{s.lease(bridge.Submit, ""), s.lease(bridge.Update, "REF-1")} {
		o := s.deliver(s.Context(), l)
		require.Equal(s, bridge.OutcomeRetry, o.Kind, o.Detail)
		require.Equal(s, bridge.NotSent, o.Reason)
		require.True(s, o.Down)
	}
	require.Equal(s, before, s.fx.Peer.Calls())
	s.fx.Peer.Up(s)
	s.open()
}

func (s *suite) lostAnswer() {
	f, ok := s.fx.Provider.Destination.(bridge.Finder)
	if !ok {
		return // without a look-up an unknown submit parks; that is the engine's matter
	}
	l := s.lease(bridge.Submit, "")
	found, err := f.Find(s.Context(), l)
	require.NoError(s, err)
	require.NotEqual(s, bridge.IsThere, found.Answer, "nothing was sent yet")
	if !s.fx.Peer.Fail(Drop) {
		return
	}
	o := s.deliver(s.Context(), l)
	require.Equal(s, bridge.OutcomeUnknown, o.Kind, o.Detail)
	l.Unknown, l.Attempt = true, 2
	found, err = f.Find(s.Context(), l)
	require.NoError(s, err)
	s.say(fmt.Sprintf("%+v", found))
	effects := s.fx.Peer.Effects()
	require.Len(s, effects, 1, "a look-up writes nothing")
	if found.Answer != bridge.CannotTell {
		require.Equal(s, bridge.Found{Answer: bridge.IsThere, Reference: effects[0].Reference}, found)
	}
	s.fx.Peer.Down(s)
	_, err = f.Find(s.Context(), l)
	require.Error(s, err, "a look-up that was not made knows nothing")
	s.say(err.Error())
	s.fx.Peer.Up(s)
}

func (s *suite) givenUp() {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	o := s.deliver(ctx, s.lease(bridge.Submit, ""))
	require.Equal(s, bridge.OutcomeRetry, o.Kind, o.Detail)
	require.False(s, o.Down, "that we stopped says nothing about the destination")
	require.Empty(s, s.fx.Peer.Effects())
}

func (s *suite) manyAtOnce() {
	const n = 8
	var wg sync.WaitGroup
	refs := make([]string, n)
	for i := range n {
		l := s.lease(bridge.Submit, "")
		wg.Go(func() { refs[i] = s.deliver(s.Context(), l).Reference })
	}
	wg.Wait()
	require.Len(s, s.fx.Peer.Effects(), n)
	if s.fx.Provider.WithoutReference {
		return
	}
	seen := map[string]bool{}
	for _, r := range refs {
		require.NotEmpty(s, r)
		require.False(s, seen[r], "%s was given to two tasks", r)
		seen[r] = true
	}
}

// receive maps an input twice, because it has to give the same each time.
func (s *suite) receive(in bridge.Inbound) []bridge.Event {
	s.Helper()
	events, err := s.fx.Provider.Receiver.Receive(s.Context(), in)
	require.NoError(s, err)
	again, err := s.fx.Provider.Receiver.Receive(s.Context(), in)
	require.NoError(s, err)
	require.Equal(s, events, again)
	s.say(fmt.Sprintf("%+v", events))
	return events
}

func (s *suite) inputs() {
	if s.fx.Provider.Receiver == nil {
		return
	}
	s.fx.Peer.Down(s) // a receiver does no I/O, so that does not matter
	before := s.fx.Peer.Calls()
	for kind, in := range s.fx.Inputs {
		events := s.receive(in)
		require.Len(s, events, 1, kind)
		e := events[0]
		require.Equal(s, kind, e.Kind)
		require.Empty(s, e.Quarantine, e.Detail)
		require.Equal(s, bridge.In, e.Dir)
		require.Equal(s, s.fx.Provider.Name, e.Provider)
		require.Equal(s, in.Entrance, e.Entrance)
		require.NotNil(s, e.Inbound, "the input is kept")
		require.True(s, e.Task != "" || e.Reference != "", "%s belongs to no ticket", kind)
		require.Empty(s, e.State, "what becomes of it is for the store to say")
		if kind != bridge.Acknowledge {
			require.NotEmpty(s, e.Text, kind)
		}
	}
	if s.fx.Private != nil {
		for _, e := range s.receive(*s.fx.Private) {
			require.NotEmpty(s, e.Ignore, "an internal text got through")
			require.Empty(s, e.Text, "an internal text was kept")
			require.Nil(s, e.Inbound, "an internal text was kept")
		}
	}
	require.Equal(s, before, s.fx.Peer.Calls())
	s.fx.Peer.Up(s)
}

func (s *suite) quarantine() {
	if s.fx.Provider.Receiver == nil {
		return
	}
	for _, c := range []struct {
		in   bridge.Inbound
		want bridge.Reason
	}{{s.fx.Unknown, bridge.NoRule}, {s.fx.Unreadable, bridge.Unreadable}} {
		events := s.receive(c.in)
		require.Len(s, events, 1)
		e := events[0]
		require.Equal(s, c.want, e.Quarantine)
		require.NotEmpty(s, e.Detail)
		require.Equal(s, bridge.In, e.Dir)
		require.NotNil(s, e.Inbound)
		require.Equal(s, c.in.Body, e.Inbound.Body, "the whole input is kept")
	}
}

func (s *suite) render() {
	r, ok := s.fx.Provider.Destination.(bridge.Renderer)
	require.True(s, ok, "every kind can show what it would send")
	before := s.fx.Peer.Calls()
	for _, k := range bridge.Kinds(bridge.Out) {
		shown, err := r.Render(s.lease(k, "REF-1"))
		require.NoError(s, err, k)
		require.NotEmpty(s, strings.TrimSpace(shown), k)
		s.say(shown)
	}
	require.Equal(s, before, s.fx.Peer.Calls())
	require.Empty(s, s.fx.Peer.Effects())
}

// noSecrets searches everything that was said.
func (s *suite) noSecrets() {
	if s.Failed() {
		return
	}
	said := strings.Join(s.said, "\n")
	if s.fx.Log != nil {
		said += s.fx.Log.String()
	}
	for _, secret := range s.fx.Secrets {
		require.NotEmpty(s, secret)
		require.NotContains(s, said, secret)
	}
}
