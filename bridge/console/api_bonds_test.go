package console_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
)

func TestBondsAreListedShownLinkedMovedAndUnlinked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bonded("1", "INC-1")
	w.bonded("2", "INC-2")
	w.bonded("3", "INC-3")

	var tasks []string
	for b, err := range w.client.AllBonds(ctx, client.Bonds{Limit: 2}) {
		require.NoError(t, err)
		tasks = append(tasks, b.Task)
	}
	require.Equal(t, []string{"1", "2", "3"}, tasks)
	p, err := w.client.Bonds(ctx, client.Bonds{Provider: "acme", Reference: "inc-2", States: []bridge.BondState{bridge.BondOpen}})
	require.NoError(t, err)
	require.Len(t, p.Items, 1)
	require.Equal(t, "2", p.Items[0].Task)

	done, err := w.client.MoveBond(ctx, api.BondAct{Provider: "acme", Task: "2", Reference: "INC-1"})
	require.NoError(t, err)
	require.True(t, done.Changed)
	d, err := w.client.Bond(ctx, "acme", "2")
	require.NoError(t, err)
	require.Equal(t, "INC-1", d.Reference)
	require.NotEmpty(t, d.Events)
	require.Equal(t, "2", d.Events[0].Task)
	d, err = w.client.Bond(ctx, "acme", "1")
	require.NoError(t, err)
	require.Equal(t, bridge.BondPending, d.State)

	_, err = w.client.UnlinkBond(ctx, api.BondAct{Provider: "acme", Task: "3"})
	require.NoError(t, err)
	_, err = w.client.LinkBond(ctx, api.BondAct{Provider: "acme", Task: "1", Reference: "INC-3"})
	require.NoError(t, err)
	d, err = w.client.Bond(ctx, "acme", "1")
	require.NoError(t, err)
	require.Equal(t, "INC-3", d.Reference)

	// An odd task must come through the path whole.
	for _, task := range []string{"a/b", "..", "4711 & 4712?#%"} {
		_, err = w.client.LinkBond(ctx, api.BondAct{Provider: "acme", Task: task, Reference: "R" + task})
		require.NoError(t, err)
		d, err = w.client.Bond(ctx, "acme", task)
		require.NoError(t, err, task)
		require.Equal(t, task, d.Task)
	}

	require.Equal(t, api.NotPossible, refused(t, errOf(w.client.LinkBond(ctx, api.BondAct{Provider: "acme", Task: "9", Reference: "INC-3"}))).Code)
	require.Equal(t, api.NotPossible, refused(t, errOf(w.client.LinkBond(ctx, api.BondAct{Provider: "acne", Task: "9", Reference: "X"}))).Code)
	require.Equal(t, "reference", refused(t, errOf(w.client.LinkBond(ctx, api.BondAct{Provider: "acme", Task: "9"}))).Param)
	require.Equal(t, "reference", refused(t, errOf(w.client.UnlinkBond(ctx, api.BondAct{Provider: "acme", Task: "9", Reference: "X"}))).Param)
	require.Equal(t, "task", refused(t, errOf(w.client.MoveBond(ctx, api.BondAct{Provider: "acme", Reference: "X"}))).Param)
	require.Equal(t, "provider", refused(t, errOf(w.client.MoveBond(ctx, api.BondAct{Task: "1", Reference: "X"}))).Param)
	require.Equal(t, api.NotFound, refused(t, errOf(w.client.Bond(ctx, "acme", "none"))).Code)
}

func TestOtherBondsOfATaskAreShownWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bonded("1", "INC-1")
	moved := submit("1")
	moved.Provider = "beta"
	w.accept(moved)
	d, err := w.client.Bond(ctx, "beta", "1")
	require.NoError(t, err)
	require.Len(t, d.Others, 1)
	require.Equal(t, bridge.BondSuperseded, d.Others[0].State)
	require.Len(t, d.Lanes, 1)
}

func TestImportAnswersPerRowAndCanBeRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := api.Import{Note: "first day"}
	for i := range api.MaxImport + 5 { // more than one call
		in.Rows = append(in.Rows, api.ImportRow{Provider: "acme", Task: fmt.Sprint(i), Reference: fmt.Sprintf("INC-%d", i)})
	}
	in.Rows[1].State = bridge.BondResolved
	in.Rows[2].Reference = "INC-0" // taken
	in.Rows[3].Provider = "nobody"
	out, err := w.client.ImportBonds(ctx, in)
	require.NoError(t, err)
	require.Equal(t, []int{api.MaxImport + 3, 0, 2, api.MaxImport + 5}, []int{out.Made, out.Unchanged, out.Failed, len(out.Rows)})
	require.Equal(t, "2", out.Rows[2].Task)
	require.Contains(t, out.Rows[2].Problem.Detail, "belongs to task 0")
	require.Equal(t, api.NotPossible, out.Rows[3].Problem.Code)
	b, err := w.client.Bond(ctx, "acme", "1")
	require.NoError(t, err)
	require.Equal(t, bridge.BondResolved, b.State)

	in.Rows = in.Rows[:3]
	out, err = w.client.ImportBonds(ctx, in)
	require.NoError(t, err)
	require.Equal(t, []int{0, 2, 1}, []int{out.Made, out.Unchanged, out.Failed})

	require.NoError(t, w.store.Close())
	out, err = w.client.ImportBonds(ctx, in)
	require.NoError(t, err)
	require.Equal(t, 3, out.Failed)
	require.Equal(t, api.Unavailable, out.Rows[2].Problem.Code)
	require.Equal(t, "rows", refused(t, errOf(postImport(w, api.Import{}))).Param)
	require.Equal(t, "rows", refused(t, errOf(postImport(w, api.Import{Rows: make([]api.ImportRow, api.MaxImport+1)}))).Param)
}

// postImport sends an import as it is, which the client would divide or leave out.
func postImport(w *world, in api.Import) (struct{}, error) {
	body, err := json.Marshal(in)
	require.NoError(w.t, err)
	p := problem(w.t, w.request("POST", "/api/v1/bonds/import", string(body), signed))
	return struct{}{}, &p
}
