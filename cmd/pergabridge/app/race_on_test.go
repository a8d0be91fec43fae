//go:build race

package app_test

// raceDetector says that the tests, and the bridges in them, run with the race detector.
const raceDetector = true
