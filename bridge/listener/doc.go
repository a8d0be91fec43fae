// Package listener is what stands between a connection and the handlers of the bridge's own listeners:
// TLS from files, who really calls when a reverse proxy stands in front, the path under which a proxy
// publishes the listener, and from which networks calls are let in.
//
// # TLS
//
// [Certificate] is read from two files and read again when they change, without a restart: whoever
// renews them need not tell the bridge. A new pair that is broken, does not fit together or has
// expired is not used; the old one stays, and [Certificate.Err] says so until it is mended.
//
// # Reverse proxies
//
// Behind [Front] a request says who made it. Only proxies named in `trusted_proxies` are believed.
// X-Forwarded-For is read from the right, and the first address that is no trusted proxy is the
// caller: whatever stands to the left of it was written by the caller itself. Addresses may carry a
// port, as IIS ARR writes them. X-Forwarded-Proto, and X-ARR-SSL of IIS, tell whether the caller used
// HTTPS, X-Forwarded-Host which name it used. Of anybody else these headers mean nothing.
//
// A path prefix is taken off where it is there, so that it does not matter whether the proxy takes it
// off itself.
//
// # How it fails
//
//	failure                                  what happens
//	files missing, not PEM, not a pair       the config is refused, with line and column
//	certificate expired or not yet valid     the config is refused
//	the renewed pair is broken               the one before is served; logged once, shown in readiness
//	a malformed X-Forwarded-For              the address from which on it is malformed counts: the proxy's
package listener
