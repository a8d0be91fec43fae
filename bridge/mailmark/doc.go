// Package mailmark is what the bridge writes into mail so that it, SSP's mailbox reader and people
// find a task again: tags in the text, and signed marks in message ids, reply addresses and
// subjects.
//
// # Tags
//
// A tag is a line `[[Label]]: value`; the format is configurable ([Format]). Labels are compared
// case-blind and have aliases. Task, ticket, reference, status and author are one line each;
// message and solution run on to the next tag or the end of the text; other labels are one line and
// become fields. A placeholder that a template left ({TaskId}) is no task, ticket or reference. What a user wrote and looks like a tag is escaped when it is written
// ([Format.Escape]), so that nobody can smuggle one in.
//
// # Marks
//
// A mark names provider, task and event and is signed (HMAC-SHA256, 80 bits), so it needs no
// look-up and cannot be forged. Marks are made of small letters and digits and read case-blind,
// because mail systems change case. The same event always has the same Message-ID: a mail that is
// sent twice is recognisable as one. Secrets may be replaced: the first signs, all are accepted.
package mailmark
