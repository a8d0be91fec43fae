package client

import (
	"context"
	"iter"
	"net/url"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// Bonds selects bonds; empty fields do not filter.
type Bonds struct {
	Provider  string
	Task      string
	Reference string
	States    []bridge.BondState
	After     string // Next of the page before
	Limit     int
}

// Bonds returns one page of bonds.
func (c *Client) Bonds(ctx context.Context, f Bonds) (api.List[api.Bond], error) {
	q := query{}
	q.text("provider", f.Provider)
	q.text("task", f.Task)
	q.text("reference", f.Reference)
	list(q, "state", f.States)
	q.text("after", f.After)
	q.number("limit", f.Limit)
	return get[api.List[api.Bond]](ctx, c, path("bonds"), url.Values(q))
}

// AllBonds goes through every page; Limit is the size of a page.
func (c *Client) AllBonds(ctx context.Context, f Bonds) iter.Seq2[api.Bond, error] {
	return all(f.After, func(after string) (api.List[api.Bond], error) {
		f.After = after
		return c.Bonds(ctx, f)
	})
}

// Bond returns one bond with its lanes and latest events.
func (c *Client) Bond(ctx context.Context, provider, task string) (api.BondDetail, error) {
	return get[api.BondDetail](ctx, c, path("bonds", provider, task), nil)
}

// LinkBond gives a task its reference; it makes the bond if there is none.
func (c *Client) LinkBond(ctx context.Context, a api.BondAct) (api.Done, error) {
	return c.act(ctx, path("bonds", "link"), a)
}

// UnlinkBond takes the reference away: the bond is pending again.
func (c *Client) UnlinkBond(ctx context.Context, a api.BondAct) (api.Done, error) {
	return c.act(ctx, path("bonds", "unlink"), a)
}

// MoveBond gives a reference, wherever it is now, to a task.
func (c *Client) MoveBond(ctx context.Context, a api.BondAct) (api.Done, error) {
	return c.act(ctx, path("bonds", "move"), a)
}

// ImportBonds makes bonds of tickets that were open in both systems before, in as many calls as it
// takes. With an error the answer holds the rows that were tried; the same list can be sent again.
func (c *Client) ImportBonds(ctx context.Context, in api.Import) (api.Imported, error) {
	var out api.Imported
	for rows := in.Rows; len(rows) > 0; {
		n := min(len(rows), api.MaxImport)
		part, err := post[api.Imported](ctx, c, path("bonds", "import"), api.Import{Rows: rows[:n], Note: in.Note})
		if err != nil {
			return out, err
		}
		out.Made += part.Made
		out.Unchanged += part.Unchanged
		out.Failed += part.Failed
		out.Rows = append(out.Rows, part.Rows...)
		rows = rows[n:]
	}
	return out, nil
}
