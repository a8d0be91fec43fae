package tesseron

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"

	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// fields evaluates what the config wants written; empty values are left out.
func (d *Destination) fields(what string, tree mapping.Tree, env map[string]any) (map[string]any, error) {
	if tree.IsZero() {
		return map[string]any{}, nil
	}
	v, err := tree.Eval(env)
	if err != nil {
		return nil, vendorapi.Unmapped(d.name, what, err)
	}
	m, ok := withoutEmpty(v).(map[string]any)
	if !ok {
		return nil, vendorapi.Unmapped(d.name, what, fmt.Errorf("gave %T, wanted an object", v))
	}
	return m, nil
}

// withoutEmpty drops what is empty: an empty text must never overwrite what the vendor has.
func withoutEmpty(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, y := range x {
			if y = withoutEmpty(y); y != nil && y != "" {
				out[k] = y
			}
		}
		if len(out) == 0 && len(x) > 0 {
			return nil
		}
		return out
	case []any:
		var out []any
		for _, y := range x {
			if y = withoutEmpty(y); y != nil && y != "" {
				out = append(out, y)
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	}
	return v
}

// enterprise returns the id of the enterprise and its customer number, if that is known.
func (d *Destination) enterprise(ctx context.Context, env map[string]any) (id int64, number string, err error) {
	x := &d.config.Enterprise
	if x.By == "" {
		return x.ID, "", nil
	}
	r, found, value, err := d.lookFor(ctx, "enterprise", x, env, func(vendorapi.Record) bool { return true })
	if err != nil {
		return 0, "", err
	}
	if !found {
		return d.missingEnterprise(ctx, value, env)
	}
	if id, ok := r.Int("enterpriseId"); ok {
		return id, r.String("businessPartnerId"), d.merge(ctx, "enterprise", "UpdateEnterprise", x, r, env)
	}
	return 0, "", vendorapi.Unmapped(d.name, "enterprise", fmt.Errorf("the vendor's id %q is no number", r.String("enterpriseId")))
}

func (d *Destination) missingEnterprise(ctx context.Context, value string, env map[string]any) (int64, string, error) {
	x := &d.config.Enterprise
	if x.Create == "when_missing" && value != "" {
		fields, err := d.fields("enterprise.fields", x.Fields, env)
		if err != nil {
			return 0, "", err
		}
		d.warnPostcode("enterprise", fields)
		answer, _, err := d.api.send(ctx, "CreateEnterprise", fields)
		if err != nil {
			return 0, "", err
		}
		number, _ := fields["businessPartnerId"].(string)
		if id := firstInt(answer, "enterpriseId"); id != 0 {
			return id, number, nil
		}
		return 0, "", vendorapi.Unmapped(d.name, "CreateEnterprise", fmt.Errorf("the answer holds no id"))
	}
	if x.Missing == "refuse" || x.ID == 0 {
		return 0, "", vendorapi.Refused(d.name, "submit", fmt.Sprintf("no enterprise has %s %q", x.By, value))
	}
	return x.ID, "", nil
}

// contact returns the id of the contact; 0 leaves it out.
func (d *Destination) contact(ctx context.Context, enterprise int64, number string, env map[string]any) (int64, error) {
	x := &d.config.Contact
	if x.By == "" {
		return x.ID, nil
	}
	r, found, value, err := d.lookFor(ctx, "contact", x, env, func(r vendorapi.Record) bool {
		of, ok := r.Int("enterpriseId")
		return !ok || of == enterprise
	})
	if err != nil {
		return 0, err
	}
	if found {
		id, ok := r.Int("contactId")
		if !ok {
			return 0, vendorapi.Unmapped(d.name, "contact", fmt.Errorf("the vendor's id %q is no number", r.String("contactId")))
		}
		return id, d.merge(ctx, "contact", "UpdateContact", x, r, withNumber(env, number))
	}
	if x.Create == "when_missing" && value != "" {
		fields, err := d.fields("contact.fields", x.Fields, env)
		if err != nil {
			return 0, err
		}
		if fields["enterpriseReference"] == nil && number != "" {
			fields["enterpriseReference"] = number
		}
		d.warnPostcode("contact", fields)
		answer, _, err := d.api.send(ctx, "CreateContact", fields)
		if err != nil {
			return 0, err
		}
		if id := firstInt(answer, "contactId"); id != 0 {
			return id, nil
		}
		return 0, vendorapi.Unmapped(d.name, "CreateContact", fmt.Errorf("the answer holds no id"))
	}
	if x.Missing == "refuse" {
		return 0, vendorapi.Refused(d.name, "submit", fmt.Sprintf("no contact has %s %q", x.By, value))
	}
	if x.Missing == "omit" {
		return 0, nil
	}
	return x.ID, nil
}

// numberKey carries the customer number of the contact's enterprise to merge.
const numberKey = "enterprise_number"

func withNumber(env map[string]any, number string) map[string]any {
	out := maps.Clone(env)
	out[numberKey] = number
	return out
}

// written remembers the last update of each record. The vendor's reads leave fields out (a contact's
// department and address), so that nothing else tells that a second task brings nothing new.
type written struct {
	mu   sync.Mutex
	last map[string]string
}

// maxWritten bounds what is remembered; beyond it a record may be written once more.
const maxWritten = 10000

// same reports whether this is what was written last. The record is named by operation and id.
func (w *written) same(record, whole string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last[record] == whole
}

func (w *written) set(record, whole string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil || len(w.last) >= maxWritten {
		w.last = map[string]string{}
	}
	w.last[record] = whole
}

// merge lays what the config says over what is there, and writes the whole, if that changes anything.
// Whether the vendor clears what a call leaves out is not published; what its reads do not show cannot be
// kept by us.
func (d *Destination) merge(ctx context.Context, what, op string, x *Party, r vendorapi.Record, env map[string]any) error {
	if x.Update != "merge" {
		return nil
	}
	number, _ := env[numberKey].(string)
	env = maps.Clone(env)
	delete(env, numberKey)
	want, err := d.fields(what+".fields", x.Fields, env)
	if err != nil {
		return err
	}
	have := d.present(op, r)
	whole := maps.Clone(have)
	changed := false
	for k, v := range want {
		if old, ok := have[k]; ok && sameValue(old, v) {
			continue
		}
		if m, ok := v.(map[string]any); ok {
			if old, ok := have[k].(map[string]any); ok {
				both := maps.Clone(old)
				maps.Copy(both, m)
				if sameValue(old, both) {
					continue
				}
				v = both
			}
		}
		whole[k], changed = v, true
	}
	if !changed {
		return nil
	}
	if op == "UpdateContact" && whole["enterpriseReference"] == nil && number != "" {
		whole["enterpriseReference"] = number
	}
	raw, err := json.Marshal(whole)
	if err != nil {
		return vendorapi.Unmapped(d.name, what+".fields", err)
	}
	record := op + " " + r.String(what+"Id")
	if d.written.same(record, string(raw)) {
		return nil
	}
	d.warnPostcode(what, whole)
	if _, _, err = d.api.send(ctx, op, whole); err == nil {
		d.written.set(record, string(raw))
	}
	return err
}

// present turns a record that was read into what an update would write.
func (d *Destination) present(op string, r vendorapi.Record) map[string]any {
	p := d.api.client.Profile
	out := map[string]any{}
	for name, f := range p.Operations[op].Fields {
		v, ok := r.Value(name)
		if !ok || name == "status" { // the status is text on reads and a number on writes
			continue
		}
		switch {
		case f.Shape == "":
			if s := r.String(name); s != "" && fitsType(f, s) {
				out[name] = s
			}
		case f.List:
			var list []any
			for _, x := range p.Records(f.Shape, r.List(name)) {
				list = append(list, withoutEmpty(x.Canonical()))
			}
			if len(list) > 0 {
				out[name] = list
			}
		default:
			m, ok := v.(map[string]any)
			if list, isList := v.([]any); isList && len(list) > 0 {
				m, ok = list[0].(map[string]any)
			}
			if ok {
				if kept := withoutEmpty(p.Record(f.Shape, m).Canonical()); kept != nil {
					out[name] = kept
				}
			}
		}
	}
	return out
}

// fitsType leaves out what is read in another form than it is written, as the names of users.
func fitsType(f *vendorapi.Field, s string) bool {
	if f.Type != "integer" {
		return true
	}
	_, err := json.Number(s).Int64()
	return err == nil
}

func sameValue(a, b any) bool {
	return reflect.DeepEqual(plain(a), plain(b))
}

func plain(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, y := range x {
			out[k] = plain(y)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, y := range x {
			out[i] = plain(y)
		}
		return out
	}
	return strings.TrimSpace(fmt.Sprint(v))
}

// warnPostcode tells of a postcode that the publisher's number cannot hold.
func (d *Destination) warnPostcode(what string, fields map[string]any) {
	address, ok := fields["address"].(map[string]any)
	f := d.api.client.Profile.Shapes["address"]["postcode"]
	if !ok || f == nil || f.Type != "postcode" {
		return
	}
	if s, ok := vendorapi.Postcode(fmt.Sprint(address["postcode"])).(string); ok && address["postcode"] != nil {
		d.log.Warn("a postcode would lose digits as the number that the vendor publishes; it is sent as text", "provider", d.name, "of", what, "length", len(s))
	}
}
