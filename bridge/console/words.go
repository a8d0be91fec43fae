package console

import (
	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// why says a reason in words, for people who do not know the bridge by heart.
func why(r bridge.Reason) string { return inWords[r].Means }

var inWords = func() map[bridge.Reason]api.ReasonInfo {
	out := map[bridge.Reason]api.ReasonInfo{}
	for _, i := range api.Reasons() {
		out[i.Reason] = i
	}
	return out
}()
