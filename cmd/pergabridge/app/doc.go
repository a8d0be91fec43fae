// Package app wires the rooms of the bridge into one running program.
//
// [Load] reads the config and says everything that is wrong with it; [New] builds stores, SSP,
// providers, engine and listeners without doing any network I/O; [App.Run] serves until its context
// ends and then drains: the entrances close first, deliveries in flight finish, their results are
// recorded, and the store is closed last. Nothing that was answered with 2xx is lost at any point,
// drained or killed.
//
// Tests start the whole bridge in their own process through this package.
package app
