package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// A walk collects what the parts of a message hold.
type walk struct {
	m      *Message
	depth  int
	budget *budget
	texts  []string
	html   bool
}

func (m *Message) readBody(root *part, depth int, b *budget) {
	w := &walk{m: m, depth: depth, budget: b}
	w.part(root)
	m.Text = strings.TrimSpace(strings.Join(w.texts, "\n\n"))
	m.FromHTML = w.html
	if len(m.Text) > MaxText {
		m.Text = strings.ToValidUTF8(m.Text[:MaxText], "")
		m.defect(fmt.Sprintf("the text is cut at %d bytes", MaxText))
	}
	m.readReport(root)
}

func (w *walk) part(p *part) {
	switch {
	case p.media == "multipart/alternative":
		w.alternative(p)
	case p.media == "multipart/encrypted":
		w.m.Encrypted = true
		w.m.defect("encrypted: the content can be read by its recipient only")
		w.files(p)
	case p.media == "multipart/related":
		w.related(p)
	case p.media == "multipart/report":
		w.report(p)
	case len(p.parts) > 0 || strings.HasPrefix(p.media, "multipart/") && len(p.body) == 0:
		for _, c := range p.parts {
			w.part(c)
		}
	default:
		w.leaf(p)
	}
}

// alternative takes the best of several forms of one text: plain, unless it is empty or only says
// that there is HTML.
func (w *walk) alternative(p *part) {
	var plain, rich *part
	for _, c := range p.parts {
		switch leaf := c.firstText(); {
		case c.media == "text/calendar":
			w.calendar(c)
		case leaf == nil:
			w.part(c)
		case leaf.media == "text/html" && rich == nil:
			rich = c
		case plain == nil:
			plain = c
		}
	}
	switch {
	case plain != nil && (rich == nil || !stub(plain.firstText().text())):
		w.part(plain)
		if rich != nil {
			w.files(rich)
		}
	case rich != nil:
		w.part(rich)
	}
}

// firstText returns the first text in p.
func (p *part) firstText() *part {
	if len(p.parts) == 0 {
		if p.media == "text/plain" || p.media == "text/html" {
			return p
		}
		return nil
	}
	for _, c := range p.parts {
		if t := c.firstText(); t != nil {
			return t
		}
	}
	return nil
}

// stub reports whether a plain part is there for form's sake only.
func stub(s string) bool {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" {
		return true
	}
	if len(s) > 300 {
		return false
	}
	for _, say := range []string{
		"html-fähig", "html e-mail", "html email", "html-mail", "html message", "html format", "html-format", "html viewer",
		"view this message in html", "format html", "formato html", "html-muoto", "does not support html", "html compatible",
	} {
		if strings.Contains(s, say) {
			return true
		}
	}
	return false
}

// related takes the first part as text and the others as what it shows.
func (w *walk) related(p *part) {
	for i, c := range p.parts {
		switch {
		case i == 0 || c.disposition == "attachment" || len(c.parts) > 0:
			w.part(c)
		default:
			w.file(c, true)
		}
	}
}

// report takes the words of a report; its machine-readable parts are for [Message].Report.
func (w *walk) report(p *part) {
	for i, c := range p.parts {
		if i == 0 {
			w.part(c)
		}
	}
}

func (w *walk) files(p *part) {
	if len(p.parts) == 0 && p.media != "text/html" && p.media != "text/plain" {
		w.file(p, p.disposition != "attachment")
	}
	for _, c := range p.parts {
		w.files(c)
	}
}

func (w *walk) leaf(p *part) {
	attached := p.disposition == "attachment" || p.name != "" && p.disposition != "inline"
	lower := strings.ToLower(p.name)
	switch {
	case p.media == "message/rfc822" || p.media == "message/global" || p.media == "application/octet-stream" && strings.HasSuffix(lower, ".eml"):
		w.nested(p)
	case p.media == "application/ms-tnef" || p.media == "application/vnd.ms-tnef" || lower == "winmail.dat":
		w.tnef(p)
	case p.media == "text/calendar" || p.media == "application/ics":
		w.calendar(p)
	case p.media == "application/pkcs7-mime" || p.media == "application/x-pkcs7-mime":
		if kind := strings.ToLower(p.params["smime-type"]); kind != "signed-data" {
			w.m.Encrypted = true
			w.m.defect("encrypted (S/MIME): the content can be read by its recipient only")
		} else {
			w.m.defect("signed as one piece (S/MIME): the content is not unpacked")
		}
		w.file(p, false)
	case p.media == "application/pkcs7-signature" || p.media == "application/x-pkcs7-signature" || p.media == "application/pgp-signature":
		// a signature is neither text nor a file that anybody wants to see
	case attached:
		w.file(p, false)
	case p.media == "text/html":
		if t := htmlText(p.text()); t != "" {
			w.texts, w.html = append(w.texts, t), true
		}
	case p.media == "text/plain" || p.media == "text/markdown" || p.media == "text/enriched" || p.media == "text":
		t := p.text()
		if strings.EqualFold(p.params["format"], "flowed") {
			t = unflow(t, strings.EqualFold(p.params["delsp"], "yes"))
		}
		if t = strings.Trim(t, "\n"); strings.TrimSpace(t) != "" {
			if strings.HasPrefix(strings.TrimSpace(t), "-----BEGIN PGP MESSAGE-----") {
				w.m.Encrypted = true
				w.m.defect("encrypted (PGP): the content can be read by its recipient only")
			}
			w.texts = append(w.texts, t)
		}
	default:
		w.file(p, p.disposition == "inline")
	}
}

