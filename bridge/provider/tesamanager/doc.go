// Package tesamanager is the provider kind tesamanager: the wholesale-fibre requests of MasStack's
// Provision API, version 1.
//
// # Going out
//
// A submit becomes an activation or a termination, as the mapping under send says. The request is
// known to both sides by externalReference, which is made of the task (prefix, task, suffix). Before a
// request is written the vendor is asked for that reference, and after a lost answer it is asked again
// ([Destination.Find]); nothing is ever written twice blindly. The bond's reference is the vendor's
// own reference id. Later events take the operation that the mapping names; request numbers that the
// mapping leaves out are those of the request's newest consistent event.
//
// # Coming in
//
// The vendor calls nobody, and has no filter for what changed. The duty poll asks for the requests in
// every state that is not final, and for the final ones when one has left the others; then for the
// events and issues of each. Events come once each, in the order of their sequence numbers; one that
// is marked inconsistent, or missing, holds the later ones back for a bounded time. What was seen is
// in the duty's cursor, saved in the same step as the events. Requests that are not ours (their
// external reference has another form) are left alone. A watch tells of requests that stopped moving; another finds requests that
// came to an end between two rounds, by the filter for what did not change.
//
// # Failure classes
//
// Those of package outbound, with two differences: a 5xx answer to a write leaves it unknown (not 501, 503 and
// their like, which say that nothing was done), and 404 and 406 are refused with the request's present state in the detail. What is unknown is looked up where
// the vendor can be asked (a new request, a cancellation); else it waits for a person, because the vendor
// has no call that tells, and nothing is written a second time on a guess. unknown.KIND.then: retry changes that.
//
// # What is assumed
//
// Every path and method, the nested objects, the answers to writes and the fields of a request are not
// published; see docs/vendors.md. All of it is data in profile.yaml and can be changed in the config.
package tesamanager
