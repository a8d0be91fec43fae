package processcall

import (
	"slices"
	"strings"
)

// names lists the fields of a process call, in the order in which problems with them are told.
var names = []string{
	"task", "request_type", "direction", "reference", "text", "message_id", "ticket", "title",
	"description", "priority", "requester.name", "requester.email", "author",
}

// Names returns the names of the fields of a process call; all others go to `fields`.
func Names() []string { return slices.Clone(names) }

// common holds spellings that are taken without being configured: SSP's one documented field key,
// and the plain words for the same things. Keys are in the form of plain.
var common = map[string]string{
	"taskid":                  "task",
	"taskexternalrequesttype": "request_type",
	"externalrequesttype":     "request_type",
	"requestdirection":        "direction",
	"externalreference":       "reference",
	"externalreferencenumber": "reference",
}

// free are the fields that hold what a person wrote, kept as it is.
func free(name string) bool { return name == "text" || name == "description" || name == "title" }

// plain returns a name in the form in which names are compared: without case, dots, spaces,
// hyphens and underscores.
func plain(name string) string {
	clean := true
	for i := 0; i < len(name); i++ {
		if c := name[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
			clean = false
			break
		}
	}
	if clean {
		return name
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '.', ' ', '-', '_', '\t':
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// How sure it is that a sender's name means one of ours; a surer name wins over a less sure one.
const (
	byConfig = iota
	byName
	byCommon
)

type meaning struct {
	name string // one of names, or "fields.…"
	rank int
}

// vocabulary knows what a sender's names mean.
type vocabulary struct{ means map[string]meaning }

func newVocabulary(aliases map[string]string) vocabulary {
	v := vocabulary{means: map[string]meaning{}}
	for their, our := range common {
		v.means[their] = meaning{our, byCommon}
	}
	for _, n := range names {
		v.means[plain(n)] = meaning{n, byName}
	}
	for their, our := range aliases {
		v.means[plain(their)] = meaning{our, byConfig}
	}
	return v
}

// of returns what a name means: one of names with its rank, or "" and the name to use in fields.
func (v vocabulary) of(name string) (m meaning, field string) {
	m, ok := v.means[plain(name)]
	if !ok {
		return meaning{}, bare(name)
	}
	if f, ok := strings.CutPrefix(m.name, fieldsPrefix); ok {
		return meaning{}, f
	}
	return m, ""
}

const fieldsPrefix = "fields."

// bare returns a sender's name without the prefix of what belongs to no field of ours.
func bare(name string) string {
	if n := len(fieldsPrefix); len(name) >= n && strings.EqualFold(name[:n], fieldsPrefix) {
		return name[n:]
	}
	return name
}

// target reports whether a config may give a sender's field this name.
func target(name string) bool {
	f, ok := strings.CutPrefix(name, fieldsPrefix)
	return ok && f != "" || slices.Contains(names, name)
}

// sorted are the values of a call under our names.
type sorted struct {
	known  map[string]string // our name → value as it came
	fields map[string]any    // everything else: text, or a list of texts
	clash  string            // one of our names that was given two different values
}

// sort gives every value of a call its place. Of several names that mean the same field the
// surest with a value wins; the others stay visible among the fields.
func (v vocabulary) sort(call []Field) sorted {
	type place struct {
		meaning
		field string
	}
	places := make([]place, len(call))
	best := make(map[string]int, len(names))
	for i, f := range call {
		p := &places[i]
		p.meaning, p.field = v.of(f.Name)
		if p.name != "" && strings.TrimSpace(f.Value) != "" {
			if r, ok := best[p.name]; !ok || p.rank < r {
				best[p.name] = p.rank
			}
		}
	}
	s := sorted{known: make(map[string]string, len(names))}
	for i, f := range call {
		m, field := places[i].meaning, places[i].field
		if m.name == "" {
			s.other(field, f.Value)
			continue
		}
		r, some := best[m.name]
		switch old, have := s.known[m.name]; {
		case some && strings.TrimSpace(f.Value) == "":
		case some && m.rank != r:
			s.other(f.Name, f.Value)
		case have && strings.TrimSpace(old) != strings.TrimSpace(f.Value) && s.clash == "":
			s.clash = m.name
		case !have:
			s.known[m.name] = f.Value
		}
	}
	return s
}

func (s *sorted) other(name, value string) {
	if s.fields == nil {
		s.fields = map[string]any{}
	}
	switch old := s.fields[name].(type) {
	case nil:
		s.fields[name] = value
	case string:
		s.fields[name] = []any{old, value}
	case []any:
		s.fields[name] = append(old, value)
	}
}
