package api

import "github.com/pergabridge/pergabridge/bridge"

// A ReasonInfo is what one reason means to people.
type ReasonInfo struct {
	Reason bridge.Reason
	Means  string
	// Again says whether it is tried again by itself.
	Again string
	Do    string // what a person can do
}

// Reasons says what every reason of the bridge means: what the console shows and docs/errors.md
// lists.
func Reasons() []ReasonInfo {
	return []ReasonInfo{
		{bridge.Delivered, "the other side took it", "–", "Nothing."},
		{bridge.Observed, "mode observe: it was prepared and shown, nothing was sent", "–", "Switch `mode` to deliver when it looks right."},
		{bridge.ByEvidence, "an echo, a look-up or an opposite event proved that it had arrived", "–", "Nothing."},
		{bridge.NotSent, "no connection: not one byte was sent", "yes", "Look whether the other side can be reached; it is retried by itself."},
		{bridge.NoAnswer, "it was sent, but no complete answer came back: it may or may not have happened", "after evidence", "Look whether it arrived. Settle it if it did, retry it if not."},
		{bridge.BadGateway, "something between us and the other side gave up: it may or may not have happened", "after evidence", "Look whether it arrived. Settle it if it did, retry it if not."},
		{bridge.LeaseExpired, "this process died or stalled between sending and recording: it may or may not have happened", "after evidence", "Look whether it arrived. Settle it if it did, retry it if not."},
		{bridge.Canceled, "stopped before anything was sent", "yes", "Nothing."},
		{bridge.Throttled, "the other side asks for fewer calls", "yes", "Lower `limits.rate` if it happens often."},
		{bridge.Unavailable, "the other side says that it is down", "yes", "Nothing; ask the other side if it lasts."},
		{bridge.ServerError, "the other side failed", "yes", "Look at the answer; ask the other side if it lasts."},
		{bridge.Unauthorized, "the other side does not accept our credentials", "yes", "Correct the credentials; what waits goes on by itself."},
		{bridge.RefusedAnswer, "the other side understood it and said no", "no", "Read the answer, correct the cause on either side, then retry; or settle or ignore it."},
		{bridge.Fault, "the other side answered with a SOAP fault", "no", "Read the fault, correct the cause in SSP, then retry; or settle or ignore it."},
		{bridge.BadAnswer, "the answer is not what the contract promises", "no", "Compare the answer with the mapping of the config, then retry."},
		{bridge.MappingFailed, "an expression of the config failed on this event", "no", "Correct the expression, run `pergabridge reload`, then retry."},
		{bridge.TooLarge, "an answer, an input or a field of it was larger than its bound", "no", "Read the detail. An answer: raise `max_answer`, or ask the other side why it answers so much. An input: ask its sender to send less, then apply it by hand."},
		{bridge.NoReference, "the provider's reference is needed and not known", "when the reference is known", "Link the bond if the reference never comes."},
		{bridge.LookupFailed, "the look-up that must come before a repeat gave no clear answer", "after evidence", "Look by hand whether it arrived, then settle or retry."},
		{bridge.RetryExhausted, "the retry period is over", "no", "Correct the cause, then retry."},
		{bridge.InternalError, "the bridge itself failed: this is a bug", "no", "Report the bug with the log, then retry."},
		{bridge.IsDuplicate, "the same event was accepted before", "–", "Nothing; retry releases it if it was another event after all."},
		{bridge.IsMerged, "it says nothing new", "–", "Nothing."},
		{bridge.IsEcho, "our own writing came back", "–", "Nothing; retry releases it if it was no echo."},
		{bridge.IsLate, "its bond was over", "–", "Nothing; retry releases it."},
		{bridge.IsSuperseded, "never sent: the task had moved to another provider", "–", "Nothing."},
		{bridge.Skipped, "the other side refused it, and the config says to go on without it", "no", "Retry it if it matters; `on_refused` decides."},
		{bridge.Bounced, "it was delivered by mail, and a report said later that the mail did not arrive", "no", "Read the report, correct the address, then retry it."},
		{bridge.Automatic, "no person wrote it: an absence note, a delivery report, a list, our own mail", "–", "Nothing; `automatic: read` takes notifications of a ticket system as if a person had written them."},
		{bridge.IgnoredByOperator, "a person ended it without effect", "no", "Resume the lane; retry takes it back."},
		{bridge.SettledByOperator, "a person declared it done", "–", "Nothing."},
		{bridge.DiscardedByPerson, "a person threw it out of quarantine", "–", "Nothing."},
		{bridge.Reread, "it was read again; see the events that came of it", "–", "See the events that came of it."},
		{bridge.UnknownReference, "it waits: no task is known for its reference", "when the bond appears", "Assign it if the bond never appears."},
		{bridge.UnknownTask, "it waits: its task was not submitted yet", "when the bond appears", "Assign it if the bond never appears."},
		{bridge.AwaitsReference, "it waits until the provider's reference is known", "when the reference is known", "Link the bond if the reference never comes."},
		{bridge.MaybeEcho, "it waits for a delivery in flight, whose echo it may be", "when the delivery has ended", "Nothing."},
		{bridge.ContentConflict, "the same sender's id came before with another content", "no", "Compare both; assign it if it is another event, else discard it."},
		{bridge.ReferenceConflict, "the reference belongs to another task", "no", "Decide which task the reference belongs to: move or unlink it."},
		{bridge.Unreadable, "the input is not what its content type says", "no", "Correct the sender, or the config, and read it again; else discard it."},
		{bridge.MissingField, "a field is missing without which nothing can be done", "no", "Correct the sender or the mapping and read it again; or assign it."},
		{bridge.Unreplaced, "a placeholder came that SSP did not replace", "no", "Correct the process in SSP; see docs/ssp-setup.md. Then read it again or discard it."},
		{bridge.UnknownType, "a request type that the config does not name", "no", "Name the request type under `intake`, then read it again."},
		{bridge.NoRule, "no rule of the provider fits", "no", "Add a rule, then read it again; or discard it."},
		{bridge.RuleFailed, "a rule's expression failed on this input", "no", "Correct the rule, then read it again."},
		{bridge.IgnoredByRule, "a rule of the provider says that nothing is to follow", "–", "Nothing."},
		{bridge.NotPublic, "the text is not meant for the user in SSP; it was not kept", "–", "Nothing."},
		{bridge.Paused, "a person paused it", "when somebody resumes it", "Resume it."},
		{bridge.BreakerOpen, "the destination failed too often in a row", "yes", "Nothing; one delivery at a time tries whether it is back."},
		{bridge.ContractChanged, "SSP's contract is not the one that was bound", "when the contract fits", "Run `pergabridge contract inspect` and compare."},
		{bridge.ContractUnreachable, "SSP's contract could not be fetched", "yes", "See why the WSDL cannot be fetched."},
		{bridge.StoreReset, "the ledger was wiped or restored while it was queued: it may have been delivered already", "when somebody decides", "Look whether it arrived. Settle it if it did, retry it if not."},
		{bridge.AwaitsResume, "the event before was ignored; it goes on when a person says so", "when somebody resumes it", "Resume the lane."},
	}
}
