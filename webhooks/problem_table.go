package webhooks

import "net/http"

// A ProblemInfo is what one problem of the public listener means to whoever calls it.
type ProblemInfo struct {
	Word   string // behind [ProblemType]
	Status int
	Means  string
	Again  string // whether sending the same call again makes sense
	Do     string
}

// Problems lists every problem of the public listener; docs/errors.md is made of it. A process call
// that is kept in quarantine because it cannot be used is answered with the reason as its word.
func Problems() []ProblemInfo {
	return []ProblemInfo{
		{"bad_query", http.StatusBadRequest, "A parameter of the address is malformed.", "no", "Correct the address."},
		{"unauthorized", http.StatusUnauthorized, "The call does not prove where it comes from.", "no", "Compare the key, token or signature on both sides, and the clocks."},
		{"forbidden", http.StatusForbidden, "The call comes from a network that is not let in here (`allow`).", "no", "Call from an allowed address; behind a proxy, compare `server.trusted_proxies`."},
		{"not_found", http.StatusNotFound, "There is no such address, or no such provider.", "no", "Compare the address with the config."},
		{"method_not_allowed", http.StatusMethodNotAllowed, "The address takes other methods.", "no", "Send POST."},
		{"incomplete", http.StatusRequestTimeout, "The body did not come whole and in time.", "yes", "Send it again."},
		{"too_large", http.StatusRequestEntityTooLarge, "The body is larger than its bound.", "no", "Send less, or raise the bound in the config."},
		{"unsupported_encoding", http.StatusUnsupportedMediaType, "The body has a Content-Encoding.", "no", "Send it as it is."},
		{"unsupported_type", http.StatusUnsupportedMediaType, "The Content-Type is none that a process call can have.", "no", "Send JSON, a form, XML or SOAP, and say so."},
		{"unreadable", http.StatusUnprocessableEntity, "The body is not what its Content-Type says. It is kept in quarantine if the caller is known.", "no", "Correct the sender."},
		{"missing_field", http.StatusUnprocessableEntity, "A field is missing without which nothing can be done. The call is kept in quarantine.", "no", "Correct the process in SSP; `field` names it."},
		{"unreplaced", http.StatusUnprocessableEntity, "A placeholder came that SSP did not replace. The call is kept in quarantine.", "no", "Correct the process in SSP; `field` names it."},
		{"gone", http.StatusGone, "The link to a file has ended, or the file is not kept any more.", "no", "Ask whoever runs the bridge; the console has the file while it is kept."},
		{"too_many", http.StatusTooManyRequests, "Too many files are fetched at once.", "yes, after Retry-After", "Fetch it again."},
		{"internal_error", http.StatusInternalServerError, "A bug. Nothing was accepted.", "yes", "Look at the log of the bridge and report it."},
		{"unavailable", http.StatusServiceUnavailable, "Nothing was accepted: the store cannot take anything, or the bridge is stopping.", "yes, after Retry-After", "Send it again."},
	}
}
