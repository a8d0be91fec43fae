// Package mapping turns outside messages into events and events into outside messages: small
// expressions (expr-lang), text templates, body trees and value tables, all of them written in the
// config and compiled when the config is read.
//
// # How a value is written
//
// An [Expr] is an expression: `body.ticket.number`. A [Text] is literal text with expressions in
// ${…}: `Ticket ${event.ticket}`. A [URL] is a text whose expressions are escaped for the place
// they stand in. A [Tree] is any YAML value whose strings are texts; a string that is exactly one
// ${…} keeps the type of its value, so that numbers, lists and objects can be passed through. An
// Expr that holds ${…} is read as such a string. `$${` is a literal `${`.
//
// # What expressions see
//
// The names are those of [Names]; each place in the config allows some of them ([Expr.Within]).
// A name that does not exist, a misspelled field of event or bond, or a wrong call is found when
// the config is read. At run time `a.b` fails when a is missing and gives nil when only b is;
// `a?.b` and `a ?? c` forgive. Headers stand under their canonical names: header['X-Event']. Beside the functions of expr there are those of [Functions].
//
// # How it fails
//
// Everything compiled from outside data is bounded: expressions cannot loop without end (expr) and
// have a memory budget, decoded input has a depth ([MaxDepth]). A failing evaluation returns an
// [*EvalError] that names the expression; the callers turn it into mapping_failed (outgoing) or
// rule_failed (incoming), which a person solves by correcting the config. Texts never fail for an
// absent value, they leave it out; an absent value in the path of a URL does fail, because
// /tickets/ is another resource than /tickets/4711.
package mapping
