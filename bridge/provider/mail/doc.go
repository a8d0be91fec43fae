// Package mailprovider is the provider kind mail: a provider who has only a mailbox.
//
// Every event becomes one mail, tagged for programs and worded for people:
//
//	intro      what has happened, in words
//	tags       [[Task]], [[Ticket]], [[Reference]], [[Status]], [[Author]], … and those of section tags
//	message    [[Message]] with the user's text, what looks like a tag in it escaped
//	outro      how to answer
//
// Its Message-ID is made of the event and signed, so an answer finds its task whatever becomes of the
// text; the same is in the reply address (support+pbTOKEN@…) and, if wanted, in the subject. It is marked
// as written by a machine (Auto-Submitted), which keeps absence notes away.
//
// A submit is done when the provider's mail server has taken the mail; the bond stays pending until
// an answer brings the provider's reference (package mailin). Later events do not wait for that: the mail
// thread belongs together without it. There is no look-up: a submit of unknown outcome parks, a person
// looks and decides, and a repeat has the same Message-ID.
package mailprovider