// text returns the text of a part with line ends as \n.
func (p *part) text() string {
	label := p.charset
	if p.media == "text/html" && label == "" {
		label = metaCharset(p.body)
	}
	return strings.ToValidUTF8(newlines(toUTF8(label, p.body)), "\uFFFD")
}

// newlines makes every line end a \n and drops zero bytes.
func newlines(s string) string {
	if !strings.ContainsAny(s, "\r\x00") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\r' && i+1 < len(s) && s[i+1] == '\n', c == 0:
		case c == '\r':
			b = append(b, '\n')
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// unflow joins the soft line breaks of format=flowed (RFC 3676).
func unflow(s string, delSp bool) string {
	var b strings.Builder
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if !strings.HasPrefix(l, ">") {
			l = strings.TrimPrefix(l, " ") // space-stuffing
		}
		soft := strings.HasSuffix(l, " ") && l != "-- " && i < len(lines)-1 &&
			strings.HasPrefix(l, ">") == strings.HasPrefix(lines[i+1], ">") && !strings.HasPrefix(l, ">")
		if soft && delSp {
			l = l[:len(l)-1]
		}
		b.WriteString(l)
		if !soft && i < len(lines)-1 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func (w *walk) file(p *part, inline bool) {
	if len(w.m.Attachments) >= MaxParts {
		return
	}
	sum := sha256.Sum256(p.body)
	w.m.Attachments = append(w.m.Attachments, Attachment{
		Name: first(p.name, "unnamed"), Type: p.media, Size: len(p.body), SHA256: hex.EncodeToString(sum[:]), Inline: inline, Data: p.body,
	})
}

// tnef unpacks the files that Outlook has packed into one of a form of its own.
func (w *walk) tnef(p *part) {
	p.name = first(p.name, "winmail.dat")
	list, ok := tnefFiles(p.body)
	w.file(p, len(list) > 0) // when its files are named, it is wrapping
	for _, f := range list {
		w.file(f, false)
	}
	switch {
	case len(list) == 0 && !ok:
		w.m.defect("winmail.dat (TNEF): Outlook has packed what it holds into a form of its own, and it cannot be unpacked")
	case !ok:
		w.m.defect(fmt.Sprintf("winmail.dat (TNEF): damaged; %d files were unpacked, more may be in it", len(list)))
	default:
		w.m.defect(fmt.Sprintf("winmail.dat (TNEF): Outlook's own form; %d files were unpacked", len(list)))
	}
}

// nested reads a message inside this one, as long as there is room for it.
func (w *walk) nested(p *part) {
	why := ""
	switch b := w.budget; {
	case w.depth >= MaxInside:
		why = fmt.Sprintf("messages are nested deeper than %d; the innermost is a file", MaxInside)
	case b.parts >= MaxParts:
		why = fmt.Sprintf("more than %d parts in all; a message inside is a file", MaxParts)
	case len(p.body) > b.bytes:
		why = "the messages inside are too large together; the last ones are files"
	}
	if why != "" {
		w.m.defect(why)
		p.name = first(p.name, "message.eml")
		w.file(p, false)
		return
	}
	w.budget.bytes -= len(p.body)
	in, err := parse(p.body, w.depth+1, w.budget)
	if err != nil {
		w.m.defect("a message inside cannot be read")
		w.file(p, false)
		return
	}
	if p.name == "" {
		p.name = fileName(first(in.Subject, "message")) + ".eml"
	}
	w.file(p, false)
	w.m.Forwarded = append(w.m.Forwarded, in)
}

// calendar reads the few lines of an invitation that a person wants to see.
func (w *walk) calendar(p *part) {
	c := Calendar{Method: strings.ToUpper(p.params["method"])}
	s := strings.ReplaceAll(strings.ReplaceAll(p.text(), "\n ", ""), "\n\t", "")
	event := false
	for _, l := range strings.Split(s, "\n") {
		name, v, ok := strings.Cut(l, ":")
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(strings.ToUpper(name), ";")
		switch {
		case name == "BEGIN" && strings.EqualFold(strings.TrimSpace(v), "VEVENT"):
			event = true
		case name == "METHOD" && c.Method == "":
			c.Method = strings.ToUpper(strings.TrimSpace(v))
		case event && name == "SUMMARY" && c.Summary == "":
			c.Summary = strings.NewReplacer(`\,`, ",", `\;`, ";", `\n`, " ", `\\`, `\`).Replace(strings.TrimSpace(v))
		case event && name == "DTSTART" && c.Start == "":
			c.Start = strings.TrimSpace(v)
		}
	}
	w.m.Calendar = append(w.m.Calendar, c)
	if p.disposition == "attachment" || p.name != "" {
		w.file(p, false)
	}
}

// metaCharset finds the character set that an HTML page names itself.
func metaCharset(b []byte) string {
	head := bytes.ToLower(b[:min(len(b), 2048)])
	i := bytes.Index(head, []byte("charset="))
	if i < 0 {
		return ""
	}
	v := bytes.TrimLeft(head[i+len("charset="):], `"' `)
	if j := bytes.IndexAny(v, `"'; />`); j >= 0 {
		return string(v[:j])
	}
	return ""
}
