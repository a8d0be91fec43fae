package binding

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// JSON returns the report for programs, the YAML to paste among it.
func (r *Report) JSON() ([]byte, error) {
	return json.MarshalIndent(struct {
		*Report
		Complete bool   `json:"complete"`
		YAML     string `json:"yaml"`
	}{r, r.Complete(), r.YAML()}, "", "  ")
}

// Text returns the report as people read it, without the YAML.
func (r *Report) Text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("Contract of %s", r.Source)
	versions := make([]string, len(r.Versions))
	for i, v := range r.Versions {
		versions[i] = string(v)
	}
	line("namespace %s, SOAP %s", or(r.Namespace, "(none)"), or(strings.Join(versions, " and "), "in no version"))
	for _, o := range r.Operations {
		line("")
		if o.Name == "" {
			line("%s: %s", o.Kind, o.Note)
			continue
		}
		line("%s: %s", o.Kind, o.Name)
		line("  SOAP %s, SOAPAction %q, namespace %s", o.Version, o.Action, o.Namespace)
		rows := [][]string{{"argument", "type", "needed", "holds", "how sure"}}
		for _, a := range o.Arguments {
			needed := "yes"
			switch {
			case !a.Required:
				needed = "no"
			case a.Nillable:
				needed = "nil"
			}
			rows = append(rows, []string{a.Path, a.Type, needed, a.holds(), string(a.Sure) + ": " + a.Why})
		}
		table(&b, rows)
		answer := "  answers " + or(o.Result, "nothing")
		if o.Success != "" {
			answer += "; success is " + o.Success
		}
		line("%s", answer)
		if o.Note != "" {
			line("  %s", o.Note)
		}
	}
	line("")
	switch {
	case r.Default:
		line("This is the default contract: nothing has to be written under ssp.operations.")
	case len(r.Unplaced) == 0:
		line("Every argument was placed. Compare each line with what SSP's administrator says before you use it.")
	default:
		line("What cannot be known from the description:")
		for _, u := range r.Unplaced {
			line("  - %s", u)
		}
	}
	for _, u := range r.Unread {
		line("Not read: %s", u)
	}
	if r.Fingerprint != "" {
		line("Fingerprint %s; pergabridge contract verify confirms it.", r.Fingerprint)
	}
	return b.String()
}

// holds says in a word what the argument is proposed to hold.
func (a ArgumentReport) holds() string {
	switch {
	case a.Role != "":
		return string(a.Role)
	case strings.HasPrefix(a.YAML, "{hash:"):
		return "a hash"
	case a.YAML != "":
		return "a secret"
	}
	return "?"
}

// table writes rows in columns; the last column is as wide as it is.
func table(b *strings.Builder, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row[:len(row)-1] {
			width[i] = max(width[i], min(len(cell), 60))
		}
	}
	for _, row := range rows {
		b.WriteString("  ")
		for i, cell := range row[:len(row)-1] {
			fmt.Fprintf(b, "%-*s  ", width[i], cell)
		}
		b.WriteString(row[len(row)-1] + "\n")
	}
}

// YAML returns the lines to paste. Arguments that could not be placed are comments, so that the
// check goes on naming them.
func (r *Report) YAML() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("ssp:")
	switch {
	case r.URL != "" && r.Described:
		line("  url: %s  # as the description has it; the bridge may have to use another", strconv.Quote(r.URL))
	case r.URL != "":
		line("  url: %s", strconv.Quote(r.URL))
	}
	if r.Version == wsdl.SOAP12 {
		line("  version: %q", r.Version)
	}
	line("  operations:")
	for _, o := range r.Operations {
		if o.Name == "" {
			line("    # %s: %s", o.Kind, comment(o.Note))
			continue
		}
		line("    %s:", o.Kind)
		if o.Name != DefaultName(o.Kind) {
			line("      name: %s", plain(o.Name))
		}
		line("      arguments:")
		for _, a := range o.Arguments {
			if a.YAML == "" {
				line("        # %s: ?  # %s", plain(a.Path), comment(string(a.Sure)+": "+a.Why))
				continue
			}
			line("        %s: %s  # %s", plain(a.Path), a.YAML, comment(string(a.Sure)+": "+a.Why))
		}
		if o.Success != "" {
			line("      success: %s", o.Success)
		}
	}
	return b.String()
}

// comment keeps a text on its line.
func comment(s string) string { return strings.Join(strings.Fields(s), " ") }

var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// plain returns a name as a key or word of YAML.
func plain(s string) string {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "secret":
		return strconv.Quote(s)
	}
	if plainKey.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}
