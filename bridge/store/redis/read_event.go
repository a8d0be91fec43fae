package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/store/transfer"
)

// searchBudget bounds how many events a search for words looks at; the other filters come first.
const searchBudget = 200_000

// Events implements [bridge.Reader]. A search for words reads the texts of the events that the other
// filters leave, at most searchBudget of them: Redis has no index of words.
func (s *Store) Events(ctx context.Context, f bridge.EventFilter) ([]bridge.Event, error) {
	words := strings.Fields(strings.ToLower(strings.ReplaceAll(f.Search, "\x00", " ")))
	limit, from, looked := limitOf(f.Limit), f.After, 0
	var out []bridge.Event
	for {
		n := min(limit-len(out), pieceLimit)
		if len(words) > 0 {
			n = pieceLimit
		}
		since := int64(0)
		if !f.Since.IsZero() {
			since = f.Since.UnixMicro()
		}
		r, err := s.look(ctx, readEventsScript, append(newCall(12), from, flag(f.Newest), n, pieceBudget,
			f.Provider, f.Task, string(f.Dir), string(f.Kind), states(f.States), string(f.Reason), f.RefKey, since))
		if err != nil {
			return nil, err
		}
		found := int(r.num(1))
		bodies := r.list(2 + found*eventTexts)
		for i := range found {
			e, err := r.event(2+i*eventTexts, bodies.str(i))
			if err != nil {
				return nil, err
			}
			if e.Received.Before(f.Since) || !says(&e, words) {
				continue
			}
			if out = append(out, e); len(out) == limit {
				return out, nil
			}
		}
		looked += max(found, 1)
		if from = r.num(0); from == 0 || looked > searchBudget {
			return out, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("redis: events: %w", err)
		}
	}
}

// says reports whether all words stand in the texts of an event.
func says(e *bridge.Event, words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := strings.ToLower(strings.Join([]string{e.Title, e.Text, e.Description, e.Author, e.Ticket, e.Reference, e.Task, e.Requester.Name, e.Requester.Email}, " "))
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// Event implements [bridge.Reader].
func (s *Store) Event(ctx context.Context, id string) (bridge.Event, []bridge.Attempt, error) {
	r, err := s.look(ctx, readEventScript, append(newCall(1), id))
	if err != nil {
		return bridge.Event{}, nil, err
	}
	if len(r) == 0 {
		return bridge.Event{}, nil, fmt.Errorf("redis: event %s: %w", id, bridge.ErrNotFound)
	}
	e, err := r.event(0, r.str(eventTexts))
	if err != nil {
		return bridge.Event{}, nil, err
	}
	var out []bridge.Attempt
	for line := range strings.Lines(r.str(eventTexts + 1)) {
		p := strings.SplitN(line, "\t", 3)
		var a transfer.Try
		if len(p) != 3 {
			return e, nil, fmt.Errorf("redis: event %s: the record of an attempt is damaged", id)
		}
		if err := json.Unmarshal([]byte(p[2]), &a); err != nil {
			return e, nil, fmt.Errorf("redis: event %s: the record of an attempt is damaged: %w", id, err)
		}
		out = append(out, bridge.Attempt{Event: e.ID, N: a.N, Started: fromMicros(int64(a.Started)), Ended: fromMicros(int64(a.Ended)), Outcome: a.Outcome,
			Reason: a.Reason, Then: a.Then, Detail: a.Detail, Request: a.Request, Answer: a.Answer, Status: a.Status, Session: a.Session, Config: a.Config})
	}
	return e, out, nil
}
