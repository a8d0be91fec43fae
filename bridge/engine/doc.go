// Package engine moves events: one way in (Accept), one delivery loop, one policy for what follows
// from an outcome. It knows neither HTTP nor SSP nor any vendor, and keeps nothing that the store
// does not know too, so that a process may die at any moment.
//
// # Accept
//
// [Engine.Accept] completes what a source left open (id, time, the form in which references are
// compared), masks registered secrets in the raw input, and bounds every field. What is wrong with
// the content (no task, a kind that does not travel in its direction, a field beyond its bound) puts
// the event into quarantine, because refusing it would lose it or make a poll stop at it for ever;
// an event that no source may make (unknown provider or direction) is an error. Then
// [bridge.Store.Accept] decides, and the loop is woken.
//
// Back-pressure: settles go before accepts. The lag is the time since the oldest signal (a finished
// delivery, an accepted event) that no completed turn of the loop has served. While it is above
// [Options].LagLimit an accept waits, at most [Options].PaceLimit; it is never refused for that. A
// destination that is slow or down makes no lag, so it slows nobody; neither does a store that
// does not answer: then Accept fails by itself.
//
// # The loop
//
// One loop serves all destinations. A turn is one call of [bridge.Store.Settle]: it hands over the
// results that have come in, asks for as many leases as there are free slots at each destination,
// and starts one goroutine for each lease it gets. While a turn runs, results and signals gather,
// so that batches grow with the load. A turn starts when a delivery has finished, an event was
// accepted, the store signals [bridge.Store.Wake], a lane becomes due ([bridge.Settled].Next), and
// at the latest after a second. A destination has slots of its own: one that hangs fills its own
// and no others.
//
// A call of Settle that fails is repeated with back-off, with the same results. It may have leased
// lanes whose leases never arrived; its session is therefore retired: still renewed while its own
// deliveries run, then ended, so that the store sees those leases as unknown. After three
// failures results are offered one by one, so that one that the store cannot take does not hold
// up the others.
//
// # Sessions
//
// Leases and duties belong to a session with a random id, created and then renewed every
// [bridge.SessionRenewal]. A session that cannot be renewed is given up a margin before it expires:
// the contexts of its deliveries end, so that nothing of ours is on the wire when another replica
// may take over. A new session starts as soon as the store answers. A session without leases is ended
// when the engine stops, so that nobody need wait for it to expire.
//
// # One try
//
// A lease whose earlier try is unknown is not simply repeated (design: "unknown is not failure"):
//
//  1. Until [Unknown].Wait is over it waits for evidence, which the store applies by itself.
//  2. If the policy says so and the destination is a [bridge.Finder], it is looked up: there: done,
//     with reason evidence; not there: delivered; a look-up that fails is repeated later.
//  3. If nothing can tell, [Unknown].Then decides: deliver again, or park.
//
// A panic in a destination is recovered; its event parks with reason internal_error.
//
// # What follows from an outcome
//
//	outcome    then
//	done       done
//	retry      retry with back-off: exponential with full jitter, or the time the other side asked
//	           for, capped; parked with retry_exhausted once [bridge.Lease].Spent reaches the
//	           period, which counts only time in which the destination answered other events
//	refused    by kind: park, or skip; always park when our own mapping failed
//	unknown    by kind: wait for evidence and look up, then deliver again or park
//
// A fault of SSP that would be retried is a refusal once the bond is over: it comes from the task's
// state and will not go away, and the store ends a refused event of such a bond as late.
//
//	kind              refused   unknown: wait   look-up   then
//	submit            park      0               yes       park
//	acknowledge       park      0               no        retry
//	update            skip      60 s            yes       retry
//	resolve           park      60 s            yes       retry
//	reject_solution   park      60 s            yes       retry
//	close             park      0               yes       retry
//
// A look-up comes at the earliest [LookupDelay] after the try, so that the other side can finish
// what it may still be doing. A retry after an unknown try stays unknown (unless a look-up said that
// nothing is there): evidence of the first try still counts.
//
// # Duties
//
// Every source runs as a duty: one replica at a time, fenced by the store. Its context ends when
// the duty or the session is lost, or a person pauses it; an error is retried with back-off, and the duty is released
// meanwhile, so that a replica that can reach the mailbox may have it. The sweep is a duty too.
//
// # Failure classes
//
//	failure                               what happens
//	store does not take an accept         the error goes to the caller, who must not confirm
//	store does not take results           kept, offered again with back-off; nothing new is leased
//	session lost                          calls end before it expires; late results are fenced
//	destination down                      its lanes wait, breaker and rate are the store's
//	destination hangs                     its own slots only; ends at [Options].DeliverLimit
//	destination panics                    that event parks
//	source fails or panics                back-off, duty released
//	process killed                        leases expire with the session and are unknown
//
// # Drain
//
// When the context of [Engine.Run] ends, sources stop and release their duties, nothing new is
// leased, and deliveries may finish within [Options].DrainLimit; their results are settled. What
// still runs then is cancelled, and settled as what it says.
//
// # Retire
//
// An engine does not change. When the config changes, another is made on the same store, and the old
// one retires ([Engine.Retire]): for the store the two are two replicas, so that order, limits and
// fences hold between them, and nothing has to be handed over. Deliveries of the old one are not cut
// short; its session is renewed until they are settled.
package engine
