// Package scheme decides whether the caller of a webhook is who it says it is.
//
// A signature scheme is data: where the signature stands, how it is made, what is signed, how old
// it may be, and where the sender's delivery id is. The presets in presets.yaml are written in the
// same words as a `webhook:` section of the config, which may change any part of a preset or
// start from `scheme: hmac`. Adding a vendor is adding an entry there.
//
// Verification works on the raw bytes, before anything is parsed:
//
//  1. The signature header is read; each candidate in it (several stand there while the sender
//     changes its key) loses its prefix and is decoded. At most 16 are looked at.
//  2. A timestamp, if the scheme has one, must lie within the tolerance on both sides of our clock.
//  3. For each live secret (the current and the previous one) the MAC of the signed text is made
//     and compared with every candidate in constant time.
//
// Schemes that send the secret itself (header, Basic, token in the path) compare SHA-256 digests in
// constant time, so that neither content nor length shows in the time taken.
//
// Failure classes: everything that is not proven is [Denied], with a reason for our log and none
// for the caller. A scheme that cannot be used (no secret, a key that is not base64) is a problem
// of the config and shows before the server starts. Where a scheme does not sign the delivery id
// (GitHub, Jira, GitLab, Zammad), the id is trusted as far as the caller is; events then still carry
// the sender's own ids from the signed body as far as the rules of the provider take them.
package scheme
