// Package outboundtest holds peers that misbehave on purpose, for tests of everything that calls
// out: a TCP server whose every connection plays a [Script] byte by byte, a relay before a real server, a CONNECT proxy, and a
// certificate authority. All of it listens on loopback and ends with the test.
//
// A peer plays its scripts in order, one per connection; the last one is repeated:
//
//	p := outboundtest.New(t,
//		outboundtest.AcceptAndClose(),
//		outboundtest.Answer(200, "text/plain", "fine"))
//
// A script is a plain function of [Conn], so that a test can write its own.
package outboundtest
