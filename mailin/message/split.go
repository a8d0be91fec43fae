package message

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// A Text is a text in its parts. Together they are the whole text, apart from separating lines.
type Text struct {
	New       string // what the sender wrote this time
	Quoted    string // history, quote marks removed
	Signature string
	Footer    string // legal notices, what systems add, banners
}

// maxLines bounds what is looked at line by line; the rest counts as history.
const maxLines = 20000

// Split cuts a text into its parts. A line that keep accepts (a tag) is never cut as part of a
// signature or footer; keep may be nil.
func Split(text string, keep func(line string) bool) Text {
	if keep == nil {
		keep = func(string) bool { return false }
	}
	s := &splitter{keep: keep}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if len(lines) > maxLines {
		s.quoted = append(s.quoted, lines[maxLines:]...)
		lines = lines[:maxLines]
	}
	s.lines = lines
	s.history()
	s.banner()
	s.footer()
	s.sign()
	return Text{
		New: trim(s.fresh), Quoted: trim(s.quoted), Signature: trim(s.signature), Footer: trim(s.foot),
	}
}

type splitter struct {
	keep                           func(string) bool
	lines                          []string
	fresh, quoted, signature, foot []string
}

// plain returns a line as phrases are compared with it.
func plain(l string) string {
	if asciiOnly(l) {
		return strings.TrimSpace(l)
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch r {
		case '\u00a0', '\u202f', '\u2007':
			return ' '
		case '\u200b', '\u200c', '\u200d', '\ufeff', '\u200e', '\u200f':
			return -1
		}
		return r
	}, l))
}

