package api

import "net/http"

// A CodeInfo is what one code means to whoever meets it.
type CodeInfo struct {
	Code   Code
	Status int
	Title  string // goes into every problem document
	Means  string
	// Again says whether sending the same request again makes sense.
	Again string
	Do    string // what to do
}

// Codes lists every code of the API: the one table that answers, docs/errors.md and the OpenAPI
// document are made of.
func Codes() []CodeInfo {
	return []CodeInfo{
		{BadQuery, http.StatusBadRequest, "a parameter is wrong", "A parameter or header is unknown, malformed or out of bounds; `param` names it.", "no", "Correct the parameter."},
		{BadBody, http.StatusBadRequest, "the body is wrong", "The body is not the JSON that is expected; `param` names the field if there is one.", "no", "Correct the body."},
		{Unauthorized, http.StatusUnauthorized, "signing in is needed", "There is no admin token or session, or it is wrong.", "no", "Send `Authorization: Bearer` with `server.admin_token`, or sign in again."},
		{Forbidden, http.StatusForbidden, "not allowed", "The role is not enough, the form is of another session, or the call does not come from this machine and nobody has to sign in.", "no", "Ask somebody with the role; reload the page; or set `server.admin_token` or `server.users`."},
		{NotFound, http.StatusNotFound, "not found", "There is no such event, lane, bond, destination or address.", "no", "Look at the list."},
		{MethodNotAllowed, http.StatusMethodNotAllowed, "another method is needed", "The address takes other methods; `Allow` lists them.", "no", "Use one of them."},
		{NotPossible, http.StatusConflict, "not possible as things stand", "The command does not fit the state of its target; the detail says what would help.", "no", "Look at the target first."},
		{InProgress, http.StatusConflict, "the first request is under way", "Another request with the same Idempotency-Key has not ended yet.", "yes, after Retry-After", "Wait, then send it again with the same key."},
		{TooLarge, http.StatusRequestEntityTooLarge, "the body is too large", "The body is larger than its bound.", "no", "Send less, in more than one call."},
		{UnsupportedMedia, http.StatusUnsupportedMediaType, "the body has another type than JSON", "The Content-Type is not application/json.", "no", "Send `Content-Type: application/json`."},
		{Unprocessable, http.StatusUnprocessableEntity, "it cannot be carried out", "The request is understood, and what it asks for fails: a mapping, for example.", "no", "Correct what the detail names."},
		{KeyReused, http.StatusUnprocessableEntity, "the key belongs to another request", "The same Idempotency-Key came before with another request.", "no", "Use a new key for every new request."},
		{TooMany, http.StatusTooManyRequests, "too many failed attempts", "Too many sign-ins from this address failed.", "yes, after Retry-After", "Wait; then use the right password or token."},
		{Internal, http.StatusInternalServerError, "something is broken here", "A bug, or a damaged record.", "no", "Look at the log of the bridge and report it."},
		{Unavailable, http.StatusServiceUnavailable, "the store does not answer now", "Nothing was done.", "yes, after Retry-After", "Send it again; if it lasts, look at the store (disk full, Redis gone)."},
	}
}
