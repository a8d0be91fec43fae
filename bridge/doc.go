// Package bridge holds the words and interfaces of Pergabridge, and the rules every store keeps.
//
// An SSP task of an integrated group lives in two systems. What happens in one is an [Event]; the
// link of both tickets is a [Bond]; the events of one direction of one task at one provider form a
// lane, applied strictly in order. A source makes events and calls [Acceptor.Accept]; the engine
// leases lane heads, hands them to a [Destination] and settles the [Outcome]. This package imports
// no other room.
//
// # Accept
//
// [Store.Accept] takes each event through these steps in one atomic step. The first that ends the
// event wins.
//
//  1. Quarantine. An event with Quarantine set is stored quarantined (receipt [Quarantined]). Its
//     claim is its Key, else for its Window its content hash, so that a repeat is a [Duplicate] of
//     the first. Discarding it gives the claim up.
//     An event with Ignore set is recorded as ended (receipt [Ignored]), claimed in the same way. If
//     it has Bounced set as well, the event of that id and this provider was delivered in vain: if it is
//     done, it ends as bounced (without effect, see "Bond states"), First naming the report, which gets
//     its task and names it; if it is not settled yet, and the report is no evidence, the report is
//     quarantined as refused instead, First of the event naming it; it is taken up if the event settles as
//     done and a try was in flight. A report that tells by BouncedAt that it is about no later mail than the
//     report that First names does nothing: the event was sent again since. An open whose ticket SSP has
//     stays done: it did arrive.
//  2. Claim by Key, scoped by provider and direction. Known with the same [Event.ContentHash]:
//     Duplicate; the first record's Repeat is counted up, nothing else is stored. Known with
//     another content: stored quarantined with reason conflict (receipt [Conflict]); a repeat of
//     that same other content is a Duplicate of the conflict's record.
//  3. Resolve. The bond is that of Task, else that of the task to which RefKey belongs at this
//     provider. An In event whose Task and RefKey lead to different tasks, or whose RefKey
//     differs from the reference of its bond, is quarantined as reference_conflict. (RefKey may
//     be any reference the bond ever had.) An Out event other than submit without a bond, whose
//     RefKey belongs to another task, likewise.
//  4. Echo. By direction or author: the event ends as echo. By comment: it ends as echo if that
//     comment id was given to us by an attempt of the opposite lane; if not, and the head of the
//     opposite lane is leased or of unknown outcome and carries a text, the event waits as
//     maybe_echo; so does every update and resolve that step 6 would append after it. (An event
//     that makes the bond, see below, does that first.) By text: it ends as echo if an unused
//     record of a write with the same [TextHash] exists in the opposite lane (24 h); the record is
//     used up. An echo is a receipt: see "Evidence".
//  5. Merge. An event without Key, other than submit and close, is claimed by its
//     [Event.MergeHash] plus the bond's Resolves. Known and within Window of the first acceptance:
//     it is stored as ended, reason duplicate, First naming the first (receipt Duplicate), and can
//     be released. An event that ends by step 6 claims nothing. Submit and close are merged by the
//     state of their bond alone: after a reopening the same words are a new event.
//  6. Meaning. The tables below; the event is appended to its lane, waits, or ends.
//
// Submit (Out):
//
//	no bond, no RefKey                    bond pending; append, mode new
//	no bond, RefKey unknown here          bond open with it ("adopts"); append, mode continue
//	no bond, RefKey is the reference of   the task has moved: RefKey is dropped; bond pending;
//	  this task's bond elsewhere            append, mode new
//	RefKey belongs to another task here   bond pending if there is none; append; the lane parks
//	                                        as reference_conflict when the submit is its head
//	bond pending, RefKey new              bond open with it; an unsettled submit is evidenced;
//	                                        append, mode continue
//	bond pending, its submit ended        append, mode new
//	  without effect, or was observed
//	bond pending, otherwise               merged into Bond.Submit (ended, duplicate)
//	bond open, RefKey is the bond's       append, mode continue
//	bond open, RefKey new                 the bond takes it; append, mode continue
//	bond open, otherwise                  merged into Bond.Submit (ended, duplicate)
//	bond resolved, closed, superseded     bond open, mode reopen (pending, mode new, if it never
//	                                        had a reference); append
//
// RefKey "new" means: not empty, not the bond's, nobody else's here, and not the reference of this
// task's bond at another provider. A submit that is appended makes this task's pending, open and
// resolved bonds at other providers superseded. Merging by state holds with and without a Key.
// A continuing submit without a Key is also merged by step 5.
//
// Other Out kinds:
//
//	no bond, no RefKey                    waits as unknown_task
//	no bond, RefKey unknown here          bond open with it; then as below
//	bond has no reference, RefKey new     the bond takes it; an unsettled submit is evidenced;
//	                                        then as below
//	update                                append
//	reject_solution                       bond resolved, closed or superseded: open (pending
//	                                        without a reference); evidence for an unsettled
//	                                        resolve; append, mode reopen
//	close                                 bond closed already: ended as merged; else closed, append
//
// In kinds:
//
//	no bond                               waits: unknown_reference, or unknown_task without one
//	bond closed or superseded             ended as late
//	bond pending, event names Task and    the bond is made with it; an unsettled submit is
//	  a RefKey nobody has                   evidenced; then as below
//	bond has no reference, otherwise      waits as awaits_reference
//	acknowledge, already Acknowledged     ended as merged
//	acknowledge                           append; Acknowledged
//	update                                append
//	resolve on resolved                   ended as merged
//	resolve                               bond resolved, Resolves+1; append
//
// Open (In): the provider opened a ticket by itself.
//
//	names a Task, or its RefKey is known  it is what [Event.Known] says: see "In kinds"
//	an open of this RefKey is in its      likewise, if it has an Else (it waits as unknown_reference);
//	  lane or was delivered                 otherwise ended as duplicate, First naming that open
//	an event accepted before it may have  waits as unknown_reference: this may be that ticket; decided
//	  made a ticket at this provider        again by the bond, or by [Store.Sweep] once there is no
//	                                        such event; quarantined after [OpenHold]
//	otherwise                             Task becomes [OpenTask] of the RefKey; append
//
// What may have made a ticket whose reference we were not told yet: a submit of mode new or reopen, or a
// reject_solution, that is queued, leased, or parked with the outcome of a try unknown (a parked one that
// was refused at every try made none); and a submit of mode new that was delivered less than [OpenWait]
// ago without a reference, while its bond is pending. A person who knows better lets an open that waits or is
// quarantined go with event_retry, or assigns it.
//
// An open is claimed by its RefKey for as long as claims live, unless it ended without a delivery or was
// observed only. Its lane
// has no bond: it is leased with a [Bond] that holds nothing but provider, task and reference, and
// what becomes of it is recorded there, as of any other event. The step that makes a bond with its
// reference (SSP's first process call) settles every event of that lane that is not settled yet as done,
// tried or not (reason evidence), and gives the opens of the reference, those that ended as well, the task.
// One that ended is brought back by event_retry as a new ticket, or as what [Event.Known] says if its
// RefKey is known by then.
//
// # Making a bond
//
// A bond gets its reference by settling a submit, by an event, or by a person. In that same step:
// the reference is recorded for the task (if another task has it: reference_conflict, the submit
// parks); a pending bond becomes open; unless SSP told the reference itself, an acknowledge is
// appended to the inbound lane if the bond is not over and none is there yet (with the Trace of the
// event that brought the reference, else of the submit that was settled); then every event
// waiting or quarantined for this task or reference (reasons unknown_task, unknown_reference,
// awaits_reference) goes through "Meaning" in order of Seq; held lanes become ready. A bond made
// pending releases the Out events that waited for its task.
// A reference once recorded keeps leading to its task when the bond takes a newer one.
//
// # Lanes and leases
//
// A lane's head is its first unsettled event. [Store.Settle] leases heads of lanes that are ready
// and due, oldest due first, within [Want].N and [Limit]. Before a head is leased: an In head whose
// bond is superseded ends as late; an Out head never tried whose bond is superseded ends as
// superseded; an Out head other than submit whose bond has no reference is held (unless the want
// says WithoutReference); a submit in reference_conflict parks. A lease writes the intent, and the
// text hash for echoes, before it is returned.
//
//	lane     from               by
//	ready    idle, leased       an event was appended, or settled with more behind it, or Then retry/wait
//	leased   ready              lease
//	held     ready              head needs a reference; ready again when the bond is made
//	parked   leased, ready      Then park; reference_conflict; ready again by event_retry, lane_retry,
//	                            event_settle, or a bond verb that resolves the conflict
//	parked   parked             event_ignore: reason awaits_resume; ready again by lane_resume
//	paused   any but leased     lane_pause (a leased lane pauses when it settles); lane_resume
//
// # Settle
//
// A result whose token is not the lane's current one is fenced: only its attempt is recorded. But a late Done of
// the last try, which was given up with its session, counts as long as nobody tries again.
// Otherwise, in this order: evidence seen during the attempt turns retry and wait into done (unless not
// a byte left in any try), and park or skip if the outcome of any try is unknown, or of an open whose bond
// was made; a refused outcome whose bond is over ends the event as late; else
// [Result].Then is carried out. Done applies Reference (see "Making a bond"; a continuing, reopening
// or declining event may replace the reference), Comment, and Follow (each through steps 2 to 6).
// Outcomes that surely wrote nothing forget their text hash. Events waiting as maybe_echo in the
// opposite lane are decided again. A submit that is done without a reference leaves its bond
// pending: the bond is made later by an inbound event or a person.
//
// # Evidence
//
// Evidence settles an event as done (reason evidence) if the outcome of any of its tries is unknown
// (a later try that surely wrote nothing does not take that back); if a try is in flight, it is
// remembered and used when that try settles. An event that was surely not applied is not settled by
// evidence, except a submit by a reference.
//
//	an echo                       the head of the opposite lane, if kind and text are the same and the
//	                              reference is not another; one without text proves no update that has
//	                              one, because it may be that of an earlier update; one without kind and
//	                              text proves an acknowledge only, which has no request type in SSP
//	reject_solution accepted      the resolve at the head of the inbound lane
//	an event that makes the bond  the unsettled submit, and open, tried or not
//	a report that mail of it      the head of its lane: the mail was taken; it ends as bounced
//	  did not arrive
//
// # De-duplication
//
// With a Key see step 2; without one submit and close are merged by the state of their bond, others
// by step 5.
// Merged calls have records of their own and can be released by event_retry.
//
// # Duties
//
// A duty belongs to one live session at a time. duty_pause takes it from whoever has it, which
// fences it, and gives it to nobody until duty_resume; its cursor stays.
//
// # Event states
//
//	state        moved by
//	queued       appended to a lane; or its try ended with retry or wait
//	leased       it is the head and a replica delivers it
//	parked       it is the head of a parked lane
//	waiting      unknown_reference, unknown_task, awaits_reference, maybe_echo
//	quarantined  the source could not read it; conflict; reference_conflict; an open that waited longer
//	             than [OpenHold]; another event that waited longer than [SweepOptions].WaitingLimit while no submit of its provider was unsettled and no open
//	             of its reference unsettled, or delivered less than [OpenWait] ago
//	done         delivered, observed, evidence, settled by a person
//	ended        duplicate, merged, echo, late, superseded, skipped, ignored, discarded, reread,
//	             ignored_by_rule, not_public, automatic, bounced
//
// # Bond states
//
//	state        moved by
//	pending      submit without a known reference; bond_unlink
//	open         the reference became known; reject_solution or submit on a bond that was over
//	resolved     resolve accepted
//	closed       close accepted
//	superseded   the task was submitted to another provider
//
// What ends without effect (ignored, skipped, bounced) takes back what it did: after a resolve the bond is
// open again, unless another is on its way; after a submit the bond is pending without one, and the
// next submit is new; after a submit that reopened, the bond is closed again. event_retry gives it back: a
// submit is the one that others merge into, and reopens a bond that is resolved or over; a resolve resolves
// an open one. Of a bond that is superseded nothing but its submit can be retried.
//
// # Breaker, rate and retry period
//
// [Limit] is kept per destination over all replicas. Outcomes with Down count as failures in a row,
// every other outcome with [Outcome.Contact] resets them; at Limit.Break failures the breaker opens for BreakFor, doubling
// at each failed probe up to 16 times that, then one lease at a time probes. [Lease].Spent grows only by
// the time between answers of the destination that were not Down and settled other events (gaps
// counted up to ten minutes each), so a destination that is down makes lanes wait, not park.
package bridge
