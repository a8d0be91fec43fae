package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// titles and statuses of the codes.
var titles = func() map[api.Code]api.CodeInfo {
	out := map[api.Code]api.CodeInfo{}
	for _, c := range api.Codes() {
		out[c.Code] = c
	}
	return out
}()

// retryAfter is what callers are told to wait while the store is unavailable, in seconds.
const retryAfter = 5

func problem(code api.Code, detail string) *api.Problem {
	t := titles[code]
	return &api.Problem{Type: api.TypePrefix + string(code), Title: t.Title, Status: t.Status, Detail: detail, Code: code}
}

func badQuery(param, format string, args ...any) *api.Problem {
	p := problem(api.BadQuery, param+": "+fmt.Sprintf(format, args...))
	p.Param = param
	return p
}

func badBody(param, format string, args ...any) *api.Problem {
	detail := fmt.Sprintf(format, args...)
	if param != "" {
		detail = param + ": " + detail
	}
	p := problem(api.BadBody, detail)
	p.Param = param
	return p
}

// asProblem says what err means to a caller.
func asProblem(err error) *api.Problem {
	var p *api.Problem
	var refused *bridge.CommandError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		if p.Status < 400 || p.Status > 599 { // made by hand with a code alone
			q := problem(p.Code, p.Detail)
			q.Param, q.RetryAfter = p.Param, p.RetryAfter
			p = q
		}
		if p.Status == 0 {
			p = problem(api.Internal, p.Detail)
		}
		return p
	case errors.As(err, &refused):
		return problem(api.NotPossible, refused.Msg)
	case errors.As(err, &large):
		return problem(api.TooLarge, fmt.Sprintf("at most %d bytes are taken", large.Limit))
	case errors.Is(err, bridge.ErrNotFound):
		return problem(api.NotFound, missing(err))
	case errors.Is(err, bridge.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		p := problem(api.Unavailable, err.Error())
		p.RetryAfter = retryAfter
		return p
	}
	return problem(api.Internal, err.Error())
}

// missing says in plain words what does not exist. A store's error is "who: what: store: not found".
func missing(err error) string {
	what := strings.TrimSuffix(err.Error(), ": "+bridge.ErrNotFound.Error())
	if i := strings.LastIndex(what, ": "); i >= 0 {
		what = what[i+2:]
	}
	return "there is no " + what
}

// writeProblem answers with p; it does nothing useful after the answer has begun, and no harm.
func writeProblem(w http.ResponseWriter, p *api.Problem) {
	q := *p
	q.Detail = secret.Mask(q.Detail)
	if q.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(q.RetryAfter))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(q.Status)
	_ = json.NewEncoder(w).Encode(&q) // fails only when the caller is gone
}
