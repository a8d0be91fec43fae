// Package notify tells people outside that something needs them: a lane parked, a destination is
// down, SSP's contract changed, a check (a mailbox, for example) fails. It tells them once when the
// trouble begins, again at an interval while it lasts, and once when it is over.
//
// [Watcher] looks at the state of the bridge at a short interval and compares it with what it told
// before. It is a duty ([bridge.Source]): of all replicas one watches, and what is wrong and what was
// told is kept as the cursor of the duty, so that neither a restart nor another replica tells it twice.
// A message has an id that is the same at every try, whoever makes it, so that a receiver can tell a
// repeat. A ledger that was reset gives no duty: of that every replica tells for itself ([Watcher.Watch]).
//
// # How it fails
//
//	failure                        what happens
//	the message is not taken       told again with the same id, at growing intervals up to 5 minutes
//	the trouble ends meanwhile     one that was never told is forgotten; else its end is told
//	the store is gone              nothing is known; the engine starts the duty again
//
// A [Sender] makes one try: [NewWebhook] posts a signed Standard Webhook, [NewCommand] runs a program
// with the message on its standard input.
package notify
