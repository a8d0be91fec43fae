package outbound

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
)

// Policy moves statuses out of the class that the table of the package documentation puts them in.
// It is a config section.
type Policy struct {
	Done    []int `yaml:"done" doc:"statuses that mean: it is done"`
	Retry   []int `yaml:"retry" doc:"statuses that mean: it was not done, try again later"`
	Refused []int `yaml:"refused" doc:"statuses that mean: no, and trying again will not help"`
	Unknown []int `yaml:"unknown" doc:"statuses after which it may or may not have been done"`
}

// ValidateConfig checks that the lists hold statuses, each once.
func (p Policy) ValidateConfig(n *config.Node) {
	seen := map[int]string{}
	for _, l := range []struct {
		name string
		list []int
	}{{"done", p.Done}, {"retry", p.Retry}, {"refused", p.Refused}, {"unknown", p.Unknown}} {
		for i, s := range l.list {
			at := n.Key(l.name).Item(i)
			if s < 200 || s > 599 {
				at.Problemf("", "%d is not the status of an answer (200 to 599)", s)
			} else if first, twice := seen[s]; twice {
				at.Problemf("", "status %d is already under %s", s, first)
			} else {
				seen[s] = l.name
			}
		}
	}
}

// Classify turns what [Client.Do] returned into an outcome, by the table of the package
// documentation. Detail, Answer and Status are filled in; what the body of a good answer says is
// for the caller to judge.
func Classify(a Answer, err error, p Policy) bridge.Outcome {
	var o bridge.Outcome
	switch {
	case err == nil:
		o = byStatus(a, p)
		o.Detail = fmt.Sprintf("status %d %s", a.Status, http.StatusText(a.Status))
		if l := a.Header.Get("Location"); l != "" && a.Status/100 == 3 {
			o.Detail += ", to " + Excerpt([]byte(l[:min(len(l), 200)]))
		}
	default:
		o = byError(a, err, p)
		o.Detail = Excerpt([]byte(err.Error()))
	}
	if o.Kind == bridge.OutcomeRetry {
		o.After = a.RetryAfter
	}
	o.Status = a.Status
	o.Answer = Excerpt(a.Body)
	return o
}

func byError(a Answer, err error, p Policy) bridge.Outcome {
	var e *Error
	if !errors.As(err, &e) { // not ours: nothing is known about what was sent
		return bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: bridge.NoAnswer}
	}
	switch {
	case e.Phase == NotSent && e.Reason == bridge.MappingFailed:
		return bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: e.Reason}
	case e.Phase == NotSent:
		return bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: e.Reason, Down: !e.Stopped && !errors.Is(err, ErrDenied)}
	case e.Phase == Answered && e.Reason == bridge.TooLarge && (a.Status < 200 || a.Status > 299):
		return byStatus(a, p) // the status alone says enough
	}
	return bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: e.Reason, Down: e.Reason == bridge.NoAnswer && !e.Stopped}
}

func byStatus(a Answer, p Policy) bridge.Outcome {
	done := bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered}
	retry := func(r bridge.Reason, down bool) bridge.Outcome {
		return bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: r, Down: down}
	}
	unknown := func(r bridge.Reason, down bool) bridge.Outcome {
		return bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: r, Down: down}
	}
	refused := bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.RefusedAnswer}
	s := a.Status
	switch {
	case slices.Contains(p.Done, s):
		return done
	case slices.Contains(p.Retry, s):
		return retry(bridge.ServerError, false)
	case slices.Contains(p.Refused, s):
		return refused
	case slices.Contains(p.Unknown, s):
		return unknown(bridge.ServerError, false)
	}
	switch s {
	case 301, 307, 308:
		if toLogin(a) {
			return retry(bridge.Unauthorized, true)
		}
		return retry(bridge.BadAnswer, true)
	case 302, 303:
		if toLogin(a) {
			return retry(bridge.Unauthorized, true)
		}
		return unknown(bridge.BadAnswer, false)
	case 401, 403, 407, 511:
		return retry(bridge.Unauthorized, true)
	case 408, 421, 425:
		return retry(bridge.ServerError, false)
	case 429:
		return retry(bridge.Throttled, true)
	case 501:
		return refused
	case 502, 504, 520, 522, 524, 598, 599:
		return unknown(bridge.BadGateway, true)
	case 503, 521, 523, 525, 526, 530:
		return retry(bridge.Unavailable, true)
	}
	switch s / 100 {
	case 2:
		if LoginPage(a) {
			return retry(bridge.Unauthorized, true)
		}
		return done
	case 4:
		return refused
	case 5:
		return retry(bridge.ServerError, false)
	}
	return unknown(bridge.BadAnswer, false)
}

// loginWords are found in the addresses of login pages, whole words only.
var loginWords = regexp.MustCompile(`(?i)(^|[^a-z])(log-?in|log-?on|sign-?in|signon|sso|saml2?|adfs|authorize|oauth2?|openid|returnurl|auth|authn|authenticate|cas)([^a-z]|$)`)

// toLogin reports whether a redirect leads to a login page.
func toLogin(a Answer) bool {
	u, err := url.Parse(a.Header.Get("Location"))
	if err != nil {
		return false
	}
	return loginWords.MatchString(u.Path) || loginWords.MatchString(u.RawQuery) || strings.HasPrefix(u.Host, "login.") || strings.HasPrefix(u.Host, "sso.")
}

var passwordField = regexp.MustCompile(`(?is)<input\b[^>]{0,500}\btype\s*=\s*["']?password\b`)

// LoginPage reports whether a is an HTML page that asks for a password: what portals send, often
// with status 200, to calls without valid credentials.
func LoginPage(a Answer) bool {
	media, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	begin := bytes.ToLower(bytes.TrimSpace(a.Body[:min(len(a.Body), 512)]))
	if media != "text/html" && media != "application/xhtml+xml" && !bytes.HasPrefix(begin, []byte("<!doctype html")) && !bytes.HasPrefix(begin, []byte("<html")) {
		return false
	}
	return passwordField.Match(a.Body[:min(len(a.Body), 256<<10)])
}
