package console

import "github.com/pergabridge/pergabridge/bridge"

// why says a reason in words, for people who do not know the bridge by heart.
func why(r bridge.Reason) string { return inWords[r] }

var inWords = map[bridge.Reason]string{
	bridge.Delivered:      "the other side took it",
	bridge.Observed:       "mode observe: it was prepared and shown, nothing was sent",
	bridge.ByEvidence:     "an echo, a look-up or an opposite event proved that it had arrived",
	bridge.NotSent:        "no connection: not one byte was sent",
	bridge.NoAnswer:       "it was sent, but no complete answer came back: it may or may not have happened",
	bridge.BadGateway:     "something between us and the other side gave up: it may or may not have happened",
	bridge.LeaseExpired:   "this process died or stalled between sending and recording: it may or may not have happened",
	bridge.Canceled:       "stopped before anything was sent",
	bridge.Throttled:      "the other side asks for fewer calls",
	bridge.Unavailable:    "the other side says that it is down",
	bridge.ServerError:    "the other side failed",
	bridge.Unauthorized:   "the other side does not accept our credentials",
	bridge.RefusedAnswer:  "the other side understood it and said no",
	bridge.Fault:          "the other side answered with a SOAP fault",
	bridge.BadAnswer:      "the answer is not what the contract promises",
	bridge.MappingFailed:  "an expression of the config failed on this event",
	bridge.TooLarge:       "the answer was larger than its bound",
	bridge.NoReference:    "the provider's reference is needed and not known",
	bridge.LookupFailed:   "the look-up that must come before a repeat gave no clear answer",
	bridge.RetryExhausted: "the retry period is over",
	bridge.InternalError:  "the bridge itself failed: this is a bug",

	bridge.IsDuplicate:       "the same event was accepted before",
	bridge.IsMerged:          "it says nothing new",
	bridge.IsEcho:            "our own writing came back",
	bridge.IsLate:            "its bond was over",
	bridge.IsSuperseded:      "never sent: the task had moved to another provider",
	bridge.Skipped:           "the other side refused it, and the config says to go on without it",
	bridge.IgnoredByOperator: "a person ended it without effect",
	bridge.SettledByOperator: "a person declared it done",
	bridge.DiscardedByPerson: "a person threw it out of quarantine",
	bridge.Reread:            "it was read again; see the events that came of it",
	bridge.UnknownReference:  "it waits: no task is known for its reference",
	bridge.UnknownTask:       "it waits: its task was not submitted yet",
	bridge.AwaitsReference:   "it waits until the provider's reference is known",
	bridge.MaybeEcho:         "it waits for a delivery in flight, whose echo it may be",
	bridge.ContentConflict:   "the same sender's id came before with another content",
	bridge.ReferenceConflict: "the reference belongs to another task",

	bridge.Unreadable:          "the input is not what its content type says",
	bridge.MissingField:        "a field is missing without which nothing can be done",
	bridge.Unreplaced:          "a placeholder came that SSP did not replace",
	bridge.UnknownType:         "a request type that the config does not name",
	bridge.NoRule:              "no rule of the provider fits",
	bridge.RuleFailed:          "a rule's expression failed on this input",
	bridge.Paused:              "a person paused it",
	bridge.BreakerOpen:         "the destination failed too often in a row",
	bridge.ContractChanged:     "SSP's contract is not the one that was bound",
	bridge.ContractUnreachable: "SSP's contract could not be fetched",
	bridge.AwaitsResume:        "the event before was ignored; it goes on when a person says so",
}
