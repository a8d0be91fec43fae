// Package console is the admin listener: the admin API that the verbs of the binary use, the
// readiness of the process, the metrics, and the pages on which a person sees what the bridge does.
//
// The documents of the API are described in the package api, its Go client is the package client,
// the metrics are made in the package metrics. There is one file a resource here.
//
// The API is one table of operations: the server routes by it, and the OpenAPI document is made of it
// and of the Go types. The buttons of the pages are one table of deeds.
//
// # Who may come in
//
//	path                                        who
//	/healthz /readyz                            everybody; reasons are shown only to callers who may see more
//	/style.css /console.js /login /favicon.ico  everybody
//	/metrics                                    bearer token, or everybody with [Options].OpenMetrics
//	/api/v1/…                                   bearer token; a signed-in browser for reading
//	pages                                       a signed-in browser, or a bearer token
//
// People sign in with a name and a password ([Options].Users) or with the token ([Options].Token);
// who has the token is an admin. A viewer looks; an operator decides about events, lanes, bonds and
// destinations, tries mappings and makes test calls; an admin also imports bonds and copies the
// database. A page shows no button to those who may not press it, and the address behind it answers
// 403. Every deed is recorded in the name of the person; the token cannot be used in the name of
// somebody who has a password. Every form carries a token of its session, and calls that a browser
// makes on behalf of another site are refused.
//
// With neither token nor users only loopback addresses are served, as admins, and only under a
// loopback host name and without the traces of a proxy: otherwise a web page could reach the listener
// by DNS rebinding, and everybody behind a proxy would look local. Tokens are compared in constant
// time, passwords with bcrypt or Argon2id, two at a time. Failed attempts empty a bucket per address
// (an IPv6 address counts by its /64); while it is empty nothing from that address is compared any
// more, right or wrong.
//
// # Pages that stay fresh
//
// Everything works without script. With it, the page holds a stream of server-sent events: the server
// looks at the page once a second, as it would for a new request, and sends its changing part when it
// is another one. The script puts it in place, keeps what was folded open and where the focus is, and
// waits while somebody types or selects text. When nothing new can come, because the store or the
// bridge does not answer, the page says so on top: what it shows is as old as that.
//
// # Repeats and bulk work
//
// A write with an Idempotency-Key that comes again gets its first answer again for a day, from every
// replica and after a restart. A repair does one thing to many, in the background, each as a command of its own; it
// stops when the store is gone or the bridge stops, and beginning again does the rest.
//
// # How it fails
//
//	failure                                 answer
//	unknown or malformed parameter, field   400 bad_query, bad_body, naming it
//	no or wrong token                       401 unauthorized, or the sign-in page
//	role too small, form not ours           403 forbidden
//	unknown target                          404 not_found
//	command does not fit the state          409 not_possible, saying what would help
//	body too large, not JSON                413 too_large, 415 unsupported_media
//	failed too often                        429 too_many, Retry-After
//	a bug, a damaged record                 500 internal; the log says more
//	store cannot answer now                 503 unavailable, Retry-After
//
// A backup that breaks off after its first byte ends the connection, so that no caller takes half
// a file for a whole one.
package console
