//go:build race

package main_test

// raceDetector says that the tests run with the race detector; then the binary is built with it too.
const raceDetector = true
