// Package console is the admin listener: the admin API that the verbs of the binary use, the
// readiness of the process, the metrics, and the pages on which a person sees what the bridge does.
//
// The documents of the API are described in the package api, its Go client is the package client,
// the metrics are made in the package metrics. There is one file a resource here.
//
// # Who may come in
//
//	path                            who
//	/healthz /readyz                everybody; reasons are shown only to callers who may see more
//	/style.css /login /favicon.ico  everybody
//	/metrics                        bearer token, or everybody with [Options].OpenMetrics
//	/api/v1/…                       bearer token; a signed-in browser for reading
//	pages                           a signed-in browser, or a bearer token
//
// Without a token ([Options].Token) only loopback addresses are served, and only under a loopback
// host name and without the traces of a proxy: otherwise a web page could reach the listener by
// DNS rebinding, and everybody behind a proxy would look local. Calls that a browser makes on
// behalf of another site are refused. The token is compared in constant time. Failed attempts empty
// a bucket per address (an IPv6 address counts by its /64); while it is empty nothing from that
// address is compared any more, right or wrong.
//
// # How it fails
//
//	failure                                 answer
//	unknown or malformed parameter, field   400 bad_query, bad_body, naming it
//	no or wrong token                       401 unauthorized, or the sign-in page
//	not from here (see above)               403 forbidden
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
