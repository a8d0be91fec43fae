package engine

import (
	"context"
	"log/slog"

	"github.com/pergabridge/pergabridge/bridge"
)

// report tells everybody what became of a try.
func (e *Engine) report(t *finishedTry, v bridge.Verdict) {
	ev := &t.Lease.Event
	e.o.Observer.Settled(t.dest.Name, ev.Kind, v)
	if v.Bonded || t.Outcome.Reference != "" {
		e.waiters.tell(ev.Provider, ev.Task)
	}
	level, msg := slog.LevelInfo, ""
	switch {
	case v.Fenced:
		level, msg = slog.LevelWarn, "the lease was no longer ours: only the attempt is recorded"
	case v.Parked || v.State == bridge.StateParked:
		level, msg = slog.LevelWarn, "parked: the lane stops here until a person acts"
	case t.Then == bridge.ThenSkip:
		level, msg = slog.LevelWarn, "skipped: the other side refused it"
	case t.Then == bridge.ThenRetry, t.Then == bridge.ThenWait:
		if v.State == bridge.StateDone || v.State == bridge.StateEnded {
			msg = "settled by what came in meanwhile"
			break
		}
		if !t.dest.log.differs(&t.Outcome) {
			return
		}
		level, msg = slog.LevelWarn, "not delivered; it will be tried again (equal failures of this destination are not repeated here)"
	case t.Outcome.Kind == bridge.OutcomeDone:
		if n := t.dest.log.end(); n > 0 {
			e.o.Log.Info("the destination works again", slog.String(LogDest, t.dest.Name), slog.Int(LogCount, n))
		}
		if t.Outcome.Reason == bridge.Delivered {
			e.o.Log.LogAttrs(context.Background(), slog.LevelDebug, "delivered", e.tryAttrs(t, v)...)
			return
		}
		msg = "done without a delivery"
	default:
		msg = "ended"
	}
	e.o.Log.LogAttrs(context.Background(), level, msg, e.tryAttrs(t, v)...)
}

func (e *Engine) tryAttrs(t *finishedTry, v bridge.Verdict) []slog.Attr {
	ev, o := &t.Lease.Event, &t.Outcome
	attrs := append(eventAttrs(ev),
		slog.String(LogDest, t.dest.Name), slog.Int(LogAttempt, t.Lease.Attempt),
		slog.String(LogOutcome, string(o.Kind)), slog.String(LogReason, string(o.Reason)),
		slog.String(LogThen, string(t.Then)), slog.String(LogState, string(v.State)),
		slog.Duration(LogDuration, t.Ended.Sub(t.Started)))
	if o.Status != 0 {
		attrs = append(attrs, slog.Int(LogStatus, o.Status))
	}
	if o.Reference != "" {
		attrs = append(attrs, slog.String(LogReference, o.Reference))
	}
	if !t.Due.IsZero() {
		attrs = append(attrs, slog.Time(LogDue, t.Due))
	}
	if o.Detail != "" {
		attrs = append(attrs, slog.String(LogDetail, o.Detail))
	}
	return attrs
}

// A streak counts equal failures of a destination, so that they are logged once. It belongs to the
// loop.
type streak struct {
	reason bridge.Reason
	status int
	n      int
}

// differs notes a failure and reports whether it is another one than the last.
func (s *streak) differs(o *bridge.Outcome) bool {
	s.n++
	if s.n > 1 && s.reason == o.Reason && s.status == o.Status {
		return false
	}
	s.reason, s.status = o.Reason, o.Status
	return true
}

// end ends the streak and returns its length.
func (s *streak) end() int {
	n := s.n
	*s = streak{}
	return n
}
