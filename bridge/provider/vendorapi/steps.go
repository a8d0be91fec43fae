package vendorapi

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mapping"
)

// A Step says which operation an event takes and what is sent.
type Step struct {
	When      mapping.Expr `yaml:"when" doc:"condition; without it the step always fits"`
	Operation string       `yaml:"operation" doc:"operation of the vendor"`
	Body      mapping.Tree `yaml:"body" doc:"the fields, by our names"`
	Skip      bool         `yaml:"skip" doc:"the vendor is not told"`
}

// Steps are tried in order; the first that fits wins. A single step may be written without a list,
// and skip as a word.
type Steps []Step

// UnmarshalConfig reads a list, one step, or the word skip.
func (s *Steps) UnmarshalConfig(n *config.Node) {
	switch n.Kind() {
	case config.Scalar:
		if n.String() != "skip" {
			n.Problemf("describe the step, or write skip", "must be a step, a list of steps, or skip")
			return
		}
		*s = Steps{{Skip: true}}
	case config.Sequence:
		for _, it := range n.Items() {
			var one Step
			config.Decode(it, &one)
			*s = append(*s, one)
		}
		if len(*s) == 0 {
			n.Problemf("write skip if nothing is to follow", "is empty")
		}
	default:
		var one Step
		config.Decode(n, &one)
		*s = Steps{one}
	}
}

// ConfigSchema describes the three forms.
func (Steps) ConfigSchema() map[string]any {
	one := config.Schema(Step{})
	return map[string]any{"oneOf": []any{map[string]any{"const": "skip"}, one, map[string]any{"type": "array", "items": one}}}
}

// Check reports what does not fit the profile; fits names the operations of this place, none means all that
// write.
func (s Steps) Check(n *config.Node, p *Profile, t mapping.Tables, fits ...string) {
	if len(fits) == 0 {
		fits = slices.DeleteFunc(p.IDs(), func(id string) bool { return p.Operations[id].Reads })
	}
	for i := range s {
		st, at := &s[i], n
		if n.Kind() == config.Sequence {
			at = n.Item(i)
		}
		st.When.Within(mapping.Outgoing)
		st.Body.Within(mapping.Outgoing)
		t.Check(at, append(st.When.Tables(), st.Body.Tables()...))
		if st.When.IsZero() && i < len(s)-1 {
			at.Problemf("", "always fits, so the steps after it never do")
		}
		if st.Skip {
			if st.Operation != "" {
				at.Problemf("", "either skip or operation")
			}
			continue
		}
		if !slices.Contains(fits, st.Operation) {
			at.Key("operation").Problemf("", "%q is none of the operations that fit here: %v", st.Operation, fits)
			continue
		}
		if p.Operations[st.Operation].Disabled {
			at.Key("operation").Problemf("operations: {"+st.Operation+": {enabled: true, path: …}}", "%s is disabled until it is mapped", st.Operation)
		}
		if !st.Body.IsZero() && !st.Body.IsObject() {
			at.Key("body").Problemf("body: {name: value}", "must be a section")
		}
	}
}

// Take is [Steps.Choose] where a step has to fit.
func (s Steps) Take(env map[string]any) (*Step, map[string]any, error) {
	st, args, err := s.Choose(env)
	if err == nil && st == nil {
		err = errors.New("no step fits; add one without when, for instance skip: true")
	}
	return st, args, err
}

// Choose returns the step that fits and its values; nil when none does.
func (s Steps) Choose(env map[string]any) (*Step, map[string]any, error) {
	for i := range s {
		st := &s[i]
		if !st.When.IsZero() {
			ok, err := st.When.Bool(env)
			if err != nil {
				return nil, nil, fmt.Errorf("when: %w", err)
			}
			if !ok {
				continue
			}
		}
		if st.Skip || st.Body.IsZero() {
			return st, map[string]any{}, nil
		}
		v, err := st.Body.Eval(env)
		if err != nil {
			return nil, nil, fmt.Errorf("body: %w", err)
		}
		m, ok := v.(map[string]any)
		if !ok {
			return nil, nil, fmt.Errorf("body: gave %T, wanted an object", v)
		}
		return st, m, nil
	}
	return nil, nil, nil
}
