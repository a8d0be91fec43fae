package processcall

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound/charset"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// scrub returns the input as it may be stored: every registered secret and the given proofs are
// replaced. Where a secret hides behind an escape or another character set, the body is written
// anew, first as UTF-8, and if that does not show it, as flat JSON of the same fields; both read
// back to the same call.
func (r *Reader) scrub(in bridge.Inbound, c Call, proof []string) bridge.Inbound {
	hide := func(s string) string {
		for _, p := range proof {
			if len(p) > 0 {
				s = strings.ReplaceAll(s, p, secret.Shown)
			}
		}
		return secret.Mask(s)
	}
	dirty := len(proof) > 0
	for i, f := range c.Fields {
		if v := hide(f.Value); v != f.Value {
			c.Fields[i].Value, dirty = v, true
		}
	}
	body := secret.MaskBytes(in.Body)
	if !dirty {
		in.Body = body
		return in
	}
	in.Body = []byte(hide(string(body)))
	if r.clean(in, proof) {
		return in
	}
	if text, err := charset.UTF8(in.ContentType, in.Body); err == nil && !bytes.Equal(text, in.Body) {
		media, _, _ := strings.Cut(in.ContentType, ";")
		in.ContentType, in.Body = media+"; charset=utf-8", []byte(hide(string(text)))
		if r.clean(in, proof) {
			return in
		}
	}
	in.ContentType, in.Body = "application/json", flatJSON(c.Fields)
	return in
}

// clean reports whether nothing secret can be read out of a body any more.
func (r *Reader) clean(in bridge.Inbound, proof []string) bool {
	c, err := Decode(in.ContentType, in.Body, r.limits.Depth, r.limits.Fields)
	if err != nil {
		return false
	}
	for _, f := range c.Fields {
		if secret.Mask(f.Value) != f.Value {
			return false
		}
		for _, p := range proof {
			if p != "" && strings.Contains(f.Value, p) {
				return false
			}
		}
	}
	return true
}

// flatJSON writes fields as one flat JSON object; repeated names become lists.
func flatJSON(fields []Field) []byte {
	m := make(map[string]any, len(fields))
	for _, f := range fields {
		switch old := m[f.Name].(type) {
		case nil:
			m[f.Name] = f.Value
		case string:
			m[f.Name] = []string{old, f.Value}
		case []string:
			m[f.Name] = append(old, f.Value)
		}
	}
	b, err := json.Marshal(m)
	if err != nil { // maps of strings always marshal
		return []byte("{}")
	}
	return b
}
