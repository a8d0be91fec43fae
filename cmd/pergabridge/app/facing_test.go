package app_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/mailout/smtptest"
	"github.com/pergabridge/pergabridge/mailin/dovecottest"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// A side is one of two whole bridges that face each other: what its provider's mail server takes is delivered
// into the other's mailbox, and each takes the other for a provider who writes mail. Behind each is an SSP
// that answers every text from outside by itself, as a workflow would. So nothing but the bridges' own guard
// can end a conversation.
type side struct {
	*world
	name, task string

	mu      sync.Mutex
	mails   []string // kinds of what was delivered into the other's mailbox
	answers int
	owed    atomic.Int64 // answers of SSP that were not written yet
	stopped chan struct{}
	texts   chan string
}

const answering = "Automatic answer of "

// newFacing makes both sides. relay changes a mail on its way, as a mail gateway may; providerKeys are added to
// what a mailbox says of its provider.
func newFacing(t *testing.T, providerKeys string, relay func([]byte) []byte, edits ...string) (north, south *side) {
	t.Helper()
	var sides []*side
	for i, name := range []string{"north", "south"} {
		peer := []string{"south", "north"}[i]
		s := &side{name: name, texts: make(chan string, 1000), stopped: make(chan struct{})}
		s.world = newWorldOf(t, "", "0s", ssptest.Options{Echo: ssptest.EchoMixed, Seed: uint64(i), OnEffect: func(e ssptest.Effect) {
			if e.Operation != ssptest.Acknowledgement {
				s.owed.Add(1)
				s.texts <- e.Text
			}
		}})
		s.stop()
		text, err := os.ReadFile(s.file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(s.file, []byte(strings.NewReplacer(append(edits,
			"domain: bridge.example.com", "domain: "+name+".example",
			"senders: [acme.example]", providerKeys+"senders: ["+peer+".example]",
			"from: SSP Service <support@example.com>", "from: Service <support@"+name+".example>",
			"help@acme.example", "support@"+peer+".example",
		)...).Replace(string(text))), 0o600))
		s.start()
		sides = append(sides, s)
	}
	north, south = sides[0], sides[1]
	for i, s := range sides {
		peer := sides[1-i]
		inbox := peer.box.Client(t)
		s.smtp.OnMail(func(m smtptest.Mail) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.mails = append(s.mails, m.Header.Get("X-Pergabridge-Kind"))
			raw := append(fmt.Appendf(nil, "Return-Path: <%s>\r\nReceived: from %s.example by %s.example; %s\r\n", m.From, s.name, peer.name, time.Now().Format(time.RFC1123Z)), relay(m.Raw)...)
			dovecottest.Append(t, inbox, "INBOX", time.Now(), raw)
		})
		var err error
		// The same numbers at both ends are the worst that can be: tags and references mean something to both, and
		// never disagree, which would end a conversation as well.
		s.task, err = s.ssp.Create(ssptest.Ticket{Title: "INC0000007 Printer", Description: "It burns."})
		require.NoError(t, err)
		go s.answerAll()
		t.Cleanup(func() { close(s.texts); <-s.stopped })
	}
	require.Equal(t, north.task, south.task)
	return north, south
}

// answerAll is SSP's workflow that answers what comes from outside.
func (s *side) answerAll() {
	defer close(s.stopped)
	for text := range s.texts {
		s.mu.Lock()
		s.answers++
		n := s.answers
		s.mu.Unlock()
		_ = s.ssp.UserUpdate(s.task, fmt.Sprintf("%s%s, number %d, to: %.40q", answering, s.name, n, text))
		s.owed.Add(-1)
	}
}

// sent returns the kinds of the mails that were delivered to the other side.
func (s *side) sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.mails...)
}

