package mapping

import (
	stdhtml "html"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// HTMLToText returns the plain text of HTML. Blocks become lines, paragraphs are set apart by an
// empty line, list items get a dash, a link is followed by its address unless that is its text.
// Text that holds no HTML passes unchanged, apart from its white space.
func HTMLToText(s string) string {
	w := &textWriter{}
	z := html.NewTokenizer(strings.NewReader(s))
	var (
		skip  atom.Atom // inside an element whose content is not text
		pre   int
		hrefs []string
		marks []int // where each open link's text began
	)
	for {
		tt := z.Next()
		if tt == html.ErrorToken {
			return w.String()
		}
		tok := z.Token()
		if skip != 0 {
			if tt == html.EndTagToken && tok.DataAtom == skip {
				skip = 0
			}
			continue
		}
		switch tt {
		case html.TextToken:
			w.text(tok.Data, pre > 0)
		case html.StartTagToken, html.SelfClosingTagToken:
			switch tok.DataAtom {
			case atom.Script, atom.Style, atom.Head, atom.Title, atom.Template, atom.Noscript:
				if tt == html.StartTagToken {
					skip = tok.DataAtom
				}
			case atom.Br:
				w.newline(1)
			case atom.Hr:
				w.newline(1)
				w.text("---", false)
				w.newline(1)
			case atom.Li:
				w.newline(1)
				w.text("- ", true)
			case atom.Td, atom.Th:
				w.cell()
			case atom.A:
				if tt == html.StartTagToken {
					hrefs, marks = append(hrefs, attr(tok, "href")), append(marks, w.b.Len())
				}
			case atom.Img:
				if alt := attr(tok, "alt"); alt != "" {
					w.text("["+alt+"]", false)
				}
			case atom.Pre:
				pre++
				w.newline(1)
			default:
				w.newline(breaks(tok.DataAtom))
			}
		case html.EndTagToken:
			switch tok.DataAtom {
			case atom.A:
				if n := len(hrefs) - 1; n >= 0 {
					w.link(hrefs[n], marks[n])
					hrefs, marks = hrefs[:n], marks[:n]
				}
			case atom.Pre:
				pre = max(0, pre-1)
				w.newline(1)
			default:
				w.newline(breaks(tok.DataAtom))
			}
		}
	}
}

// breaks returns how many line breaks an element brings before and after it.
func breaks(a atom.Atom) int {
	switch a {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Blockquote, atom.Table:
		return 2
	case atom.Div, atom.Ul, atom.Ol, atom.Tr, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Dl, atom.Dt,
		atom.Dd, atom.Form, atom.Fieldset, atom.Address, atom.Main, atom.Nav, atom.Aside, atom.Figure:
		return 1
	default:
		return 0
	}
}

func attr(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

// textWriter collects text; line breaks and spaces are written only when something follows them.
type textWriter struct {
	b     strings.Builder
	lines int  // line breaks due
	space bool // a space is due
}

func (w *textWriter) text(s string, keep bool) {
	if keep {
		if s != "" {
			w.flush()
			w.b.WriteString(strings.ReplaceAll(s, "\r\n", "\n"))
		}
		return
	}
	for i, word := range strings.FieldsFunc(s, isHTMLSpace) {
		if i > 0 || isHTMLSpace(firstRune(s)) {
			w.space = true
		}
		w.flush()
		w.b.WriteString(word)
	}
	if s != "" && isHTMLSpace(rune(s[len(s)-1])) {
		w.space = true
	}
}

func (w *textWriter) newline(n int) {
	if n > w.lines {
		w.lines = n
	}
}

func (w *textWriter) cell() {
	if w.lines == 0 {
		w.text(" ", false)
	}
}

func (w *textWriter) flush() {
	switch {
	case w.b.Len() == 0:
	case w.lines > 0:
		w.b.WriteString(strings.Repeat("\n", w.lines))
	case w.space && !endsInSpace(w.b.String()):
		w.b.WriteByte(' ')
	}
	w.lines, w.space = 0, false
}

func (w *textWriter) link(href string, from int) {
	shown := strings.TrimSpace(w.b.String()[from:])
	bare := strings.TrimPrefix(href, "mailto:")
	if !isLink(href) || shown == bare || shown == strings.TrimSuffix(bare, "/") {
		return
	}
	if shown == "" {
		w.text(href, false)
		return
	}
	w.text(" ("+href+")", false)
}

func (w *textWriter) String() string {
	lines := strings.Split(w.b.String(), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(strings.ReplaceAll(l, "\u00a0", " "), " \t")
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

func isHTMLSpace(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f'
}

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}

func endsInSpace(s string) bool {
	return s == "" || isHTMLSpace(rune(s[len(s)-1]))
}

// TextToHTML returns plain text as HTML: escaped, line breaks as <br>.
func TextToHTML(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	return strings.ReplaceAll(stdhtml.EscapeString(s), "\n", "<br>\n")
}
