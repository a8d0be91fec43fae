package client

import (
	"context"
	"net/url"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// Lanes selects lanes; empty fields do not filter.
type Lanes struct {
	Destination string
	Provider    string
	Task        string
	States      []bridge.LaneState
	After       string // the Next of a list
	Limit       int
}

// Lanes returns the lanes that hold events or are stopped.
func (c *Client) Lanes(ctx context.Context, f Lanes) (api.List[api.Lane], error) {
	q := query{}
	q.text("destination", f.Destination)
	q.text("provider", f.Provider)
	q.text("task", f.Task)
	list(q, "state", f.States)
	q.text("after", f.After)
	q.number("limit", f.Limit)
	return get[api.List[api.Lane]](ctx, c, path("lanes"), url.Values(q))
}

// PauseLane stops a lane, written provider/dir/task.
func (c *Client) PauseLane(ctx context.Context, a api.LaneAct) (api.Done, error) {
	return c.act(ctx, path("lanes", "pause"), a)
}

// ResumeLane lets a paused lane go on, or one whose head was ignored.
func (c *Client) ResumeLane(ctx context.Context, a api.LaneAct) (api.Done, error) {
	return c.act(ctx, path("lanes", "resume"), a)
}

// RetryLane tries the head of a parked lane again now.
func (c *Client) RetryLane(ctx context.Context, a api.LaneAct) (api.Done, error) {
	return c.act(ctx, path("lanes", "retry"), a)
}

// Destinations returns every destination and how it is.
func (c *Client) Destinations(ctx context.Context) ([]api.Destination, error) {
	out, err := get[api.List[api.Destination]](ctx, c, path("destinations"), nil)
	return out.Items, err
}

// PauseDestination stops every lane that leads there.
func (c *Client) PauseDestination(ctx context.Context, name, note string) (api.Done, error) {
	return c.act(ctx, path("destinations", name, "pause"), api.Note{Note: note})
}

// ResumeDestination lets it go on; it also closes an open breaker.
func (c *Client) ResumeDestination(ctx context.Context, name, note string) (api.Done, error) {
	return c.act(ctx, path("destinations", name, "resume"), api.Note{Note: note})
}