// quiet waits until nothing is under way at either side any more, or until more mails were written than are
// allowed.
func quiet(t *testing.T, most int, sides ...*side) {
	t.Helper()
	total := func() (n int) {
		for _, s := range sides {
			n += len(s.sent())
		}
		return n
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	busy := func(s *side) bool {
		c, err := s.app.Store().Counts(t.Context())
		require.NoError(t, err)
		return c.Events[bridge.StateQueued]+c.Events[bridge.StateLeased] > 0
	}
	// Asked in the order in which things move on, so that nothing can slip past: read, applied in SSP, answered
	// by SSP, called in, and written.
	still := func() bool {
		for i, s := range sides {
			peer := sides[1-i]
			read := dovecottest.Count(t, s.imap, "Processed") + max(0, dovecottest.Count(t, s.imap, "Failed"))
			if read < len(peer.sent()) || busy(s) || s.owed.Load() > 0 || s.ssp.Idle(ctx) != nil || busy(s) {
				return false
			}
		}
		return true
	}
	require.Eventually(t, func() bool {
		n := total()
		if n > most {
			return true
		}
		first, second := still(), still() // what moved between the two sides during the first look shows in the second
		return first && second && n == total()
	}, 2*patience, 20*time.Millisecond)
	require.LessOrEqual(t, total(), most, "north wrote %q, south wrote %q", sides[0].sent(), sides[1].sent())
}

// What gateways do to a mail on its way.
var (
	ownHeaders = regexp.MustCompile(`(?im)^X-[^:\r\n]+:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*`)
	ids        = regexp.MustCompile(`(?im)^(?:Message-ID|In-Reply-To|References|Reply-To):[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*`)
	allSigns   = regexp.MustCompile(`(?im)^(?:X-[^:\r\n]+|Auto-Submitted):[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*`)
)

// without takes headers out of a mail.
func without(headers *regexp.Regexp) func([]byte) []byte {
	return func(raw []byte) []byte {
		head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		head = headers.ReplaceAll(append(bytes.Clone(head), "\r\n"...), nil)
		return append(append(head, "\r\n"...), body...)
	}
}

// Two bridges that answer each other's mail stop: what one of them writes is never a text for the other, so
// there is exactly one mail for each thing that people did, whatever their mailboxes are told to read.
func TestTwoBridgesDoNotAnswerEachOther(t *testing.T) {
	t.Parallel()
	whole := func(raw []byte) []byte { return raw }
	for name, c := range map[string]struct {
		keys  string
		relay func([]byte) []byte
	}{
		"by default":                             {"", whole},
		"with everything automatic read":         {"automatic: read, ", whole},
		"through a gateway that drops X headers": {"automatic: read, ", without(ownHeaders)},
		"through one that drops every sign":      {"automatic: read, ", without(allSigns)},
	} {
		t.Run(name, func(t *testing.T) {
			north, south := newFacing(t, c.keys, c.relay)
			for _, s := range []*side{north, south} {
				require.NoError(t, s.ssp.Assign(s.task, "acme"))
			}
			quiet(t, 2, north, south)
			for _, s := range []*side{north, south} {
				require.NoError(t, s.ssp.UserUpdate(s.task, "Does "+s.name+" know more?"))
			}
			quiet(t, 4, north, south)
			for _, s := range []*side{north, south} {
				require.Equal(t, []string{"submit", "update"}, s.sent())
			}
		})
	}
}

// A gateway that makes a mail look as if a person had written it, with another id and another address to
// answer to, leaves nothing to tell a bridge by. What is left is the brake: it ends the conversation, and what
// is too much is kept for a person.
func TestTheBrakeEndsWhatNothingElseCan(t *testing.T) {
	t.Parallel()
	const brake = 3
	var rewritten atomic.Int64
	north, south := newFacing(t, "", func(raw []byte) []byte {
		return append(fmt.Appendf(nil, "Message-ID: <rewritten.%d@gateway.example>\r\n", rewritten.Add(1)), without(ids)(without(allSigns)(raw))...)
	}, "messages: 500", fmt.Sprint("messages: ", brake))
	require.NoError(t, north.ssp.Assign(north.task, "acme"))
	require.NoError(t, south.ssp.Assign(south.task, "acme"))
	quiet(t, 2+2*brake, north, south)
	require.Len(t, append(north.sent(), south.sent()...), 2+2*brake)
	for _, s := range []*side{north, south} {
		list, err := s.app.Store().Events(t.Context(), bridge.EventFilter{Reason: bridge.Throttled})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, bridge.StateQuarantined, list[0].State)
		require.Equal(t, brake, s.answers)
	}
}
