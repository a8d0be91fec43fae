package redisstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
)

// Operate implements [bridge.Operator].
func (s *Store) Operate(ctx context.Context, c bridge.Command) (bridge.CommandResult, error) {
	c.Task, c.Reference = strings.TrimSpace(c.Task), strings.TrimSpace(c.Reference)
	key := c.RefKey
	if key == "" {
		key = bridge.ReferenceKey(c.Reference, false)
	}
	lane := ""
	if c.Lane != (bridge.LaneID{}) {
		lane = c.Lane.String()
	}
	args := append(newCall(14+eventArguments*len(c.Events)), string(c.Verb), c.Person, c.Note, c.Event, lane, c.Dest, c.Duty, c.Provider, c.Task, c.Reference, key,
		string(c.State), target(c), len(c.Events))
	var err error
	for _, e := range c.Events {
		if args, err = s.eventArgs(args, e); err != nil {
			return bridge.CommandResult{}, err
		}
	}
	r, err := s.write(ctx, operateScript, rand.Text(), args)
	if err != nil {
		return bridge.CommandResult{}, err
	}
	switch r.str(2) {
	case "refused":
		return bridge.CommandResult{}, &bridge.CommandError{Msg: r.str(3)}
	case "missing":
		return bridge.CommandResult{}, fmt.Errorf("redis: %s: %w", r.str(3), bridge.ErrNotFound)
	}
	out := bridge.CommandResult{Changed: r.bool(3), Detail: r.str(4)}
	i := 6
	for range r.num(5) {
		out.Events = append(out.Events, r.str(i))
		i++
	}
	for ; i+receiptTexts <= len(r); i += receiptTexts {
		out.Receipts = append(out.Receipts, r.receipt(i))
	}
	return out, nil
}

// target names what a command is about, for the record of what people did.
func target(c bridge.Command) string {
	switch {
	case c.Event != "":
		return c.Event
	case c.Lane != (bridge.LaneID{}):
		return c.Lane.String()
	case c.Dest != "":
		return c.Dest
	case c.Duty != "":
		return c.Duty
	case c.Reference != "":
		return c.Provider + "/" + c.Task + " " + c.Reference
	}
	return c.Provider + "/" + c.Task
}
