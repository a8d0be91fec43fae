// Package provider is the registry of provider kinds and what all kinds have in common.
//
// A kind (http, mail, …) is a way to talk to one sort of system. It registers itself with a name, a
// config section and a constructor ([Register]); the config names the kind (`kind: http`), and the app
// builds a [Provider] from the section. The engine sees a [Provider] only as what it is made of:
// a [bridge.Destination] (which may also be a [bridge.Finder] and a [bridge.Renderer]), a
// [bridge.Receiver] for what the system sends, and sources that fetch by themselves.
//
// [Common] holds the config keys that every kind has; a kind inlines it. [Delivery] is the part of it
// that SSP's own section has, too: it says how events are delivered, never what is sent.
//
// Failure classes are those of [bridge.Outcome]; [Delivery] turns the two that need a decision
// (refused, unknown) into what the config wants per kind of event.
package provider
