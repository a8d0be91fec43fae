package bridge

// Reason says in one word why an event, an attempt or a lane is as it is. It is the metric label,
// the word in the console and API, and the heading in the runbook.
type Reason string

// Reasons of attempts: how a delivery went.
const (
	Delivered      Reason = "delivered"       // the other side said yes
	Observed       Reason = "observed"        // mode: observe; nothing was sent
	ByEvidence     Reason = "evidence"        // an echo, a look-up or an opposite event proved it
	NotSent        Reason = "not_sent"        // no byte left: name, connection or TLS failed
	NoAnswer       Reason = "no_answer"       // bytes left, no complete answer came back
	BadGateway     Reason = "bad_gateway"     // 502 or 504: something between us and it gave up
	LeaseExpired   Reason = "lease_expired"   // the replica died or stalled between sending and recording
	Canceled       Reason = "canceled"        // we stopped before a byte left
	Throttled      Reason = "throttled"       // 429 or the sender's own throttle answer
	Unavailable    Reason = "unavailable"     // 503: the destination says it is down
	ServerError    Reason = "server_error"    // another 5xx, or a status configured as retry
	Unauthorized   Reason = "unauthorized"    // 401, 403, a login page
	RefusedAnswer  Reason = "refused"         // the other side understood and said no
	Fault          Reason = "fault"           // a SOAP fault
	BadAnswer      Reason = "bad_answer"      // an answer that is not what the contract promises
	MappingFailed  Reason = "mapping_failed"  // our own expression or template failed on this event
	TooLarge       Reason = "too_large"       // an answer, an input or a field of it exceeded its bound
	NoReference    Reason = "no_reference"    // a reference is needed and not known
	LookupFailed   Reason = "lookup_failed"   // the look-up before a repeat gave no clear answer
	RetryExhausted Reason = "retry_exhausted" // the retry period is over
	InternalError  Reason = "internal_error"  // our own code failed while delivering; a bug
)

// Reasons of events that end without a delivery, or wait.
const (
	IsDuplicate       Reason = "duplicate"          // the same event was accepted before
	IsMerged          Reason = "merged"             // says nothing new in the bond's state
	IsEcho            Reason = "echo"               // our own writing come back
	IsLate            Reason = "late"               // its bond was over
	IsSuperseded      Reason = "superseded"         // never sent; the task had moved to another provider
	Skipped           Reason = "skipped"            // refused, and configured to be skipped
	Bounced           Reason = "bounced"            // delivered, as it seemed; a report said later that the mail did not arrive
	Automatic         Reason = "automatic"          // no person wrote it: an absence note, a delivery report, a list, our own mail
	IgnoredByOperator Reason = "ignored"            // a person ended it without effect
	SettledByOperator Reason = "settled"            // a person declared it done
	DiscardedByPerson Reason = "discarded"          // a person threw it out of quarantine
	Reread            Reason = "reread"             // quarantined input that was read again; see the new events
	UnknownReference  Reason = "unknown_reference"  // waits for a bond with this reference
	UnknownTask       Reason = "unknown_task"       // waits for a submit of this task
	AwaitsReference   Reason = "awaits_reference"   // its bond is pending
	MaybeEcho         Reason = "maybe_echo"         // waits for the attempt in flight to tell its comment id
	ContentConflict   Reason = "conflict"           // same key, another content
	ReferenceConflict Reason = "reference_conflict" // the reference belongs to another task
)

// Reasons of quarantine at the entrance, and of stopped lanes and destinations.
const (
	Unreadable          Reason = "unreadable"           // the body is not what its content type says
	MissingField        Reason = "missing_field"        // a field without which nothing can be done
	Unreplaced          Reason = "unreplaced"           // a #REPLACE-…# placeholder came unreplaced
	UnknownType         Reason = "unknown_type"         // a request type nobody configured
	NoRule              Reason = "no_rule"              // no rule of the provider fits
	RuleFailed          Reason = "rule_failed"          // a rule's expression failed on this input
	IgnoredByRule       Reason = "ignored_by_rule"      // a rule of the provider says that nothing is to follow
	NotPublic           Reason = "not_public"           // the text is not meant for the user in SSP; it was not kept
	Paused              Reason = "paused"               // an operator paused it
	BreakerOpen         Reason = "breaker_open"         // the destination failed too often in a row
	ContractChanged     Reason = "contract_changed"     // the WSDL is not the one that was bound
	ContractUnreachable Reason = "contract_unreachable" // the WSDL could not be fetched
	StoreReset          Reason = "store_reset"          // the ledger was wiped or restored; a person decides
	AwaitsResume        Reason = "awaits_resume"        // head was ignored; `lanes resume` goes on
)

// Reasons lists every reason, for metrics that start at zero and for documentation.
func Reasons() []Reason {
	return []Reason{
		Delivered, Observed, ByEvidence, NotSent, NoAnswer, BadGateway, LeaseExpired, Canceled, Throttled, Unavailable,
		ServerError, Unauthorized, RefusedAnswer, Fault, BadAnswer, MappingFailed, TooLarge, NoReference, LookupFailed,
		RetryExhausted, InternalError, IsDuplicate, IsMerged, IsEcho, IsLate, IsSuperseded, Skipped, Bounced, Automatic, IgnoredByOperator,
		SettledByOperator, DiscardedByPerson, Reread, UnknownReference, UnknownTask, AwaitsReference, MaybeEcho,
		ContentConflict, ReferenceConflict, Unreadable, MissingField, Unreplaced, UnknownType, NoRule, RuleFailed,
		IgnoredByRule, NotPublic,
		Paused, BreakerOpen, ContractChanged, ContractUnreachable, StoreReset, AwaitsResume,
	}
}
