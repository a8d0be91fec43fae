package tesseron_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/tesseron/tesserontest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
)

// closedAtOnce ends every ticket as soon as it is written, so that no search for open ones finds it.
type closedAtOnce struct {
	bridge.Destination
	v *tesserontest.Vendor
}

func (d closedAtOnce) Deliver(ctx context.Context, l bridge.Lease) bridge.Outcome {
	o := d.Destination.Deliver(ctx, l)
	if o.Reference != "" {
		d.v.SetStatus(o.Reference, "Closed")
	}
	return o
}

// A ticket of ours that another replica wrote and that ended before any round saw it is known by its bond
// only. It is ours all the same, and its end is told.
func TestOurTicketThatEndedAtOnceIsToldThroughItsBond(t *testing.T) {
	v, book := vendor(t, "2024-05"), &provider.Book{}
	src := v.Config(quick + fixed + strings.ReplaceAll(statuses, "Closed: {kind: ignore}", `Closed: {kind: resolve, text: "Closed in Tesseron."}`))
	require.Contains(t, src, "Closed in Tesseron.")
	other := flowtest.Build(t, "desk", "tesseron", src, provider.Deps{})
	f := flowtest.Play(t, "desk", "tesseron", src, provider.Deps{Bonded: book.Of("desk")}, flowtest.Options{Book: book,
		Wrap: func(bridge.Destination) bridge.Destination { return closedAtOnce{other.Destination, v} }})
	require.Eventually(t, func() bool { return len(v.Server.Calls()) > 2 }, flowtest.Wait, 5*time.Millisecond) // the first round is over
	ref := f.Submit("1")
	l := f.Next()
	require.Equal(t, bridge.Resolve, l.Event.Kind)
	require.Equal(t, ref, l.Bond.Reference)
	require.Contains(t, l.Event.Text, "Closed in Tesseron.")
}

// A ticket whose task is over and that the search finds no more is not asked about for ever, whatever its last state
// means to SSP: calls are few.
func TestATicketOfAnEndedTaskIsNotAskedAbout(t *testing.T) {
	v, book := vendor(t, "2024-05"), &provider.Book{}
	f := flowtest.Play(t, "desk", "tesseron", v.Config(quick+fixed+statuses), provider.Deps{Bonded: book.Of("desk")}, flowtest.Options{Book: book})
	ref := f.Submit("1")
	about := func() int {
		n := 0
		for _, c := range v.Server.Calls() {
			if strings.Contains(string(c.Body), `"`+ref+`"`) {
				n++
			}
		}
		return n
	}
	v.SetStatus(ref, "Closed") // not among the hits any more, and it resolves nothing
	asked := about()
	require.Eventually(t, func() bool { return about() > asked+2 }, flowtest.Wait, 5*time.Millisecond, "as long as the task is open")
	f.Settled(f.Out(bridge.Close, "1", "").Event, bridge.StateDone)
	rounds(t, v, 3) // one may be under way
	asked = about()
	rounds(t, v, 4)
	require.Equal(t, asked, about())
}
