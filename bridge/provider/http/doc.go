// Package httpprovider is the provider kind http: any system with an HTTP interface, described in the
// config alone.
//
// # Outgoing
//
// Section send holds one call for each kind of event: method, url, headers, query, and a body tree with
// ${…} expressions. A kind that the provider does not want is written out as skip. Which call an event takes:
//
//	submit, new            submit
//	submit, continue       continue, else update: the provider's ticket is still open
//	submit, reopen         by repeat: reopen → reopen, else reject_solution, else update;
//	                       continue → continue, else update; open_linked → open_linked, else submit
//	update                 update
//	reject_solution        reject_solution, else by repeat: reopen → reopen, else update;
//	                       continue → continue, else update; open_linked → open_linked, else submit
//	close                  close
//
// A linked ticket is a new one: bond.reference is the old ticket's number, and the reference in the answer
// replaces it. An event that takes another kind's call and has no text brings its description, else its
// title, as event.text.
//
// The answer is judged by the rules of package outbound, changed by statuses (lists) and by success and retry_if
// (expressions). reference and comment are found in it by expressions.
//
// # Incoming
//
// Section inbound turns what the provider sends into events. The input is decoded (JSON, form, XML);
// each splits it into items, if it is a batch. For every item the rules are tried in order; the first
// whose when is true makes the event, and ends the search unless it says continue. A rule with its own
// each goes through a list inside the item and makes an event for every element that its when takes.
//
// Only public texts pass: a rule with a text, of whatever kind, has a public expression, unless visibility: all
// is written out.
// What a rule finds not public is left, and no later rule sees it (unless this one says continue). What is left, for this or by kind
// ignore, is recorded with its ticket and rule but without its words.
//
// Echoes: an author listed in authors is our own API user; else the id of the comment decides, where the
// calls that write texts and the rule both know it; else equal text.
//
// # Poll
//
// Section poll asks the provider for what changed since a cursor and feeds each item to the same rules;
// ids make the events the same as those of webhooks. The cursor is saved with the events of the last page,
// in one step. The first start begins now, or at since. Failures are retried in place with back-off.
//
// # Failure classes
//
//	not sent, 429, 503, …        retry, by package outbound
//	bytes sent, no answer        unknown: find is asked, if there is one
//	4xx                          refused, unless a list says otherwise
//	success is false             refused; retry when retry_if is true
//	success cannot be evaluated,
//	or the reference is missing  unknown (bad_answer): the call was taken, its effect is not known
//	a mapping fails              refused (mapping_failed): nothing was sent, a person corrects the config
//	no reference, but needed     retry (no_reference)
//	input not JSON, form, XML    quarantine: unreadable
//	no rule fits                 quarantine: no_rule
//	a rule's expression fails    quarantine: rule_failed, naming rule and expression
//	neither task nor reference   quarantine: missing_field
package httpprovider
