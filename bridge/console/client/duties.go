package client

import (
	"context"

	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// Duties returns the work that exactly one replica does at a time: mailboxes, polls, the sweep.
func (c *Client) Duties(ctx context.Context) ([]api.Duty, error) {
	out, err := get[api.List[api.Duty]](ctx, c, path("duties"), nil)
	return out.Items, err
}

// PauseDuty takes a duty from whoever has it, until it is resumed.
func (c *Client) PauseDuty(ctx context.Context, a api.DutyAct) (api.Done, error) {
	return c.act(ctx, path("duties", "pause"), a)
}

// ResumeDuty lets a paused duty go on from where it was.
func (c *Client) ResumeDuty(ctx context.Context, a api.DutyAct) (api.Done, error) {
	return c.act(ctx, path("duties", "resume"), a)
}
