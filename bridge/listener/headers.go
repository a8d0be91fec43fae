package listener

import "net/http"

// Closed sets the headers under which a browser neither guesses at an answer, nor frames it, nor keeps it, nor lets
// another site have it or learn where it was. What an answer may load is for its own Content-Security-Policy to say.
func Closed(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
