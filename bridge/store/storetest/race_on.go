//go:build race

package storetest

// The race detector makes a life ten times as long; the runs without it look at the usual number.
const raceDetector = true
