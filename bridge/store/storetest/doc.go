// Package storetest is the one conformance suite of every [bridge.Store].
//
// A store passes when [Run] passes with its [Factory]. The rules are those of the package
// documentation of bridge, nothing else: every subtest is named after the rule it proves, and no
// subtest knows how a store works inside. Where the contract leaves a choice, the suite accepts
// every choice.
//
// Time is a [Clock] that the tests move by hand; a store must ask it and never the system. A crash
// is [Handle].Crash: the store is abandoned without a clean close and the same data opened again.
// Sessions of the former process are dead afterwards: at once for a store that only one process
// can open, when their time is over for a store that replicas share. The suite therefore lets
// their time pass after each crash.
//
// # Files
//
// run.go is the entry, clock.go and harness*.go are the tools, rules_*.go hold the rules by subject
// and property.go a model-based test with random sequences of offers, tries and crashes.
package storetest
