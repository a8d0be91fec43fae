package console

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// Bounds of parameters.
const (
	maxParam     = 512 // bytes
	maxWords     = 16  // of a search
	defaultLimit = 100
	maxLimit     = 1000
	maxDays      = 36500
)

// A query reads the parameters of a request. The first problem is kept; done also finds the
// parameters that nobody asked for.
type query struct {
	values url.Values
	asked  []string
	err    error
}

func readQuery(raw string) *query {
	v, err := url.ParseQuery(raw)
	q := &query{values: v}
	if err != nil {
		q.err = problem(api.BadQuery, "the query cannot be read: "+err.Error())
	}
	return q
}

func (q *query) fail(param, format string, args ...any) {
	if q.err == nil {
		q.err = badQuery(param, format, args...)
	}
}

// list returns every value of a parameter.
func (q *query) list(name string) []string {
	q.asked = append(q.asked, name)
	values := q.values[name]
	for _, v := range values {
		switch {
		case len(v) > maxParam:
			q.fail(name, "at most %d bytes", maxParam)
		case !utf8.ValidString(v):
			q.fail(name, "not UTF-8")
		case strings.ContainsFunc(v, unicode.IsControl):
			q.fail(name, "control characters do not belong here")
		}
	}
	return values
}

// text returns the only value of a parameter, trimmed.
func (q *query) text(name string) string {
	values := q.list(name)
	if len(values) > 1 {
		q.fail(name, "given more than once")
	}
	if len(values) == 0 {
		return ""
	}
	return strings.TrimSpace(values[0])
}

// flag returns a parameter that is true or false; alone it is true.
func (q *query) flag(name string) bool {
	switch v := q.text(name); {
	case v == "true", v == "1", v == "" && q.values.Has(name):
		return true
	case v == "", v == "false", v == "0":
		return false
	default:
		q.fail(name, "true or false")
		return false
	}
}

func (q *query) limit() int {
	v := q.text("limit")
	if v == "" {
		return defaultLimit
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > maxLimit {
		q.fail("limit", "a number from 1 to %d", maxLimit)
		return defaultLimit
	}
	return n
}

// after reads a cursor of events.
func (q *query) after() int64 {
	v := q.text("after")
	if v == "" {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 1 {
		q.fail("after", "the `next` of an answer")
	}
	return n
}

// since reads a time (RFC 3339) or how long ago it was (90m, 24h, 7d).
func (q *query) since(now time.Time) time.Time {
	v := q.text("since")
	if v == "" {
		return time.Time{}
	}
	t, ok := parseSince(v, now)
	if !ok {
		q.fail("since", "a time such as 2026-01-31T08:00:00Z, or how long ago it was, such as 90m, 24h, 7d")
	}
	return t
}

func parseSince(v string, now time.Time) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return t, t.Year() >= 1970 && t.Year() < 2200 // what stores can compare
	}
	if days, ok := strings.CutSuffix(v, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || math.IsNaN(n) || n < 0 || n > maxDays {
			return time.Time{}, false
		}
		return now.Add(-time.Duration(n * 24 * float64(time.Hour))), true
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 || d > maxDays*24*time.Hour {
		return time.Time{}, false
	}
	return now.Add(-d), true
}

// done returns the first problem.
func (q *query) done() error {
	if q.err != nil {
		return q.err
	}
	for name := range q.values {
		if !slices.Contains(q.asked, name) {
			slices.Sort(q.asked)
			return badQuery(strconv.Quote(name), "unknown; known are %s", strings.Join(q.asked, ", "))
		}
	}
	return nil
}

// choice returns a parameter that must be one of allowed.
func choice[T ~string](q *query, name string, allowed []T) T {
	v := T(q.text(name))
	if v != "" && !slices.Contains(allowed, v) {
		q.fail(name, "one of %s", words(allowed))
	}
	return v
}

// choices returns a parameter that may be given more than once, or with commas.
func choices[T ~string](q *query, name string, allowed []T) []T {
	var out []T
	for _, list := range q.list(name) {
		for v := range strings.SplitSeq(list, ",") {
			x := T(strings.TrimSpace(v))
			switch {
			case !slices.Contains(allowed, x):
				q.fail(name, "one of %s", words(allowed))
			case !slices.Contains(out, x):
				out = append(out, x)
			}
		}
	}
	return out
}

func words[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return strings.Join(out, ", ")
}

// reference returns a parameter that names a reference, as the provider's references are compared.
func (q *query) reference(provider string, key func(provider, reference string) string) string {
	v := q.text("reference")
	if v == "" || q.err != nil {
		return ""
	}
	return key(provider, v)
}

// What may be asked for.
var (
	eventStates = []bridge.EventState{bridge.StateQueued, bridge.StateLeased, bridge.StateParked, bridge.StateWaiting,
		bridge.StateQuarantined, bridge.StateDone, bridge.StateEnded}
	bondStates = []bridge.BondState{bridge.BondPending, bridge.BondOpen, bridge.BondResolved, bridge.BondClosed, bridge.BondSuperseded}
	laneStates = []bridge.LaneState{bridge.LaneReady, bridge.LaneLeased, bridge.LaneHeld, bridge.LaneParked, bridge.LanePaused}
	dirs       = []bridge.Dir{bridge.Out, bridge.In}
)

// kinds lists every kind once.
func kinds() []bridge.Kind {
	out := bridge.Kinds(bridge.Out)
	for _, k := range bridge.Kinds(bridge.In) {
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// eventFilter reads the parameters that lists of events have in common.
func (s *server) eventFilter(q *query) bridge.EventFilter {
	f := bridge.EventFilter{
		Provider: q.text("provider"),
		Task:     q.text("task"),
		Dir:      choice(q, "dir", dirs),
		Kind:     choice(q, "kind", kinds()),
		Reason:   choice(q, "reason", bridge.Reasons()),
		Search:   q.text("search"),
		Since:    q.since(s.Now()),
		After:    q.after(),
		Newest:   q.flag("newest"),
		Limit:    q.limit(),
	}
	if n := len(strings.Fields(f.Search)); n > maxWords {
		q.fail("search", "at most %d words", maxWords)
	}
	f.RefKey = q.reference(f.Provider, s.ReferenceKey)
	return f
}

// cursor writes the position behind an event.
func cursor(e *bridge.Event) string { return fmt.Sprint(e.Seq) }
