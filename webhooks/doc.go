// Package webhooks is the public listener: SSP's process calls and the webhooks of providers.
//
//	POST /ssp/{provider}              a process call of SSP (package processcall)
//	POST /ssp/{provider}/{token}      the same, for callers that can set nothing but the address
//	GET  /ssp/{provider}?wsdl         the contract of the SOAP form
//	POST /webhooks/{provider}         a webhook of the provider (package scheme)
//	POST /webhooks/{provider}/{token} the same, with a token
//	GET  /files/{token}               a file, by a signed link, where links are configured
//	GET  /healthz                     the process is alive
//
// A call is let in, read, accepted, answered, in this order. The answer is written only after
// [bridge.Acceptor] has returned, so a caller that reads 2xx may forget the event. `?wait=10s` on
// a process call holds the answer until the provider's reference is known.
//
//	200  duplicate, echo, bonded          401  the caller did not prove who it is
//	202  accepted, waiting, late,         403  the caller's network is not let in (allow)
//	     conflict, quarantined, ignored   404  no such provider, or it has no such entrance
//	400  wait= is no duration             405  another method
//	422  a process call that cannot be    408  the body did not come in time
//	     used; it is kept in quarantine   413  the body is too large
//	410  the link to a file has ended     415  a content type or encoding that is not read
//	429  too many files at once           503  nothing can be accepted now; Retry-After says when
//
// Everything from 400 on is a problem document (RFC 9457), in XML for callers that sent XML, in a
// fault for those that sent SOAP; [Problems] says what each means. Of these only 422 leaves something
// behind; all are logged and counted.
//
// Nothing of a caller's credentials is kept: headers are stored by an allow list, bodies and
// queries with every known secret replaced, and the log shows the pattern of a route, never its
// path. Who the caller is was settled before, by package listener: forwarding headers are believed of
// trusted proxies only.
package webhooks
