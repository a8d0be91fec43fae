package mailout

import (
	"bytes"
	"errors"
	"fmt"
	netmail "net/mail"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/files"
)

// A Letter is one mail.
type Letter struct {
	From, ReplyTo string // addresses, with or without a name
	To, Cc        []string
	Subject       string
	Text          string
	HTML          string // "": plain text only
	MessageID     string // without brackets
	InReplyTo     string
	References    []string
	Header        map[string]string
	Date          time.Time
	Files         []bridge.File // attached, with their bytes
}

// MaxSubject bounds a subject, in characters.
const MaxSubject = 200

// oneLine makes a value fit for a header: a line break would begin another one.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || r == '\u0085' }), " ")
}

func (l *Letter) subject() string {
	s := oneLine(l.Subject)
	if r := []rune(s); len(r) > MaxSubject {
		s = string(r[:MaxSubject-1]) + "…"
	}
	return s
}

// message makes go-mail's form of the letter.
func (l *Letter) message() (*mail.Msg, error) {
	m := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithEncoding(mail.EncodingQP))
	if len(l.To) == 0 {
		return nil, errors.New("the mail has no recipient")
	}
	for _, step := range []struct {
		name string
		set  func() error
	}{
		{"from", func() error { return m.From(l.From) }},
		{"to", func() error { return m.To(l.To...) }},
		{"cc", func() error {
			if len(l.Cc) == 0 {
				return nil
			}
			return m.Cc(l.Cc...)
		}},
		{"reply_to", func() error {
			if l.ReplyTo == "" {
				return nil
			}
			return m.ReplyTo(l.ReplyTo)
		}},
	} {
		if err := step.set(); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	m.Subject(l.subject())
	if l.MessageID != "" {
		m.SetMessageIDWithValue(l.MessageID)
	}
	if l.InReplyTo != "" {
		m.SetGenHeaderPreformatted(mail.HeaderInReplyTo, "<"+oneLine(l.InReplyTo)+">")
	}
	if len(l.References) > 0 {
		m.SetGenHeaderPreformatted(mail.HeaderReferences, "<"+oneLine(strings.Join(l.References, ">\r\n <"))+">")
	}
	for k, v := range l.Header {
		m.SetGenHeader(mail.Header(k), oneLine(v))
	}
	date := l.Date
	if date.IsZero() {
		date = time.Now()
	}
	m.SetDateWithValue(date)
	m.SetBodyString(mail.TypeTextPlain, crlf(l.Text))
	if l.HTML != "" {
		m.AddAlternativeString(mail.TypeTextHTML, crlf(l.HTML))
	}
	for _, f := range l.Files {
		m.AttachReadSeeker(files.SafeName(f.Name), bytes.NewReader(f.Data), mail.WithFileContentType(mail.ContentType(contentType(f.Type))))
	}
	return m, nil
}

var mediaType = regexp.MustCompile(`^[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+_-]{1,100}$`)

// contentType is the type that a file goes out with: what its sender says, if it is a type at all and
// not one that mail programs take apart.
func contentType(s string) string {
	if !mediaType.MatchString(s) || strings.HasPrefix(strings.ToLower(s), "multipart/") || strings.HasPrefix(strings.ToLower(s), "message/") {
		return "application/octet-stream"
	}
	return s
}

// crlf makes line ends those of mail.
func crlf(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"), "\n", "\r\n")
}

// Raw returns the mail as it goes out.
func (l *Letter) Raw() ([]byte, error) {
	m, err := l.message()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Show returns the letter as people read it: headers, text, and HTML as it is written.
func (l *Letter) Show() string {
	var b strings.Builder
	line := func(name, v string) {
		if v != "" {
			b.WriteString(name + ": " + v + "\n")
		}
	}
	line("From", l.From)
	line("To", strings.Join(l.To, ", "))
	line("Cc", strings.Join(l.Cc, ", "))
	line("Reply-To", l.ReplyTo)
	line("Subject", l.subject())
	line("Message-ID", "<"+l.MessageID+">")
	if l.InReplyTo != "" {
		line("In-Reply-To", "<"+l.InReplyTo+">")
	}
	names := make([]string, 0, len(l.Header))
	for k := range l.Header {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		line(k, oneLine(l.Header[k]))
	}
	for _, f := range l.Files {
		line("Attached", f.Name+" ("+files.Size(f.Size)+")")
	}
	b.WriteString("\n" + l.Text + "\n")
	if l.HTML != "" {
		b.WriteString("\n---- HTML ----\n" + l.HTML + "\n")
	}
	return b.String()
}

// CheckAddress reports what is wrong with an address.
func CheckAddress(s string) error {
	a, err := netmail.ParseAddress(s)
	if err != nil {
		return err
	}
	if !strings.Contains(a.Address, "@") {
		return errors.New("no @ in it")
	}
	return nil
}

// Bare returns the address without its name.
func Bare(s string) string {
	if a, err := netmail.ParseAddress(s); err == nil {
		return a.Address
	}
	return s
}
