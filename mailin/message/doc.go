// Package message reads mail: raw bytes in, one [Message] out, whatever the sender's program made
// of the standards.
//
// # Reading
//
// [Parse] reads strictly first (go-message) and, when that gives up, leniently (enmime); when both
// do, the mail is unreadable and the caller keeps its bytes for a person. Both readers give the
// same tree of parts; everything after that is one code: character sets (declared, or guessed where
// the declaration is wrong), the choice between plain text and HTML, attachments with size and
// hash (also those inside a winmail.dat), forwarded messages, calendar entries and delivery reports.
//
// # What a person wrote
//
// [Split] cuts a text into what is new and what is not: quoted history, signature, footer. It knows
// the marks of the usual mail programs in English, German, Dutch, French, Spanish and Finnish. HTML
// is turned into text with its quotes marked, so that one splitter serves both. Nothing is thrown
// away: what was cut stays in the parts of the [Text].
//
// # Bounds
//
// Parts, nesting, headers and text are bounded ([MaxParts], [MaxDepth], [MaxInside], [MaxText]); what is beyond
// is left out, or a file only, and named in [Message].Defects. Messages inside messages have the parts of
// the whole mail together, and its size. The size of the whole mail is the caller's matter.
package message
