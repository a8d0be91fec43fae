package message

import (
	"io"
	"mime"
	"net/mail"
	"net/textproto"
	"regexp"
	"strings"
	"time"
)

// Header holds the fields in the order of the mail, names canonical, values unfolded and decoded.
type Header []Field

// A Field is one line of a header.
type Field struct{ Name, Value string }

// Get returns the first value of a field, "" if there is none.
func (h Header) Get(name string) string {
	name = textproto.CanonicalMIMEHeaderKey(name)
	for _, f := range h {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// Has reports whether a field is there, even an empty one.
func (h Header) Has(name string) bool {
	name = textproto.CanonicalMIMEHeaderKey(name)
	for _, f := range h {
		if f.Name == name {
			return true
		}
	}
	return false
}

// Values returns all values of a field.
func (h Header) Values(name string) []string {
	name = textproto.CanonicalMIMEHeaderKey(name)
	var out []string
	for _, f := range h {
		if f.Name == name {
			out = append(out, f.Value)
		}
	}
	return out
}

// Map returns the first value of every field, for expressions.
func (h Header) Map() map[string]string {
	out := make(map[string]string, len(h))
	for _, f := range h {
		if _, there := out[f.Name]; !there {
			out[f.Name] = f.Value
		}
	}
	return out
}

// plausible reports whether this can be the header of a mail at all.
func (h Header) plausible() bool {
	for _, name := range []string{"From", "Subject", "Message-Id", "Received", "Date", "To", "Return-Path", "Content-Type"} {
		if h.Has(name) {
			return true
		}
	}
	return false
}

// add appends a field as it came: folded, encoded, perhaps with raw bytes.
func (h *Header) add(name, value string) {
	if len(*h) >= MaxHeaders {
		return
	}
	if len(value) > 64<<10 {
		value = value[:64<<10]
	}
	*h = append(*h, Field{textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)), unfold(value)})
}

var foldMarks = strings.NewReplacer("\r\n", "", "\n", "", "\r", "", "\x00", "")

func unfold(v string) string {
	if strings.ContainsAny(v, "\r\n\x00") {
		v = foldMarks.Replace(v)
	}
	return strings.TrimSpace(v)
}

var words = mime.WordDecoder{CharsetReader: func(label string, r io.Reader) (io.Reader, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return strings.NewReader(toUTF8(label, b)), nil
}}

// badWord is an encoded word whose text holds spaces, which some programs write.
var badWord = regexp.MustCompile(`=\?[A-Za-z0-9_.*-]+\?[qQ]\?[^?]* [^?]*\?=`)

// decodeText decodes encoded words and raw bytes.
func decodeText(v string) string {
	v = toUTF8("", []byte(v))
	if !strings.Contains(v, "=?") {
		return v
	}
	v = badWord.ReplaceAllStringFunc(v, func(w string) string { return strings.ReplaceAll(w, " ", "_") })
	out, err := words.DecodeHeader(v)
	if err != nil {
		return v
	}
	return strings.ToValidUTF8(out, "\uFFFD")
}

// readHeader fills in what every mail has. Addresses are parsed before they are decoded, because a
// decoded name may hold commas.
func (m *Message) readHeader(h Header) {
	first := func(name string) (a Address) {
		for _, v := range h.Values(name) {
			if list := addresses(v); len(list) > 0 {
				return list[0]
			}
		}
		return a
	}
	m.From = first("From")
	if m.From.Email == "" {
		if s := first("Sender"); s.Email != "" {
			m.From.Email = s.Email
		}
	}
	m.ReplyTo = first("Reply-To")
	m.To, m.Cc = addresses(strings.Join(h.Values("To"), ", ")), addresses(strings.Join(h.Values("Cc"), ", "))
	m.ID = firstID(h.Get("Message-Id"))
	m.InReplyTo = ids(strings.Join(h.Values("In-Reply-To"), " "))
	m.References = ids(strings.Join(h.Values("References"), " "))
	m.Date = date(h.Get("Date"))
	m.Header = make(Header, 0, len(h))
	for _, f := range h {
		m.Header = append(m.Header, Field{f.Name, decodeText(f.Value)})
	}
	m.Subject = strings.Join(strings.Fields(m.Header.Get("Subject")), " ")
}

var (
	addressParser = mail.AddressParser{WordDecoder: &words}
	bareAddress   = regexp.MustCompile(`[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?`)
)

// maxAddresses bounds what is read of one header.
const maxAddresses = 200

// addresses reads an address list, by the standard or, failing that, by looking for addresses.
func addresses(v string) []Address {
	v = toUTF8("", []byte(v))
	if strings.TrimSpace(v) == "" {
		return nil
	}
	if list, err := addressParser.ParseList(v); err == nil {
		var out []Address
		for _, a := range list[:min(len(list), maxAddresses)] {
			out = append(out, Address{Name: strings.TrimSpace(a.Name), Email: a.Address})
		}
		return out
	}
	found := bareAddress.FindAllStringIndex(v, maxAddresses)
	var out []Address
	last := 0
	for _, at := range found {
		name := strings.Trim(decodeText(v[last:at[0]]), " \t\"'<>,;()[]")
		name, _, _ = strings.Cut(strings.ReplaceAll(name, "mailto:", ""), "\n")
		out = append(out, Address{Name: strings.TrimSpace(name), Email: strings.TrimRight(v[at[0]:at[1]], ".")})
		last = at[1]
	}
	return out
}

var bracketed = regexp.MustCompile(`<([^<>\s]{1,990})>`)

// maxIDs bounds the references that are read; the newest stand last.
const maxIDs = 200

// ids returns the message ids in a header, brackets removed.
func ids(v string) []string {
	var out []string
	for _, m := range bracketed.FindAllStringSubmatch(v, -1) {
		out = append(out, m[1])
	}
	if out == nil { // written without brackets
		for _, w := range strings.Fields(v) {
			if strings.Contains(w, "@") {
				out = append(out, strings.Trim(w, "<>,;"))
			}
		}
	}
	if len(out) > maxIDs {
		out = out[len(out)-maxIDs:]
	}
	return out
}

func firstID(v string) string {
	if list := ids(v); len(list) > 0 {
		return list[0]
	}
	return strings.Trim(strings.TrimSpace(v), "<>")
}

// date reads a date by the standard, else in the forms that are seen in its place.
func date(v string) time.Time {
	v = strings.TrimSpace(v)
	if t, err := mail.ParseDate(v); err == nil {
		return t
	}
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05", "2 Jan 2006 15:04:05", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(form, v); err == nil {
			return t
		}
	}
	return time.Time{}
}
