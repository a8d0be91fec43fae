// Package vendorapi calls the operations of vendors whose interfaces are described by data.
//
// A [Profile] is data that comes with a kind of provider: for every operation its method, path and
// fields (our name, the name on the wire, type, whether it is required, allowed values), and for
// every answer the names under which a value may stand. What the vendor has not published is marked
// assumed, and everything can be changed from the config ([Override]) without changing the program.
//
// [Profile.Build] turns an operation and named values into a request. It refuses what the profile
// does not know, what is missing and what has the wrong type before anything is sent. Whole numbers
// travel as text and never as floats. [Client] makes the call and judges the answer; its error is a
// [*Failure] with the outcome by package outbound, corrected by what the body says ([Judge]). A call
// that only reads never leaves an unknown outcome behind: it is turned into retry.
//
// [Record] reads values of an answer by our names, ignoring the case of the wire names.
package vendorapi
