// Package outbound is the one HTTP client under soap and every provider.
//
// Its purpose is to know, after a call has failed, whether the other side may have acted on it.
// [Client.Do] makes one exchange and returns either an [Answer], whatever its status, or an
// [*Error] with the [Phase] that the call reached; [Classify] turns both into an outcome.
//
// # Phases
//
//   - [NotSent]: no byte of the request was written to a socket. Name look-up, connection, proxy,
//     TLS handshake, guard, token endpoint, or a kept connection that turned out dead at the first
//     write.
//   - [Sent]: a byte was written, no status came back.
//   - [Answered]: the status came back. With an error: the body did not, or not whole.
//
// The connection under TLS reports its writes to the call it carries. A write that has begun counts
// as written until it has provably written nothing. When a call is given up it is sealed: from then
// on its writes fail before the socket, so that what was called "not sent" stays not sent. net/http
// re-sends a request when a kept connection is lost; here requests cannot be rewound, and a call
// that is given a second connection is sealed. With HTTP/2 (off unless configured) a connection
// carries many calls, so there a call counts as sent as soon as it has one.
//
// One proof overrides the bytes: with TLS 1.3 a client has sent its request before it learns that
// its certificate was turned down. The alert is such a proof, and the call is NotSent.
//
// With NTLM, which authenticates a connection, each call has a connection to itself and gives it back
// authenticated. The steps of a handshake before the last carry nothing of the call, so what fails
// there is NotSent, and each of them has the time limits of a call.
//
// The one repeat: an answer 401 to a token that was obtained renews the token and makes the call
// once more. A 401 was not acted upon. Tokens are obtained by client credentials, by a user's
// password, by a person's permission (kept in a file) or by a service account's signed assertion; all
// four are fetched once for everybody who waits and renewed early.
//
// Idle connections are dropped after 3 seconds, before common servers drop theirs; the client warns
// if the destination announces less. Redirects are not followed. Cookies are not kept. Answers are
// bounded, also in their header. Proxies come from the config only. Cloud metadata addresses are
// never called; see [Guard] for addresses that come from messages. Secrets and tokens are
// registered with package secret, and everything meant for records ([Excerpt], [Error], Detail) is
// masked and bounded.
//
// # Outcomes
//
// Down means that the failure says something about the whole destination. "After" is the capped
// Retry-After, and goes with every retry.
//
//	what came back                            outcome   reason         Down
//	--------------------------------------   --------  -------------  ----
//	not sent                                  retry     not_sent       yes
//	not sent, address denied by the guard     retry     not_sent       no
//	not sent, we stopped                      retry     canceled       no
//	not sent, token or certificate refused    retry     unauthorized   yes
//	not sent, URL or header cannot be sent    refused   mapping_failed no
//	sent, connection lost or time over        unknown   no_answer      yes
//	sent, we stopped                          unknown   no_answer      no
//	sent, the answer is not HTTP              unknown   bad_answer     no
//	sent, header of the answer too large      unknown   too_large      no
//	any status, body broken off or too slow   unknown   no_answer      yes
//	2xx, body too large                       unknown   too_large      no
//	other status, body too large              by status
//	2xx                                       done      delivered      no
//	2xx, an HTML page asking for a password   retry     unauthorized   yes
//	301 307 308 (the address is wrong)        retry     bad_answer     yes
//	302 303                                   unknown   bad_answer     no
//	301 302 303 307 308 to a login page       retry     unauthorized   yes
//	other 1xx, 3xx, 6xx and above             unknown   bad_answer     no
//	401 403 407 511                           retry     unauthorized   yes
//	408 421 425                               retry     server_error   no
//	429                                       retry     throttled      yes
//	400 404 405 409 410 422, other 4xx, 501   refused   refused        no
//	502 504 520 522 524 598 599               unknown   bad_gateway    yes
//	503 521 523 525 526 530                   retry     unavailable    yes
//	500, other 5xx                            retry     server_error   no
//
// [Policy] moves single statuses to another class: done, retry and unknown (server_error), refused;
// never with Down. A 303 after a POST can mean success; if it does at a destination, its config
// says so.
package outbound
