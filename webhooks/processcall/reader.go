package processcall

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/listener"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// A Reader lets in and reads the process calls for one provider. It is a [bridge.Receiver] for
// input that was let in before and is read again.
type Reader struct {
	provider   string
	auth       authenticator
	from       listener.Networks
	vocabulary vocabulary
	types      map[string]string
	directions map[string]bridge.Dir
	drop       map[string]bool
	literal    map[string]bool
	window     time.Duration
	limits     Limits
}

// New returns the reader of a provider's process calls.
func New(provider string, c Config) *Reader {
	r := &Reader{
		from:       c.Allow,
		provider:   provider,
		auth:       newAuthenticator(c.Auth),
		vocabulary: newVocabulary(c.Aliases),
		types:      table(builtinTypes, c.Types),
		directions: table(builtinDirections, directionTable(c.Directions)),
		drop:       map[string]bool{},
		literal:    map[string]bool{},
		window:     c.Window.Std(),
		limits:     c.Limits,
	}
	for _, f := range c.Drop {
		r.drop[plain(f)] = true
	}
	for _, f := range c.Literal {
		r.literal[f] = true
	}
	return r
}

// Open reports whether everybody is let in (`none: true`).
func (r *Reader) Open() bool { return r.auth.auth.None }

// WantsToken reports whether callers prove themselves by a token in the path.
func (r *Reader) WantsToken() bool { return r.auth.auth.Token != nil }

// From returns the networks that SSP is let in from; none: all.
func (r *Reader) From() listener.Networks { return r.from }

// BodyLimit returns the size of the largest body.
func (r *Reader) BodyLimit() int64 {
	if r.limits.Body > 0 {
		return int64(r.limits.Body)
	}
	return MaxBody
}

// WaitLimit returns the longest time an answer may be held back.
func (r *Reader) WaitLimit() time.Duration {
	if d := r.limits.Wait.Std(); d > 0 && d < MaxWait {
		return d
	}
	return MaxWait
}

// Admit checks what the caller proves outside the body, before the body is read. The error is a
// [*scheme.Denied]. Ways that prove the caller in the body are checked by [Reader.Read].
func (r *Reader) Admit(h http.Header, token string) error { return r.auth.admit(h, token) }

// ProvesEarly reports whether [Reader.Admit] proves a caller before its body is read.
func (r *Reader) ProvesEarly() bool {
	a := r.auth.auth
	return a.Header != nil || a.Basic != nil || a.Token != nil
}

// A Reading is what one call was read as.
type Reading struct {
	Event  bridge.Event
	Format Format
	// Field is the field that made the call unusable, for missing_field and unreplaced.
	Field string
}

// Errors of [Reader.Read] besides [*scheme.Denied].
var (
	// ErrFormat means that the content type is none that can be read.
	ErrFormat = errors.New("processcall: unsupported content type")
	// ErrUnproven means that the body could not be read, so that the proof in it could not be
	// checked; nothing of it may be kept. The text says what is wrong with it.
	ErrUnproven = errors.New("processcall: unreadable, and not authenticated")
)

// Read reads a call that [Reader.Admit] let in. A call that cannot be used comes back as an event
// with Quarantine set; only calls that may not be kept are errors. The input of the event has
// lost its secrets.
func (r *Reader) Read(in bridge.Inbound) (Reading, error) { return r.read(in, true) }

// Receive reads input that was stored by an earlier [Reader.Read], under the current config.
func (r *Reader) Receive(_ context.Context, in bridge.Inbound) ([]bridge.Event, error) {
	rd, err := r.read(in, false)
	if err != nil {
		return nil, err
	}
	return []bridge.Event{rd.Event}, nil
}

func (r *Reader) read(in bridge.Inbound, prove bool) (Reading, error) {
	format, ok := FormatOf(in.ContentType, in.Body)
	if !ok && prove {
		return Reading{}, ErrFormat
	}
	in.Provider, in.Entrance = r.provider, bridge.ByProcessCall
	e := bridge.Event{
		Provider: r.provider, Dir: bridge.Out, Entrance: bridge.ByProcessCall, Received: in.Received,
		Trace: in.Header["Traceparent"], Window: r.window,
	}
	call, err := Decode(in.ContentType, in.Body, r.limits.Depth, r.limits.Fields)
	if err != nil {
		if prove && r.auth.field != "" {
			return Reading{Format: format}, fmt.Errorf("%w: %w", ErrUnproven, err)
		}
		in.Body = secret.MaskBytes(in.Body)
		e.Inbound, e.Quarantine, e.Detail = &in, bridge.Unreadable, err.Error()
		return Reading{Event: e, Format: first(call.Format, format)}, nil
	}
	proof := r.auth.take(&call)
	if prove {
		if err := r.auth.check(r.vocabulary, call, proof); err != nil {
			return Reading{Format: call.Format}, err
		}
	}
	in = r.scrub(in, call, proof)
	e.Inbound = &in
	rd := Reading{Event: e, Format: call.Format}
	r.fill(&rd, call)
	return rd, nil
}

