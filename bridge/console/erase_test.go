package console_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

func (w *world) erase(t *testing.T, body string) api.Erased {
	t.Helper()
	rec := w.request("POST", "/api/v1/erase", body, signed)
	require.Equal(t, 200, rec.Code, rec.Body)
	var e api.Erased
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &e))
	return e
}

func TestErase(t *testing.T) {
	t.Parallel()
	late := func(task, text, raw string) bridge.Event { // ends at once: its bond is closed
		return bridge.Event{Provider: "acme", Dir: bridge.In, Kind: bridge.Update, Task: task, Text: text, Entrance: bridge.ByWebhook,
			Ignore: bridge.IgnoredByRule, Inbound: inbound(raw, "application/x-www-form-urlencoded")}
	}
	w := newWorld(t, withPeople)
	ids := w.accept(
		late("1", "please call Ann@Example.com", "text=1"),
		late("2", "nothing of hers", "from=ann%40example.com&x=1"),
		late("3", "nothing of hers", "from=joann%40example.org"),
		late("4", "hers", "x=4"),
	)
	open := w.park("4")

	dry := w.erase(t, `{"address":"ann@example.com","note":"asked by mail","dry_run":true}`)
	require.Equal(t, []string{ids[0], ids[1]}, dry.Erased)
	e, _, err := w.store.Event(ctx, ids[1])
	require.NoError(t, err)
	require.NotNil(t, e.Inbound, "a dry run erases nothing")

	require.Equal(t, dry, w.erase(t, `{"address":"ann@example.com","note":"asked by mail"}`))
	for _, id := range ids[:2] {
		e, _, err := w.store.Event(ctx, id)
		require.NoError(t, err)
		require.Equal(t, bridge.ErasedDetail, e.Detail)
		require.Empty(t, e.Text)
		require.Nil(t, e.Inbound)
	}
	acts, err := w.store.Activities(ctx, 10)
	require.NoError(t, err)
	require.Len(t, acts, 2)
	require.Equal(t, "asked by mail", acts[0].Note)
	require.Empty(t, w.erase(t, `{"address":"ann@example.com","note":"again"}`).Erased, "they say nothing any more")

	task := w.erase(t, `{"task":"4","note":"n"}`)
	require.Equal(t, []string{ids[3]}, task.Erased)
	require.Equal(t, []api.Kept{{Event: open, Provider: "acme", Task: "4", State: bridge.StateParked}}, task.Kept)
	e, _, err = w.store.Event(ctx, ids[2])
	require.NoError(t, err)
	require.Equal(t, "nothing of hers", e.Text)
}

func TestEraseGoesThroughTheWholeLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPeople)
	var all []bridge.Event
	for i := range 210 { // more than one piece
		all = append(all, bridge.Event{Provider: "acme", Dir: bridge.In, Kind: bridge.Update, Task: "1", Text: fmt.Sprint(i, " a@b.c"), Entrance: bridge.ByWebhook,
			Ignore: bridge.IgnoredByRule})
	}
	ids := w.accept(all...)
	var erased []string
	after := ""
	for pieces := 0; ; pieces++ {
		require.Less(t, pieces, 10)
		e := w.erase(t, fmt.Sprintf(`{"address":"a@b.c","note":"n","after":%q}`, after))
		erased = append(erased, e.Erased...)
		if after = e.Next; after == "" {
			break
		}
	}
	require.Equal(t, ids, erased)
}

func TestEraseIsAskedForWithCare(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPeople)
	for body, field := range map[string]string{
		`{"note":"n"}`: "task", `{"task":"1","address":"a@b.c","note":"n"}`: "task", `{"task":"1"}`: "note", `{"task":"1","note":" "}`: "note",
		`{"address":"@example.com","note":"n"}`: "address", `{"address":"ann","note":"n"}`: "address", `{"task":"1","note":"n","after":"x"}`: "after",
	} {
		rec := w.request("POST", "/api/v1/erase", body, signed)
		require.Equal(t, 400, rec.Code, body)
		require.Contains(t, problem(t, rec).Detail, field+":", body)
	}
	for _, d := range readOpenAPI(t, w).paths {
		if d.id == "erase" {
			require.Equal(t, "admin", d.op["x-role"])
		}
	}
}
