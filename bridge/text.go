package bridge

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// NewID returns a new time-ordered event id (UUIDv7, RFC 9562).
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// ReferenceKey returns reference in the form in which references are compared: trimmed, Unicode
// NFC and, unless caseSensitive, case-folded.
func ReferenceKey(reference string, caseSensitive bool) string {
	r := norm.NFC.String(strings.TrimSpace(reference))
	if caseSensitive {
		return r
	}
	return cases.Fold().String(r)
}

var htmlTag = regexp.MustCompile(`<[a-zA-Z/!][^<>]*>`)

// LinkMark begins the token of a link to a file; see package files.
const LinkMark = "pbf1"

// fileLink is what a text for SSP holds behind the name of a file where links are switched on.
var fileLink = regexp.MustCompile(`\s*https?://[^\s<>"]{1,300}/files/` + LinkMark + `[a-z2-7]{40,400}(?:\s*\(until \d{4}-\d\d-\d\d\))?`)

// TextHash returns the hash by which a text is recognised when it comes back: entities decoded,
// tags, links to files and all white space removed, case kept. It is empty for a text without any
// content.
func TextHash(text string) string {
	t := html.UnescapeString(htmlTag.ReplaceAllString(text, ""))
	if strings.Contains(t, "/files/"+LinkMark) {
		t = fileLink.ReplaceAllString(t, "")
	}
	t = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, norm.NFKC.String(t))
	if t == "" {
		return ""
	}
	return digest(t)
}

// ContentHash returns the hash that tells a repeat from a conflict: it covers what the event says
// (kind, task, reference, texts, persons, fields), never when or by which entrance it came.
func (e *Event) ContentHash() string {
	if e.Kind == "" && e.Inbound != nil {
		return digest("raw", string(e.Inbound.Body))
	}
	fields, err := json.Marshal(e.Fields) // map keys are sorted
	if err != nil {
		fields = []byte(err.Error())
	}
	return digest(string(e.Dir), string(e.Kind), strings.TrimSpace(e.Task), e.refKey(), e.Text, e.Ticket,
		e.Title, e.Description, e.Priority, e.Requester.Name, e.Requester.Email, string(fields))
}

// MergeHash returns the hash by which an event without a sender's id is recognised as a repeat;
// the store adds the bond's count of resolves. An event that names a reference is known by it,
// whether or not it names the task as well. Two that bring different files are two, however few words
// came with them.
func (e *Event) MergeHash() string {
	who := "task:" + strings.TrimSpace(e.Task)
	if k := e.refKey(); k != "" && e.Dir == In {
		who = "ref:" + k
	}
	parts := []string{string(e.Dir), string(e.Known()), who, e.refKey(), e.Text}
	for _, f := range FilesOf(e) {
		parts = append(parts, f.SHA256)
	}
	return digest(parts...)
}

// Known returns the kind that the event has where its ticket is known: for [Open] that is Else, or
// [Acknowledge]; for all others their kind.
func (e *Event) Known() Kind {
	switch {
	case e.Kind != Open:
		return e.Kind
	case e.Else != "":
		return e.Else
	}
	return Acknowledge
}

func (e *Event) refKey() string {
	if e.RefKey != "" {
		return e.RefKey
	}
	return ReferenceKey(e.Reference, false)
}

// Normalize trims what is compared and derives RefKey where the source did not.
func (e *Event) Normalize() {
	e.Task = strings.TrimSpace(e.Task)
	e.Reference = strings.TrimSpace(e.Reference)
	e.Key = strings.TrimSpace(e.Key)
	e.RefKey = e.refKey()
	e.BouncedAt = e.BouncedAt.UTC().Truncate(time.Second)
	if e.Window <= 0 {
		e.Window = DefaultWindow
	}
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
