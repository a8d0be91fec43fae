// Package processcall reads what SSP's group processes send.
//
// SSP's documentation does not fix what a process call looks like: an administrator writes a REST
// template, or an XSLT that makes XML or a SOAP envelope. This package takes what comes and says
// clearly what is wrong with what it cannot take.
//
//  1. Let in. A secret in a header, Basic or a token in the path is checked before the body is
//     read ([Reader.Admit]); a secret or hash in a field after a bounded parse ([Reader.Read]).
//
//  2. Decode ([Decode]). JSON (flat or nested), form, XML (SSPAdapterCall/Field[@Name], or an
//     element per field) and SOAP 1.1 and 1.2 become one flat list of named texts; nested names
//     are dotted. Size, depth and number of fields are bounded, a document type declaration is
//     refused, any usual character set is understood.
//
//  3. Name. Names are compared without case, spaces, dots, hyphens and underscores. Aliases of the
//     config win over our own names, these over a few common spellings. Everything else goes to
//     the event's Fields; nothing is dropped unless the config says so.
//
//  4. Judge. Request type and direction say what happened, by the table below.
//
// What request types and directions mean:
//
//	request type          direction    kind              echo
//	Submit Request        Out, none    submit
//	Update                Out          update
//	Update                none         update            by text: it may be ours come back
//	Resolution Rejection  Out, none    reject_solution
//	Closed                Out, none    close
//	Update                In           update            by direction
//	Reassigned            any          resolve           by direction
//	any other, or none    In           (none)            by direction
//
// An echo travels in direction out like everything SSP sends; the store holds it against what was
// written in the opposite lane.
//
// Failure classes: who does not prove to be SSP is denied and nothing is kept. What was let in is
// always kept. A body that is not what it says (unreadable), a field with an unreplaced
// #REPLACE-…# placeholder (unreplaced) and a missing task id or request type (missing_field) go to
// quarantine and the caller is told which field it is; a request type or direction that nobody
// configured (unknown_type) goes to quarantine as well. Quarantined input is kept without its
// secrets and read again under the config of the day.
package processcall
