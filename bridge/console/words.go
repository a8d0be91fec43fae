package console

import (
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// why says a reason in words, for people who do not know the bridge by heart.
func why(r bridge.Reason) string { return inWords[r].Means }

// todo says what a person can do about a reason, "" where that is nothing.
func todo(r bridge.Reason) string {
	do := inWords[r].Do
	if do == "Nothing." {
		return ""
	}
	return strings.ReplaceAll(do, "`", "") // which marks code in docs/errors.md
}

var inWords = func() map[bridge.Reason]api.ReasonInfo {
	out := map[bridge.Reason]api.ReasonInfo{}
	for _, i := range api.Reasons() {
		out[i.Reason] = i
	}
	return out
}()
