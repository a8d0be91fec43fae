// Package browsertest looks at the console as a person does: a real Chromium against the running
// binary, with a fake SSP and a fake provider around it. It holds nothing but tests.
//
// testdata/axe.min.js is axe-core 4.14.1 as npm has it, under the Mozilla Public License 2.0; the
// tests alone use it, no binary contains it.
package browsertest
