package mailmark

import "strings"

// Place stands in a text of one's own where the tags go.
const Place = "{{tags}}"

// EscapeIn is [Format.Escape] for a value in such a text: no value says where the tags go.
func (f *Format) EscapeIn(value string) string {
	return strings.ReplaceAll(f.Escape(value), Place, "{ {tags}}")
}
