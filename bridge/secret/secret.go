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
	"log/slog"
	"net/url"
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
	known    = map[string]bool{}
	replacer atomic.Pointer[strings.Replacer]
)

// Register makes [Mask] hide value, also in its URL-escaped and base64 forms. Values under five
// bytes are ignored.
func Register(value string) {
	if len(value) < minLen {
		return
	}
	mu.Lock()
	defer mu.Unlock()
	if known[value] {
		return
	}
	known[value] = true
	for _, v := range []string{url.QueryEscape(value), url.PathEscape(value), base64.StdEncoding.EncodeToString([]byte(value))} {
		known[v] = true
	}
	all := make([]string, 0, len(known))
	for v := range known {
		all = append(all, v)
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

// Mask returns s with every registered secret replaced by [Shown].
func Mask(s string) string {
	if r := replacer.Load(); r != nil && s != "" {
		return r.Replace(s)
	}
	return s
}

// MaskBytes is [Mask] for bytes; it returns b itself when nothing had to be hidden.
func MaskBytes(b []byte) []byte {
	r := replacer.Load()
	if r == nil || len(b) == 0 {
		return b
	}
	if out := []byte(r.Replace(string(b))); !bytes.Equal(out, b) {
		return out
	}
	return b
}
