// Package tesseron is the provider kind tesseron: the basic-data and ticket interfaces of Tesseron ASM.
//
// # Going out
//
// A submit finds the enterprise and the contact (searched at the vendor, compared exactly here; or the
// ids that the config fixes), makes or changes them if the config allows that, and creates the ticket with
// our own reference number. The vendor refuses a reference number that is in use: that refusal is looked
// up and the ticket taken as ours, so a ticket is never made twice. Later events become positions of the
// ticket. The bond's reference is the ticket number.
//
// Tesseron limits calls and may leave tickets incomplete when several are made at once. Deliveries
// therefore run one at a time over all replicas (limits.in_flight is 1), and every call holds its place
// until the next may be made, so that the rate holds over all replicas, too. Polls have a share of
// their own.
//
// # Coming in
//
// The vendor calls nobody and publishes no call that returns texts; those arrive by mail. The duty poll
// searches tickets page by page and tells SSP of changes of their state, as the table says. Tickets whose
// reference number has another form than ours are left alone.
//
// # What an answer means
//
// Success is what the body says, whatever the case of its keys, not the status alone: false is a refusal
// with the vendor's words; a 200 without any success key is taken, but of unknown effect; the 303 of an
// obsolete operation is an answer, not a redirect. The key travels in the query and is masked everywhere.
//
// # Profiles
//
// The publisher renamed fields twice. profile selects the generation: 2024-03, 2024-05 (default) or 2025, of
// which only parts are known (no call that makes an enterprise). Single names can be changed in the
// config. What is assumed is listed in docs/vendors.md.
package tesseron
