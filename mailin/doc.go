// Package mailin reads mailboxes and turns mail into events.
//
// # Which task
//
// In this order; the first that tells decides:
//
//	message id   In-Reply-To, then all References, hold a Message-ID of ours (signed: see mailmark)
//	token        the address it was sent to, then the subject, hold our signed token
//	tag          [[Task]] or [[Reference]] in the new text; [[Task]] also in quoted text
//	pattern      the provider's reference pattern in the subject, then the new text
//
// The last two count only in mail of the provider's senders, whose address, if the config wants it,
// a named mail server has checked (Authentication-Results). Subjects are never compared. A mail that
// names several tasks goes to a person.
//
// # What it is
//
// The first rule whose condition is true, else the status tag, else a solution tag (resolve) or a
// message tag (update), else a reference without a text (acknowledge), else untagged (update).
//
// # What nobody wrote
//
// Mail of our own, delivery reports and absence notes never become texts (RFC 3834, and what
// programs do beyond it). A reference is taken even from a machine's mail, because that is how ticket
// systems acknowledge; SSP answers an acknowledgement with nothing. A delivery report about a mail
// of ours ends its event as bounced: it is done in the books and is not at the provider.
//
// Another bridge's mail is known by its header, or by the form of its Message-ID or reply address: gateways
// drop the one and leave the others. It is never a text, whatever the config says, so two bridges cannot
// answer each other. A brake bounds the mails of one thread, for programs that look like people. It counts
// by when they came into the folder, whenever they are read, and not again what is read again.
//
// # The poller
//
// One connection per folder. Progress is ours: the duty's cursor holds UIDVALIDITY and the highest
// UID that was accepted, saved in the same commit as the events; flags of the mailbox mean nothing. A
// mail is read by PEEK, accepted with its raw bytes, and then moved, marked or left; whether that
// succeeds changes nothing. When UIDVALIDITY changes, mail newer than the start and than the last
// mail less a day is read again; its Message-ID, or hash, makes what was seen a duplicate.
//
// IDLE brings news at once. It is not relied on: the folder is asked at every half poll interval,
// each command has its time, and a connection that does not answer is replaced at once. Failures are
// repeated with back-off; a server's own wish to be left alone is followed.
package mailin