func asciiOnly(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func quotedLine(l string) bool { return strings.HasPrefix(strings.TrimLeft(l, " \t"), ">") }

// bar is a line that is there to separate.
var bar = regexp.MustCompile(`^[-_=*~—–\s]{5,}$`)

// history separates what is quoted from what is new.
func (s *splitter) history() {
	empty := true // nothing new so far
	for i := 0; i < len(s.lines); i++ {
		l := plain(s.lines[i])
		switch {
		case l == "":
			s.fresh = append(s.fresh, "")
			continue
		case l == quoteMark:
			if at := s.cited(i + 1); at > 0 { // one may write below what is marked line by line
				s.past(i, at)
				i = s.quote(at)
				continue
			}
			s.rest(i + 1)
			return
		case replyAbove.MatchString(l):
			if empty {
				continue // the mail of a ticket system begins with it
			}
			s.rest(i + 1)
			return
		case separators.MatchString(l), s.headerBlock(i):
			s.rest(i)
			return
		case bar.MatchString(l) && s.headerBlock(s.next(i+1)):
			s.rest(i)
			return
		case quotedLine(s.lines[i]) && s.isQuote(i):
			i = s.quote(i)
			continue
		}
		if n := s.attribution(i); n > 0 {
			after := s.next(i + n)
			switch {
			case after < len(s.lines) && quotedLine(s.lines[after]):
				s.quoted = append(s.quoted, s.lines[i:i+n]...)
				i = s.quote(after)
				continue
			case !empty || after < len(s.lines):
				s.rest(i)
				return
			}
		}
		s.fresh = append(s.fresh, strings.TrimRight(s.lines[i], " \t"))
		empty = empty && l == signatureMark
	}
}

// cited returns where the quoted lines begin that follow a mark, at once or behind an attribution; 0 if what
// follows has no quote marks of its own, so that its end cannot be seen.
func (s *splitter) cited(i int) int {
	last := ""
	for n := 0; i < len(s.lines) && n < 4; i++ {
		switch l := plain(s.lines[i]); {
		case l == "" || l == quoteMark:
		case quotedLine(s.lines[i]):
			if last == "" || strings.HasSuffix(last, ":") {
				return i
			}
			return 0
		case s.headerBlock(i):
			return 0
		default:
			last = l
			n++
		}
	}
	return 0
}

// rest takes everything from i on as history.
func (s *splitter) rest(i int) { s.past(i, len(s.lines)) }

// past takes the lines from i up to end as history.
func (s *splitter) past(i, end int) {
	for _, l := range s.lines[i:end] {
		s.quoted = append(s.quoted, unquote(l))
	}
}

// quote takes the run of quoted lines that begins at i and returns its last line.
func (s *splitter) quote(i int) int {
	for ; i < len(s.lines); i++ {
		if !quotedLine(s.lines[i]) {
			next := s.next(i)
			if next == i || next >= len(s.lines) || !quotedLine(s.lines[next]) {
				break
			}
			s.quoted = append(s.quoted, "")
			i = next
		}
		s.quoted = append(s.quoted, unquote(s.lines[i]))
	}
	return i - 1
}

// isQuote tells a quote from a text that happens to begin with ">": more than one line, or a space
// behind it.
func (s *splitter) isQuote(i int) bool {
	l := strings.TrimLeft(s.lines[i], " \t")
	if l == ">" || strings.HasPrefix(l, "> ") || strings.HasPrefix(l, ">>") {
		return true
	}
	return i > 0 && quotedLine(s.lines[i-1]) || i+1 < len(s.lines) && quotedLine(s.lines[i+1])
}

func unquote(l string) string {
	t := strings.TrimLeft(l, " \t")
	if !strings.HasPrefix(t, ">") {
		if plain(l) == quoteMark || plain(l) == signatureMark {
			return ""
		}
		return strings.TrimRight(l, " \t")
	}
	return strings.TrimSpace(strings.TrimLeft(t, "> "))
}

// next returns the index of the first line from i on that is not empty.
func (s *splitter) next(i int) int {
	for i < len(s.lines) && plain(s.lines[i]) == "" {
		i++
	}
	return i
}

// attribution returns how many lines from i on are a "… wrote:".
func (s *splitter) attribution(i int) int {
	joined := plain(s.lines[i])
	if !attributionStart.MatchString(joined) && !strings.HasSuffix(joined, ":") {
		return 0
	}
	for n := 1; n <= 4; n++ {
		if strings.HasSuffix(joined, ":") {
			if strings.ContainsAny(joined, "0123456789@") && attributions.MatchString(joined) && !s.keep(s.lines[i]) {
				return n
			}
			return 0
		}
		if i+n >= len(s.lines) || len(joined) > 350 {
			return 0
		}
		l := plain(s.lines[i+n])
		if l == "" {
			return 0
		}
		joined += " " + l
	}
	return 0
}

// headerBlock reports whether a block of From:, Sent:, To:, Subject: begins at line i.
func (s *splitter) headerBlock(i int) bool {
	if i >= len(s.lines) {
		return false
	}
	m := headerLine.FindStringSubmatch(plain(s.lines[i]))
	if m == nil || m[1] == "" {
		return false
	}
	others := 0
	for j := i + 1; j < len(s.lines) && j <= i+10; j++ {
		l := plain(s.lines[j])
		if l == "" {
			continue
		}
		if h := headerLine.FindStringSubmatch(l); h != nil && h[2] != "" {
			others++
		} else if others == 0 && j > i+3 {
			break
		}
	}
	return others >= 2
}

// banner drops what gateways put above the text.
func (s *splitter) banner() {
	i := 0
	for n := 0; n < 3; n++ {
		for i < len(s.fresh) && plain(s.fresh[i]) == "" {
			i++
		}
		if i >= len(s.fresh) || s.keep(s.fresh[i]) || !banners.MatchString(plain(s.fresh[i])) {
			break
		}
		for i < len(s.fresh) && plain(s.fresh[i]) != "" && !s.keep(s.fresh[i]) {
			s.foot = append(s.foot, s.fresh[i])
			i++
		}
		if i < len(s.fresh) && bar.MatchString(plain(s.fresh[i])) {
			i++
		}
	}
	if len(s.foot) > 0 {
		s.fresh = s.fresh[i:]
	}
}

// footer cuts legal notices and the like, which begin a paragraph.
func (s *splitter) footer() {
	content := false
	kept := s.lastKept()
	for i, l := range s.fresh {
		l = plain(l)
		begins := i == 0 || plain(s.fresh[i-1]) == "" || bar.MatchString(plain(s.fresh[i-1])) || plain(s.fresh[i-1]) == signatureMark
		if content && begins && i > kept && footers.MatchString(l) {
			s.foot = append(s.foot, s.fresh[i:]...)
			s.fresh = s.fresh[:i]
			return
		}
		content = content || l != "" && l != signatureMark && !bar.MatchString(l)
	}
}

// lastKept returns the index of the last line that must stay, -1 if there is none.
func (s *splitter) lastKept() int {
	for i := len(s.fresh) - 1; i >= 0; i-- {
		if s.keep(s.fresh[i]) {
			return i
		}
	}
	return -1
}

// maxSignature is how many lines a signature without its standard mark may have.
const maxSignature = 25

// sign cuts the signature.
func (s *splitter) sign() {
	content := false
	kept, tail := s.lastKept(), s.tail()
	for i, raw := range s.fresh {
		l := plain(raw)
		if l == "" {
			continue
		}
		if !content && l != signatureMark {
			content = true
			if !(raw == "-- " || raw == "--") {
				continue
			}
		}
		if i <= kept || l != signatureMark && (i < tail || !s.signs(i, l)) {
			continue
		}
		s.signature = append(s.signature, s.fresh[i:]...)
		s.fresh = s.fresh[:i]
		break
	}
	out := s.signature[:0]
	for _, l := range s.signature {
		if plain(l) != signatureMark {
			out = append(out, l)
		}
	}
	s.signature = out
}

// inSignature reports whether a line counts as one of a signature's.
func inSignature(l string) bool { return l != "" && l != signatureMark && !mobile.MatchString(l) }

// tail returns the first line behind which there are not more lines than a signature may have.
func (s *splitter) tail() int {
	n := 0
	for i := len(s.fresh) - 1; i >= 0; i-- {
		if n > maxSignature {
			return i + 1
		}
		if inSignature(plain(s.fresh[i])) {
			n++
		}
	}
	return 0
}

// signs reports whether a signature begins at line i, which is in the tail.
func (s *splitter) signs(i int, l string) bool {
	rest := 0
	names := true
	for _, x := range s.fresh[i+1:] {
		if x = plain(x); !inSignature(x) {
			continue
		}
		rest++
		names = names && utf8.RuneCountInString(x) <= 40 && len(strings.Fields(x)) <= 5 && !strings.ContainsAny(x[len(x)-1:], ".?!:;")
	}
	switch {
	case l == "--" || l == "—":
		return rest <= maxSignature
	case mobile.MatchString(l):
		return rest <= 3
	case closings.MatchString(l):
		return rest <= maxSignature
	case thanks.MatchString(l):
		return rest <= 4 && names
	}
	return false
}

// trim joins lines, without empty lines and separating bars around them, runs of empty lines made one.
func trim(lines []string) string {
	isEdge := func(l string) bool {
		l = plain(l)
		return l == "" || l == signatureMark || l == quoteMark || bar.MatchString(l)
	}
	for len(lines) > 0 && isEdge(lines[0]) {
		lines = lines[1:]
	}
	for len(lines) > 0 && isEdge(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	var b strings.Builder
	blank := false
	for i, l := range lines {
		if p := plain(l); p == "" || p == signatureMark || p == quoteMark {
			blank = true
			continue
		}
		if i > 0 {
			b.WriteByte('\n')
			if blank {
				b.WriteByte('\n')
			}
		}
		blank = false
		b.WriteString(strings.TrimRight(l, " \t"))
	}
	return b.String()
}
