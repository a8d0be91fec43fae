package api

import (
	"strconv"
	"strings"
)

// Code names a kind of problem for programs; it never changes its meaning.
type Code string

// The codes.
const (
	BadQuery         Code = "bad_query"          // 400: a parameter; Param names it
	BadBody          Code = "bad_body"           // 400: the body; Param names the field if there is one
	Unauthorized     Code = "unauthorized"       // 401
	Forbidden        Code = "forbidden"          // 403: the role is not enough, or not from here
	NotFound         Code = "not_found"          // 404
	MethodNotAllowed Code = "method_not_allowed" // 405
	NotPossible      Code = "not_possible"       // 409: the command does not fit the state of its target
	TooLarge         Code = "too_large"          // 413
	UnsupportedMedia Code = "unsupported_media"  // 415
	Unprocessable    Code = "unprocessable"      // 422: understood, but it cannot be carried out (a mapping that fails)
	TooMany          Code = "too_many"           // 429: too many failed sign-ins from this address
	InProgress       Code = "in_progress"        // 409: the first request with this Idempotency-Key is under way
	KeyReused        Code = "key_reused"         // 422: this Idempotency-Key came with another request
	Internal         Code = "internal"           // 500: a bug or a damaged store; see the log
	Unavailable      Code = "unavailable"        // 503: the store cannot take anything now; RetryAfter
)

// TypePrefix is what the type of every problem begins with; the code follows.
const TypePrefix = "urn:pergabridge:problem:"

// A Problem is a problem document (RFC 9457). It is an error too: the client returns it, and a
// function given to the server may return it to choose its answer.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Code   Code   `json:"code"`
	// Param is the parameter or field that is wrong.
	Param string `json:"param,omitempty"`
	// RetryAfter is the number of seconds after which asking again makes sense.
	RetryAfter int `json:"retry_after,omitempty"`
}

// Error says the problem in one line.
func (p *Problem) Error() string {
	var b strings.Builder
	switch {
	case p.Detail != "":
		b.WriteString(p.Detail)
	case p.Title != "":
		b.WriteString(p.Title)
	default:
		b.WriteString("HTTP status " + strconv.Itoa(p.Status))
	}
	if p.Param != "" && !strings.Contains(b.String(), p.Param) {
		b.WriteString(" (" + p.Param + ")")
	}
	return b.String()
}
