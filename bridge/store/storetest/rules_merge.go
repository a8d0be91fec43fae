package storetest

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

var mergeRules = []rule{
	{"an equal event without a key is merged and keeps a record of its own", func(h *harness) {
		h.open("T1", "R1")
		e := h.in(bridge.Update, "T1", noKey)
		first := h.queue(e)
		again := h.again(e)
		again.Author = "somebody else"
		h.merges(again, first)
		require.Equal(h.t, e.Text, h.stored(again.ID).Text)
		require.Equal(h.t, []string{first}, h.drainIDs(bridge.SSP))
	}},
	{"the window runs from the first acceptance", func(h *harness) {
		h.open("T1", "R1")
		e := h.in(bridge.Update, "T1", noKey)
		first := h.queue(e)
		h.advance(6 * time.Minute)
		h.merges(h.again(e), first)
		h.advance(5 * time.Minute)
		second := h.queue(h.again(e))
		h.advance(6 * time.Minute)
		h.merges(h.again(e), second)
	}},
	{"a source chooses its own window", func(h *harness) {
		h.open("T1", "R1")
		short := h.in(bridge.Update, "T1", noKey, window(time.Minute))
		h.queue(short)
		long := h.in(bridge.Update, "T1", noKey, window(48*time.Hour))
		first := h.queue(long)
		h.advance(2 * time.Minute)
		h.queue(h.again(short))
		h.advance(47 * time.Hour)
		h.merges(h.again(long), first)
	}},
	{"other words, another kind or another task are other events", func(h *harness) {
		h.open("T1", "R1")
		h.open("T2", "R2")
		h.queue(h.out(bridge.Update, "T1", noKey, text("x")))
		h.queue(h.out(bridge.Update, "T1", noKey, text("X")))
		h.queue(h.out(bridge.RejectSolution, "T1", noKey, text("x")))
		h.queue(h.out(bridge.Update, "T2", noKey, text("x")))
		h.queue(h.in(bridge.Update, "T1", noKey, text("x")))
	}},
	{"other files are another event, whatever the words", func(h *harness) {
		h.open("T1", "R1")
		with := func(data string) bridge.Event {
			sum := sha256.Sum256([]byte(data))
			e := h.out(bridge.Update, "T1", noKey, text("see the file"))
			e.Fields = map[string]any{"attachments": bridge.FileField([]bridge.File{{Name: "scan.pdf", Size: len(data), SHA256: hex.EncodeToString(sum[:])}})}
			return e
		}
		first := h.queue(with("page 1"))
		h.queue(with("page 2"))
		h.merges(with("page 1"), first)
	}},
	{"events with keys are not merged by their words", func(h *harness) {
		h.open("T1", "R1")
		h.queue(h.in(bridge.Update, "T1", text("x")))
		h.queue(h.in(bridge.Update, "T1", text("x")))
	}},
	{"an event that names a reference is the same with or without the task", func(h *harness) {
		h.open("T1", "R1")
		first := h.queue(h.in(bridge.Update, "", ref("R1"), noKey, text("x")))
		h.merges(h.in(bridge.Update, "T1", ref("r1"), noKey, text("x")), first)
	}},
	{"the count of resolves tells a repeated text from a new one", func(h *harness) {
		h.open("T1", "R1")
		still := h.out(bridge.Update, "T1", noKey, text("still broken"))
		first := h.queue(still)
		h.queue(h.in(bridge.Resolve, "T1"))
		h.queue(h.out(bridge.RejectSolution, "T1"))
		second := h.queue(h.again(still))
		h.merges(h.again(still), second)
		require.NotEqual(h.t, first, second)
	}},
	{"the same solution after a rejection is a new solution", func(h *harness) {
		h.open("T1", "R1")
		fixed := h.in(bridge.Resolve, "T1", noKey, text("fixed"))
		h.queue(fixed)
		h.queue(h.out(bridge.RejectSolution, "T1", noKey))
		h.queue(h.again(fixed))
		require.Equal(h.t, 2, h.bond("T1").Resolves)
		h.bondIs("T1", bridge.BondResolved, "R1")
	}},
	{"a close after a reopening is a new close", func(h *harness) {
		h.open("T1", "R1")
		end := h.out(bridge.Close, "T1", noKey, noText)
		first := h.queue(end)
		again := h.queue(h.out(bridge.Submit, "T1", noKey))
		second := h.queue(h.again(end))
		require.Equal(h.t, []string{first, again, second}, h.drainIDs(acme))
	}},
	{"a repeated solution does not stand in the way of the next one", func(h *harness) {
		h.open("T1", "R1")
		fixed := h.in(bridge.Resolve, "T1", noKey, text("fixed"))
		first := h.queue(fixed)
		require.Equal(h.t, bridge.Duplicate, h.offer(h.again(fixed)).Status)
		h.queue(h.out(bridge.RejectSolution, "T1", noKey))
		second := h.queue(h.again(fixed))
		require.Equal(h.t, []string{first, second}, h.drainIDs(bridge.SSP))
	}},
	{"a waiting event without a key is merged too", func(h *harness) {
		e := h.in(bridge.Update, "", ref("R1"), noKey)
		first := h.waits(e, bridge.UnknownReference)
		h.merges(h.again(e), first)
	}},
	{"a new submit is not merged by its words but by the state of its bond", func(h *harness) {
		e := h.out(bridge.Submit, "T1", noKey)
		first := h.queue(e)
		h.bonded(h.leaseOf(acme, first), "R1")
		h.merges(h.again(e), first)
		h.queue(h.out(bridge.Close, "T1"))
		h.queue(h.again(e))
		h.bondIs("T1", bridge.BondOpen, "R1")
	}},
	{"a continuing submit without a key is merged by its words", func(h *harness) {
		h.open("T1", "R1")
		e := h.out(bridge.Submit, "T1", ref("R1"), noKey)
		first := h.queue(e)
		h.merges(h.again(e), first)
		h.advance(11 * time.Minute)
		h.queue(h.again(e))
	}},
	{"an adopting submit without a key is merged by its words", func(h *harness) {
		e := h.out(bridge.Submit, "T1", ref("R1"), noKey)
		first := h.queue(e)
		h.merges(h.again(e), first)
		require.Equal(h.t, []string{first}, h.drainIDs(acme))
	}},
}
