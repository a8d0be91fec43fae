package mailmark

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names of the built-in labels.
const (
	Task      = "task"
	Ticket    = "ticket"
	Reference = "reference"
	Status    = "status"
	Author    = "author"
	Message   = "message"
	Solution  = "solution"
)

// builtin holds the built-in labels with the names they have without a config; the first is written.
var builtin = map[string][]string{
	Task:      {"Task", "TaskId", "Task Id", "Task Number", "Aufgabe", "Taak", "Tâche", "Tarea", "Tehtävä"},
	Ticket:    {"Ticket", "TicketId", "Ticket Id", "Ticket Number"},
	Reference: {"Reference", "External Reference", "External Id", "External Ticket Id", "Referenz", "Referentie", "Référence", "Referencia", "Viite"},
	Status:    {"Status", "State", "Statut", "Estado", "Tila"},
	Author:    {"Author", "Autor", "Auteur", "Tekijä"},
	Message:   {"Message", "Nachricht", "Bericht", "Mensaje", "Viesti", "Update"},
	Solution:  {"Solution", "Lösung", "Oplossing", "Solución", "Ratkaisu", "Resolution"},
}

// Labels lists the names of the built-in labels, sorted.
func Labels() []string { return []string{Author, Message, Reference, Solution, Status, Task, Ticket} }

// StandardFormat is SSP's own example.
const StandardFormat = "[[Label]]: value"

// Bounds of what is read.
const (
	maxLabel = 60
	maxTags  = 200
	maxBegin = 1 << 10 // bytes of a line in which a tag has to begin
)

// A Format reads and writes tags. The zero Format is not usable; see [NewFormat].
type Format struct {
	before, between, after string
	line                   *regexp.Regexp    // the beginning of a line that is a tag
	anywhere               *regexp.Regexp    // the beginning of a tag, for escaping
	names                  map[string]string // folded label → built-in name
	write                  map[string]string // built-in name → label
	known                  bool              // only known labels are tags
}

// NewFormat compiles a format: any text with the words label and value in it. aliases replaces the
// names of built-in labels.
func NewFormat(format string, aliases map[string][]string) (*Format, error) {
	if format == "" {
		format = StandardFormat
	}
	lower := strings.ToLower(format)
	at := strings.Index(lower, "label")
	if at < 0 || len(lower) != len(format) {
		return nil, fmt.Errorf("mailmark: the format %q does not hold the word Label", format)
	}
	rest := lower[at+len("label"):]
	val := strings.Index(rest, "value")
	if val < 0 {
		return nil, fmt.Errorf("mailmark: the format %q does not hold the word value after Label", format)
	}
	f := &Format{
		before: format[:at], between: format[at+len("label"):][:val], after: rest[val+len("value"):],
		names: map[string]string{}, write: map[string]string{},
	}
	// `[[Label]]: [[Value]]`: SSP's pages write the value in brackets, its mails do not.
	opening, optional := strings.TrimSpace(f.before), ""
	if opening != "" && strings.HasSuffix(f.between, opening) && f.after != "" {
		f.between, optional = strings.TrimSuffix(f.between, opening), opening
	}
	if strings.TrimSpace(f.between) == "" {
		return nil, fmt.Errorf("mailmark: the format %q has nothing between label and value", format)
	}
	f.known = opening == ""
	label := `([^\n]{1,` + fmt.Sprint(maxLabel) + `}?)`
	if end, _ := utf8.DecodeRuneInString(strings.TrimSpace(f.between)); end != utf8.RuneError {
		label = `([^\n` + regexp.QuoteMeta(string(end)) + `]{1,` + fmt.Sprint(maxLabel) + `})`
	}
	begin := strict(f.before) + space + label + space + loose(f.between)
	lead := ``
	if optional != "" {
		lead = `(?:` + regexp.QuoteMeta(optional) + `)?`
	}
	var err error
	// A tag begins its line; list marks and emphasis that mail programs add are forgiven.
	if f.line, err = regexp.Compile(`^[\s*•·-]*` + begin + `[*]*\s*` + lead); err != nil {
		return nil, fmt.Errorf("mailmark: format %q: %w", format, err)
	}
	if f.anywhere, err = regexp.Compile(begin); err != nil {
		return nil, fmt.Errorf("mailmark: format %q: %w", format, err)
	}
	return f, f.label(aliases)
}

