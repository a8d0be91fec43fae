package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// Counts returns the state of everything in numbers.
func (c *Client) Counts(ctx context.Context) (api.Counts, error) {
	return get[api.Counts](ctx, c, path("counts"), nil)
}

// Replicas lists the processes that work on the store.
func (c *Client) Replicas(ctx context.Context) ([]api.Replica, error) {
	out, err := get[api.List[api.Replica]](ctx, c, path("replicas"), nil)
	return out.Items, err
}

// ResumeStore lets the bridge go on after its ledger was wiped or restored.
func (c *Client) ResumeStore(ctx context.Context, a api.StoreResume) (api.StoreResumed, error) {
	return post[api.StoreResumed](ctx, c, path("store", "resume"), a)
}

// Activity returns what people did, newest first; limit zero: the server's default.
func (c *Client) Activity(ctx context.Context, limit int) ([]api.Activity, error) {
	var q url.Values
	if limit != 0 {
		q = url.Values{"limit": {strconv.Itoa(limit)}}
	}
	out, err := get[api.List[api.Activity]](ctx, c, path("activity"), q)
	return out.Items, err
}

// Status says what is running.
func (c *Client) Status(ctx context.Context) (api.Status, error) {
	return get[api.Status](ctx, c, path("status"), nil)
}

// Reload makes the bridge read its config anew. The error is a [*api.Problem] that names everything
// that is wrong with it; the old config is in force then.
func (c *Client) Reload(ctx context.Context) (api.Reloaded, error) {
	return post[api.Reloaded](ctx, c, path("reload"), nil)
}

// Backup writes a copy of the database to w. After an error w holds nothing that can be used.
func (c *Client) Backup(ctx context.Context, w io.Writer) (int64, error) {
	res, err := c.send(ctx, http.MethodGet, path("backup"), nil, nil)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	n, err := io.Copy(w, res.Body)
	if err != nil {
		return n, fmt.Errorf("client: the backup broke off after %d bytes: %w", n, err)
	}
	return n, nil
}

// Map asks for a dry run of a mapping; nothing is stored and nothing is sent.
func (c *Client) Map(ctx context.Context, request any) (json.RawMessage, error) {
	return post[json.RawMessage](ctx, c, path("map"), request)
}