// fill gives the event what the call says, and judges it.
func (r *Reader) fill(rd *Reading, call Call) {
	call.Fields = slices.DeleteFunc(call.Fields, func(f Field) bool { return r.drop[plain(f.Name)] })
	s := r.vocabulary.sort(call.Fields)
	get := func(name string) string { return strings.TrimSpace(s.known[name]) }
	e := &rd.Event
	e.Task, e.Reference, e.Ticket, e.Priority = get("task"), get("reference"), get("ticket"), get("priority")
	e.Text, e.Title, e.Description = s.known["text"], get("title"), s.known["description"]
	e.Author, e.Requester = get("author"), bridge.Person{Name: get("requester.name"), Email: get("requester.email")}
	e.Fields = s.fields
	takeFiles(e, call)

	m := r.judge(get("request_type"), get("direction"))
	e.Kind, e.Echo = m.kind, m.echo
	if s.clash != "" {
		rd.fault(s.clash, bridge.Unreadable, "is given twice with different values")
		return
	}
	for _, name := range names {
		v := s.known[name]
		if left := placeholder(name, v); left != "" && !r.literal[name] {
			rd.fault(name, bridge.Unreplaced, "holds the unreplaced placeholder "+left+
				`: press "Sync the external app fields" in SSP and check this field in the template of the call`)
			if name == "task" {
				e.Task = ""
			}
			return
		}
		if !free(name) && quotedTwice(v) {
			rd.fault(name, bridge.Unreadable, "is quoted twice: ||JSON adds the quotes itself, so remove those around the placeholder in the template")
			return
		}
	}
	switch {
	case e.Task == "":
		rd.fault("task", bridge.MissingField, "is missing or empty: without the task id nothing can be done")
	case get("request_type") == "" && e.Echo == bridge.EchoUnknown && m.unknown != "direction":
		rd.fault("request_type", bridge.MissingField,
			"is missing or empty: it tells what happened (Submit Request, Update, Resolution Rejection, Closed)")
	case m.unknown != "":
		rd.fault(m.unknown, bridge.UnknownType, fmt.Sprintf("holds %q, which is not known: add it to the table %s of the intake",
			clip(get(m.unknown), 80), map[string]string{"request_type": "types", "direction": "directions"}[m.unknown]))
	default:
		e.Key = get("message_id")
	}
}

// fault makes the event one for quarantine, where it has no key: the corrected call that comes
// with the same key later must not be taken for a conflict with it.
func (rd *Reading) fault(field string, why bridge.Reason, what string) {
	rd.Field = field
	e := &rd.Event
	e.Quarantine, e.Detail, e.Echo = why, "the field "+field+" "+what, bridge.EchoUnknown
}

var (
	// replaceMark is SSP's own placeholder; inputMark one of a web service call's inputs.
	replaceMark = regexp.MustCompile(`#REPLACE-[A-Za-z]+-[^#\r\n]{1,200}#`)
	inputMark   = regexp.MustCompile(`#[A-Za-z][A-Za-z0-9_. -]{0,80}\|\|[A-Za-z]+#`)
	bareMark    = regexp.MustCompile(`^\s*#[A-Z][A-Z0-9_]{1,80}#\s*$`)
)

// placeholder returns a placeholder that was left in a value, or "". A bare #WORD# counts only
// where no person writes.
func placeholder(name, v string) string {
	if strings.IndexByte(v, '#') < 0 {
		return ""
	}
	if m := replaceMark.FindString(v); m != "" {
		return clip(m, 120)
	}
	if m := inputMark.FindString(v); m != "" {
		return m
	}
	if !free(name) && bareMark.MatchString(v) {
		return strings.TrimSpace(v)
	}
	return ""
}

func quotedTwice(v string) bool {
	v = strings.TrimSpace(v)
	return len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"'
}
