// Package files passes on what came with an input: attachments of mails, documents in process calls.
//
// # Where they are
//
// The bytes of a file are kept once, inside the raw input of its event ([bridge.Event].Inbound). A
// file therefore lives exactly as long as that input: retention and erasing need to know nothing of
// it. [Opener] takes them out again and compares each with the hash that was noted when the input
// was read; what differs (a secret was masked in it, say) is named and not passed on.
//
// # Links
//
// SSP takes no files. Where the config switches it on, its text names each file with a link to the
// public listener ([Links]). A link is one opaque token: event, number, end, and an HMAC over them;
// nothing is listed, and nothing is looked up before the HMAC was compared, in constant time. It is
// made of what does not change between two tries (the event, and when it was received), so that a
// repeated call says the same. Only events that were delivered, or may have been, have links: what
// is in quarantine, was ignored or discarded has none, not even with a good token.
//
// # Downloads
//
// [Serve] gives a browser no chance to do anything with a file but save it.
package files
