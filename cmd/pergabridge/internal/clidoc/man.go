package clidoc

import (
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// A Page is what the man page says beside the command line.
type Page struct {
	Version string
	Date    time.Time // zero: none is printed
	// Exit are the exit codes with their meaning; Files the places of a service.
	Exit, Files [][2]string
}

// Man returns the man page, section 1, for man(7).
func Man(app *kong.Application, p Page) string {
	var b strings.Builder
	date := ""
	if !p.Date.IsZero() {
		date = p.Date.UTC().Format("2006-01-02")
	}
	fmt.Fprintf(&b, ".TH %s 1 \"%s\" \"%s %s\" \"User Commands\"\n", strings.ToUpper(app.Name), date, app.Name, roff(p.Version))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- connects SSP7 with the systems of external service providers\n", app.Name)
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n.I verb\n.RI [ flags ]\n.SH DESCRIPTION\n%s\n", app.Name, roff(app.Help))
	vs := verbs(app)
	b.WriteString(".SH FLAGS OF EVERY VERB\n")
	for _, f := range vs[0].flags {
		b.WriteString(manFlag(f))
	}
	b.WriteString(".SH VERBS\n")
	common := len(vs[0].flags)
	for _, v := range vs[1:] {
		if !v.leaf {
			continue
		}
		args := ""
		for _, a := range v.args {
			word := strings.ToUpper(a.Name)
			if !a.Required {
				word = "[" + word + "]"
			}
			args += " " + word
		}
		fmt.Fprintf(&b, ".SS \"%s%s\"\n%s\n", strings.Join(v.path, " "), roff(args), roff(v.help))
		for _, a := range v.args {
			if a.Help != "" {
				fmt.Fprintf(&b, ".TP\n.I %s\n%s\n", strings.ToUpper(a.Name), roff(a.Help))
			}
		}
		for _, f := range v.flags[common:] {
			b.WriteString(manFlag(f))
		}
	}
	for _, s := range []struct {
		title string
		rows  [][2]string
	}{{"EXIT STATUS", p.Exit}, {"FILES", p.Files}} {
		if len(s.rows) > 0 {
			fmt.Fprintf(&b, ".SH %s\n", s.title)
		}
		for _, row := range s.rows {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(row[0]), roff(row[1]))
		}
	}
	return b.String()
}

func manFlag(f flag) string {
	name := `\-\-` + strings.ReplaceAll(f.name, "-", `\-`)
	if f.short != "" {
		name = `\-` + f.short + ", " + name
	}
	if f.value != "" {
		name += "=" + roff(f.value)
	}
	return fmt.Sprintf(".TP\n.B %s\n%s\n", name, roff(f.help))
}

// roff writes a text so that no character of it is a request or an escape.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n", " ", "…", "...", "→", "->").Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
