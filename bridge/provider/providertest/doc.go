// Package providertest is the one conformance suite that every kind of provider must pass.
//
// A kind's tests build a [Fixture]: the provider as the config makes it, connected to a fake of the
// system it talks to, and samples of what that system sends. [Run] then checks what the engine relies on:
//
//   - every kind of event is delivered, its text arrives unharmed, and a submit learns its reference
//   - every way to fail has its right outcome; what may have been applied is never called refused or retry
//   - a lost answer can be cleared up by a look-up, where the kind has one
//   - a call that is given up before it began has no effect
//   - inputs become events of the right kind, repeatably and without any call
//   - private texts stay out; inputs that nobody understands are kept in quarantine
//   - rendering shows the call and makes none
//   - no secret is in an outcome, an error or the log
package providertest