func (f *Format) label(aliases map[string][]string) error {
	for name := range aliases {
		if builtin[name] == nil {
			return fmt.Errorf("mailmark: there is no built-in label %q; known are %s", name, strings.Join(Labels(), ", "))
		}
	}
	for _, name := range Labels() {
		labels := builtin[name]
		if own := aliases[name]; len(own) > 0 {
			labels = own
		}
		f.write[name] = labels[0]
		for _, l := range labels {
			k := fold(l)
			if k == "" || len(l) > maxLabel {
				return fmt.Errorf("mailmark: %q cannot be a label", l)
			}
			if other, taken := f.names[k]; taken && other != name {
				return fmt.Errorf("mailmark: the label %q stands for both %s and %s", l, other, name)
			}
			f.names[k] = name
		}
	}
	return nil
}

// space is white space of any kind, as other readers know it, too.
const space = `[\s\p{Z}]*`

// strict matches a literal part; only its white space is as anybody writes it. Escaping relies on it:
// a space inside the mark before a label makes it none.
func strict(lit string) string {
	words := strings.Fields(lit)
	for i, w := range words {
		words[i] = regexp.QuoteMeta(w)
	}
	return strings.Join(words, space)
}

// loose matches a literal part with white space between any two different signs: "]] :" is "]]:".
func loose(lit string) string {
	var b strings.Builder
	var last rune
	for _, r := range strings.Join(strings.Fields(lit), "") {
		if last != 0 && r != last {
			b.WriteString(space)
		}
		b.WriteString(regexp.QuoteMeta(string(r)))
		last = r
	}
	return b.String()
}

// fold makes labels comparable: case, spaces, and signs that join words do not count. It is empty
// for what holds no letter or digit, or holds other signs.
func fold(label string) string {
	other := false
	k := strings.ToLower(strings.Map(func(r rune) rune {
		if wordRune(r) {
			return r
		}
		other = other || !unicode.IsSpace(r) && !strings.ContainsRune("-_.*", r)
		return -1
	}, label))
	if other {
		return ""
	}
	return k
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// A Tag is one tag of a text.
type Tag struct {
	Name  string // built-in name, or "" for any other label
	Label string // as it was written
	Value string
}

// Parsed is a text taken apart.
type Parsed struct {
	Tags []Tag
	Rest string // what no tag holds
}

// Get returns the value of a built-in label; several message or solution tags are joined, of the
// others the first counts.
func (p Parsed) Get(name string) string {
	var out []string
	for _, t := range p.Tags {
		if t.Name != name || t.Value == "" {
			continue
		}
		out = append(out, t.Value)
		if !long(name) {
			break
		}
	}
	return strings.Join(out, "\n\n")
}

// All returns the different values of a built-in label, compared without case.
func (p Parsed) All(name string) []string {
	var out []string
	for _, t := range p.Tags {
		if t.Name == name && t.Value != "" && !slices.ContainsFunc(out, func(v string) bool { return strings.EqualFold(v, t.Value) }) {
			out = append(out, t.Value)
		}
	}
	return out
}

func long(name string) bool { return name == Message || name == Solution }

// names reports whether a built-in label names something by a number.
func names(name string) bool { return name == Task || name == Ticket || name == Reference }

// placeholder is what the template of a sender leaves where nothing was filled in: {TaskId}, <number>, %TASK%.
// Numbers have digits.
var placeholder = regexp.MustCompile(`^(?:\$?\{[^\d]*\}|<[^\d]*>|\[[^\d]*\]|%[^\d]*%|#[^\d]*#)$`)

// seen returns a line as people see it: every space is one, and what mail programs put between signs for
// direction or wrapping is gone. It would hide a tag, or become part of a number.
func seen(line string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Zs, r):
			return ' '
		case unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d': // these two are part of words and signs
			return -1
		}
		return r
	}, line)
}

