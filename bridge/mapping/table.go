package mapping

import (
	"fmt"
	"sort"
	"strings"
)

// Table translates the values of one side into those of the other, for instance priorities. Keys
// are compared trimmed and case-blind.
type Table struct {
	Values map[string]any `yaml:"values" required:"true" doc:"what each value becomes; keys are compared trimmed and case-blind"`
	// Default is what every other value becomes; without it they are an error that names the value.
	Default *Default `yaml:"default" doc:"what every other value becomes; without it they fail, naming the value"`

	folded map[string]any
}

// Default is the value of a [Table] for what it does not list.
type Default struct{ Value any }

// prepare folds the keys once.
func (t *Table) prepare() error {
	t.folded = make(map[string]any, len(t.Values))
	for _, k := range sortedKeys(t.Values) {
		f := foldKey(k)
		if _, twice := t.folded[f]; twice {
			return fmt.Errorf("%q is listed twice (upper and lower case are the same)", k)
		}
		t.folded[f] = t.Values[k]
	}
	return nil
}

// Lookup translates v.
func (t *Table) Lookup(v any) (any, error) {
	if t.folded == nil {
		if err := t.prepare(); err != nil {
			return nil, err
		}
	}
	s, err := Stringify(v)
	if err != nil {
		return nil, err
	}
	if out, ok := t.folded[foldKey(s)]; ok {
		return out, nil
	}
	if t.Default != nil {
		return t.Default.Value, nil
	}
	return nil, fmt.Errorf("the table has no value %q and no default", s)
}

// Tables are the tables of one provider, by name.
type Tables map[string]*Table

// Prepare folds the keys of all tables, so that they can be used by several goroutines at once.
func (ts Tables) Prepare() error {
	names := make([]string, 0, len(ts))
	for n := range ts {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		if err := ts[n].prepare(); err != nil {
			return fmt.Errorf("table %s: %w", n, err)
		}
	}
	return nil
}

// Env returns env with the function table(name, value) bound to these tables.
func (ts Tables) Env(env map[string]any) map[string]any {
	out := make(map[string]any, len(env)+1)
	for k, v := range env {
		out[k] = v
	}
	out["table"] = ts.lookup
	return out
}

func (ts Tables) lookup(name string, v any) (any, error) {
	t, ok := ts[name]
	if !ok {
		return nil, fmt.Errorf("there is no table %q", name)
	}
	x, err := t.Lookup(v)
	if err != nil {
		return nil, fmt.Errorf("table %q: %w", name, err)
	}
	return x, nil
}

func foldKey(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
