package client

import (
	"context"

	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// Erase removes the contents of the events in one piece of the ledger; see [api.Erase].
func (c *Client) Erase(ctx context.Context, q api.Erase) (api.Erased, error) {
	return post[api.Erased](ctx, c, path("erase"), q)
}