// next cuts a line before the second tag in it: programs that wrap or collapse lines put several into one.
// Only what takes one line itself ends there, and only before a built-in label, which users cannot
// write: see pull.
func (f *Format) next(line string) (first, rest string) {
	if f.known || f.single() || len(line) > maxBegin {
		return line, ""
	}
	line = seen(line)
	if t, ok := f.tag(line); !ok || t.Name == "" || long(t.Name) {
		return line, ""
	}
	for from := f.line.FindStringIndex(line)[1]; from < len(line); {
		at := f.anywhere.FindStringSubmatchIndex(line[from:])
		if at == nil {
			break
		}
		if f.names[fold(line[from+at[2]:from+at[3]])] != "" {
			return line[:from+at[0]], line[from+at[0]:]
		}
		from += at[1]
	}
	return line, ""
}

// single reports whether the mark before a label is a single sign, or none.
func (f *Format) single() bool { return utf8.RuneCountInString(strings.TrimSpace(f.before)) < 2 }

// tag reads one line.
func (f *Format) tag(line string) (Tag, bool) {
	line = seen(line)
	at := f.line.FindStringSubmatchIndex(line[:min(len(line), maxBegin)])
	if at == nil {
		return Tag{}, false
	}
	value := strings.TrimSuffix(strings.TrimSpace(line[at[1]:]), strings.TrimSpace(f.after))
	t := Tag{Label: strings.Trim(line[at[2]:at[3]], " \t*_"), Value: strings.TrimSpace(value)}
	k := fold(t.Label)
	t.Name = f.names[k]
	if strings.IndexFunc(t.Label, wordRune) < 0 || f.known && t.Name == "" {
		return Tag{}, false
	}
	if names(t.Name) && placeholder.MatchString(t.Value) {
		t.Value = ""
	}
	return t, true
}

// IsTag reports whether a line is a tag.
func (f *Format) IsTag(line string) bool {
	_, ok := f.tag(line)
	return ok
}

// Parse takes a text apart.
func (f *Format) Parse(text string) Parsed {
	var p Parsed
	var rest, body []string
	open := -1 // index of the tag that runs on
	end := func() {
		if open >= 0 {
			p.Tags[open].Value = joined(p.Tags[open].Value, body)
		}
		open, body = -1, nil
	}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if len(p.Tags) < maxTags {
			first, more := f.next(line)
			if t, ok := f.tag(first); ok {
				end()
				p.Tags = append(p.Tags, t)
				if long(t.Name) {
					open = len(p.Tags) - 1
				}
				if more != "" {
					lines[i] = more
					i--
				}
				continue
			}
		}
		if open >= 0 {
			body = append(body, line)
		} else {
			rest = append(rest, line)
		}
	}
	end()
	p.Rest = joined("", rest)
	return p
}

func joined(first string, lines []string) string {
	return strings.TrimSpace(first + "\n" + strings.Join(lines, "\n"))
}

// Write returns a tag. A value of a one-line label is put on one line.
func (f *Format) Write(name, value string) string {
	label, ok := f.write[name]
	if !ok {
		label = name
	}
	if !long(name) {
		value = strings.Join(strings.Fields(value), " ")
	}
	sep := ""
	if !strings.HasSuffix(f.between, " ") && strings.ContainsAny(f.between, ":=") {
		sep = " "
	}
	return f.before + label + f.between + sep + f.Escape(value)
}

// Escape changes what looks like a tag so that no reader takes it for one, and people can still
// read it.
func (f *Format) Escape(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if !f.known {
			l = f.pull(l)
		}
		if f.IsTag(l) {
			l = "| " + strings.TrimLeft(l, " \t*•·-")
		}
		lines[i] = l
	}
	return strings.Join(lines, "\n")
}

// pull makes every beginning of a tag in a line none, wherever it stands: SSP's reader may not ask
// for the beginning of a line. The mark before the label is pulled apart; one of a single character
// gets a backslash before it.
func (f *Format) pull(l string) string {
	single := f.single()
	var b strings.Builder
	for {
		at := f.anywhere.FindStringIndex(l)
		if at == nil {
			b.WriteString(l)
			return b.String()
		}
		_, n := utf8.DecodeRuneInString(l[at[0]:])
		b.WriteString(l[:at[0]])
		if single {
			b.WriteString("\\" + l[at[0]:at[0]+n])
		} else {
			b.WriteString(l[at[0]:at[0]+n] + " ")
		}
		l = l[at[0]+n:]
	}
}
