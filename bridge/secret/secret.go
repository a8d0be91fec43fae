// Package secret holds values that must never be printed.
//
// A [Text] formats, logs and marshals as a fixed mask. Every secret that the config names and every
// token that is obtained is also registered ([Register]), so that [Mask] can remove it from
// anything that is about to be stored, logged or shown, wherever it turns up (a URL, an answer
// that repeats it). The register is one per process on purpose: a leak is a leak whoever prints.
package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"log/slog"
	"net/url"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
)

// Shown is what stands where a secret stood.
const Shown = "[secret]"

// minLen is the length in bytes under which a value is not masked inside other text: masking "a"
// everywhere would destroy what it protects.
const minLen = 5

// A Text is a secret string. The zero Text is empty.
type Text struct{ value string }

// New registers value and returns it as a Text.
func New(value string) Text {
	Register(value)
	return Text{value}
}

// Reveal returns the secret itself, for the one place that sends or compares it.
func (t Text) Reveal() string { return t.value }

// Empty reports whether there is no secret.
func (t Text) Empty() bool { return t.value == "" }

// String returns the mask, or "" for an empty secret.
func (t Text) String() string {
	if t.value == "" {
		return ""
	}
	return Shown
}

// GoString returns the mask.
func (t Text) GoString() string { return Shown }

// MarshalText returns the mask, so that no encoder can leak the value.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// LogValue returns the mask.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

var (
	mu       sync.Mutex
	known    = map[string][]string{} // value → its forms
	replacer atomic.Pointer[strings.Replacer]
)

// Register makes [Mask] hide value, also as it stands in URLs, XML, JSON and base64. Values under
// five bytes are ignored.
func Register(value string) {
	if len(value) < minLen {
		return
	}
	mu.Lock()
	defer mu.Unlock()
	if known[value] != nil {
		return
	}
	known[value] = forms(value)
	all := make([]string, 0, 3*len(known))
	for _, f := range known {
		all = append(all, f...)
	}
	sort.Slice(all, func(i, j int) bool { // longest first: a secret may contain another
		if len(all[i]) != len(all[j]) {
			return len(all[i]) > len(all[j])
		}
		return all[i] < all[j]
	})
	pairs := make([]string, 0, 2*len(all))
	for _, v := range all {
		pairs = append(pairs, v, Shown)
	}
	replacer.Store(strings.NewReplacer(pairs...))
}

var (
	xmlEscape  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	attrEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")
)

// forms returns value and what encoders make of it, each once.
func forms(value string) []string {
	plain, escaped := jsonText(value, false), jsonText(value, true)
	list := []string{value, url.QueryEscape(value), url.PathEscape(value), base64.StdEncoding.EncodeToString([]byte(value)),
		html.EscapeString(value), xmlEscape.Replace(value), attrEscape.Replace(value), plain, escaped}
	slices.Sort(list)
	return slices.Compact(list)
}

// jsonText returns value as it stands between the quotes of a JSON string.
func jsonText(value string, escapeHTML bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(escapeHTML)
	if err := e.Encode(value); err != nil {
		return value
	}
	s := strings.TrimSuffix(b.String(), "\n")
	return s[1 : len(s)-1]
}

// Mask returns s with every registered secret replaced by [Shown].
func Mask(s string) string {
	if r := replacer.Load(); r != nil && s != "" && hides(r, s) {
		return r.Replace(s)
	}
	return s
}

// hides reports whether r would change s, without making a copy: nearly always there is nothing to
// hide, and inputs can be large. A replacer writes what it leaves alone in one piece.
func hides(r *strings.Replacer, s string) bool {
	var p pieces
	_, _ = r.WriteString(&p, s) // pieces takes everything
	return p > 1                // what it changes it writes beside the rest
}

// pieces counts what is written to it.
type pieces int

func (p *pieces) Write(b []byte) (int, error) {
	*p++
	return len(b), nil
}

func (p *pieces) WriteString(s string) (int, error) {
	*p++
	return len(s), nil
}

// MaskBytes is [Mask] for bytes; it returns b itself when nothing had to be hidden.
func MaskBytes(b []byte) []byte {
	r := replacer.Load()
	if r == nil || len(b) == 0 {
		return b
	}
	if s := string(b); hides(r, s) {
		return []byte(r.Replace(s))
	}
	return b
}
