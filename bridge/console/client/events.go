package client

import (
	"context"
	"iter"
	"net/url"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// Events selects events; empty fields do not filter.
type Events struct {
	Provider  string
	Task      string
	Dir       bridge.Dir
	Kind      bridge.Kind
	States    []bridge.EventState // not for the quarantine
	Reason    bridge.Reason
	Reference string
	Search    string
	Since     string // RFC 3339, or how long ago: 90m, 24h, 7d
	After     string // Next of the page before
	Newest    bool
	Limit     int
	Waiting   bool // only for the quarantine: those on their way there as well
}

func (f Events) query() url.Values {
	q := query{}
	q.text("provider", f.Provider)
	q.text("task", f.Task)
	q.text("dir", string(f.Dir))
	q.text("kind", string(f.Kind))
	list(q, "state", f.States)
	q.text("reason", string(f.Reason))
	q.text("reference", f.Reference)
	q.text("search", f.Search)
	q.text("since", f.Since)
	q.text("after", f.After)
	q.flag("newest", f.Newest)
	q.number("limit", f.Limit)
	q.flag("waiting", f.Waiting)
	return url.Values(q)
}

// Events returns one page of events.
func (c *Client) Events(ctx context.Context, f Events) (api.List[api.Event], error) {
	return get[api.List[api.Event]](ctx, c, path("events"), f.query())
}

// AllEvents goes through every page; Limit is the size of a page.
func (c *Client) AllEvents(ctx context.Context, f Events) iter.Seq2[api.Event, error] {
	return all(f.After, func(after string) (api.List[api.Event], error) {
		f.After = after
		return c.Events(ctx, f)
	})
}

// all yields the items of every page, then an error if there was one.
func all[T any](after string, page func(after string) (api.List[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			p, err := page(after)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, x := range p.Items {
				if !yield(x, nil) {
					return
				}
			}
			if p.Next == "" || p.Next == after {
				return
			}
			after = p.Next
		}
	}
}

// Event returns one event with everything that is known of it.
func (c *Client) Event(ctx context.Context, id string) (api.EventDetail, error) {
	return get[api.EventDetail](ctx, c, path("events", id), nil)
}

// RetryEvent tries a parked event again now, or brings a merged or ended one back into its lane.
func (c *Client) RetryEvent(ctx context.Context, id string, a api.Act) (api.Done, error) {
	return c.act(ctx, path("events", id, "retry"), a)
}

// IgnoreEvent ends an event without effect; its lane then waits for ResumeLane.
func (c *Client) IgnoreEvent(ctx context.Context, id string, a api.Act) (api.Done, error) {
	return c.act(ctx, path("events", id, "ignore"), a)
}

// SettleEvent declares an event done; a submit may carry its reference.
func (c *Client) SettleEvent(ctx context.Context, id string, a api.Act) (api.Done, error) {
	return c.act(ctx, path("events", id, "settle"), a)
}

func (c *Client) act(ctx context.Context, path string, in any) (api.Done, error) {
	return post[api.Done](ctx, c, path, in)
}

// Quarantine returns one page of the quarantine, oldest first.
func (c *Client) Quarantine(ctx context.Context, f Events) (api.List[api.Event], error) {
	return get[api.List[api.Event]](ctx, c, path("quarantine"), f.query())
}

// Quarantined returns one event of the quarantine.
func (c *Client) Quarantined(ctx context.Context, id string) (api.EventDetail, error) {
	return get[api.EventDetail](ctx, c, path("quarantine", id), nil)
}

// Reread reads a quarantined input again under the config in force.
func (c *Client) Reread(ctx context.Context, id string) (api.Done, error) {
	return c.act(ctx, path("quarantine", id, "retry"), nil)
}

// Assign gives a quarantined or waiting event its task or reference.
func (c *Client) Assign(ctx context.Context, id string, a api.Assign) (api.Done, error) {
	return c.act(ctx, path("quarantine", id, "assign"), a)
}

// Discard throws an event out of quarantine; note says why and is needed.
func (c *Client) Discard(ctx context.Context, id, note string) (api.Done, error) {
	return c.act(ctx, path("quarantine", id, "discard"), api.Note{Note: note})
}
