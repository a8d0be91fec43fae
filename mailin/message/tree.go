package message

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"

	gomessage "github.com/emersion/go-message"
	"github.com/emersion/go-message/textproto"
	"github.com/jhillyerd/enmime/v2"
)

// A part is one node of a mail's MIME tree, the same from either reader.
type part struct {
	header      Header
	media       string // small letters
	params      map[string]string
	disposition string
	name        string
	charset     string
	body        []byte // transfer encoding removed; text in charset
	parts       []*part
}

// clean removes what mail stores put around a message.
func clean(raw []byte) []byte {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	raw = bytes.TrimLeft(raw, "\r\n")
	if bytes.HasPrefix(raw, []byte("From ")) || bytes.HasPrefix(raw, []byte(">From ")) {
		if _, rest, ok := bytes.Cut(raw, []byte("\n")); ok {
			return rest
		}
	}
	return raw
}

var errTooMany = fmt.Errorf("more than %d parts", MaxParts)

// readStrict reads the tree with go-message. An unknown character set or transfer encoding is no
// reason to give up.
func readStrict(raw []byte, depth int, n *int) (*part, error) {
	head := bytes.NewReader(raw[:min(len(raw), maxHeader)])
	buffered := bufio.NewReader(head)
	h, err := textproto.ReadHeader(buffered)
	if err != nil {
		return nil, err
	}
	body := raw[int(head.Size())-head.Len()-buffered.Buffered() : len(raw) : len(raw)]
	r := bytes.NewReader(body)
	e, err := gomessage.New(gomessage.Header{Header: h}, r)
	if err != nil && !readable(err) {
		return nil, err
	}
	p, err := strictPart(e, depth, func() ([]byte, error) {
		if e.Body == io.Reader(r) {
			return body, nil // not encoded: no copy
		}
		var b bytes.Buffer
		b.Grow(len(body))
		_, err := b.ReadFrom(e.Body)
		return b.Bytes(), err
	}, n)
	return p, err
}

const maxHeader = 1 << 20 // bytes

func readable(err error) bool {
	return gomessage.IsUnknownCharset(err) || gomessage.IsUnknownEncoding(err)
}

// strictPart reads one node; body returns what it holds if it has no parts.
func strictPart(e *gomessage.Entity, depth int, body func() ([]byte, error), n *int) (*part, error) {
	if *n++; *n > MaxParts {
		return nil, errTooMany
	}
	p := &part{}
	fields := e.Header.Fields()
	for fields.Next() {
		p.header.add(fields.Key(), fields.Value())
	}
	p.describe()
	if r := e.MultipartReader(); r != nil && depth < MaxDepth {
		defer r.Close()
		for {
			child, err := r.NextPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil && !readable(err) {
				return nil, err
			}
			c, err := strictPart(child, depth+1, func() ([]byte, error) { return io.ReadAll(child.Body) }, n)
			if err != nil {
				return nil, err
			}
			p.parts = append(p.parts, c)
		}
		if len(p.parts) == 0 {
			return nil, errors.New("a multipart without parts")
		}
		return p, nil
	}
	var err error
	p.body, err = body()
	return p, err
}

var lenient = enmime.NewParser(enmime.SkipMalformedParts(true), enmime.MultipartWOBoundaryAsSinglePart(true),
	enmime.DisableTextConversion(true), enmime.SetReadPartErrorPolicy(enmime.AllowCorruptTextPartErrorPolicy),
	enmime.StripMediaTypeInvalidCharacters(true))

// readLenient reads the tree with enmime. It may panic on what it did not foresee; that is an error
// like any other here.
func readLenient(raw []byte, depth int, n *int) (p *part, err error) {
	defer func() {
		if x := recover(); x != nil {
			p, err = nil, fmt.Errorf("lenient reader: %v", x)
		}
	}()
	root, err := lenient.ReadParts(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	p = lenientPart(root, depth, n)
	if strings.HasPrefix(p.media, "multipart/") && len(p.parts) == 0 && len(p.body) == 0 {
		// Its boundary is nowhere: better the text with its marks than nothing.
		_, body, _ := bytes.Cut(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
		p.media, p.body = "text/plain", body
	}
	return p, nil
}

func lenientPart(e *enmime.Part, depth int, n *int) *part {
	*n++
	p := &part{}
	for name, values := range e.Header {
		for _, v := range values {
			p.header.add(name, v)
		}
	}
	p.describe()
	if p.media == "text/plain" && e.ContentType != "" {
		p.media = strings.ToLower(e.ContentType)
	}
	if p.name == "" {
		p.name = e.FileName
	}
	p.body = e.Content
	if strings.HasPrefix(p.media, "text/") {
		p.charset = first(e.Charset, p.charset)
	}
	for c := e.FirstChild; c != nil && depth < MaxDepth && *n < MaxParts; c = c.NextSibling {
		p.parts = append(p.parts, lenientPart(c, depth+1, n))
	}
	return p
}

// describe reads what the header says of the part.
func (p *part) describe() {
	p.media, p.params = mediaType(p.header.Get("Content-Type"), "text/plain")
	var params map[string]string
	p.disposition, params = mediaType(p.header.Get("Content-Disposition"), "")
	p.name = fileName(first(params["filename"], p.params["name"]))
	p.charset = p.params["charset"]
}

// mediaType parses a content type or disposition as far as it can be understood.
func mediaType(v, standard string) (string, map[string]string) {
	if strings.TrimSpace(v) == "" {
		return standard, map[string]string{}
	}
	media, params, err := mime.ParseMediaType(v)
	if err == nil || errors.Is(err, mime.ErrInvalidMediaParameter) {
		if params == nil {
			params = map[string]string{}
		}
		return strings.ToLower(media), params
	}
	kind, rest, _ := strings.Cut(v, ";")
	params = map[string]string{}
	for _, p := range strings.Split(rest, ";") {
		if k, x, ok := strings.Cut(p, "="); ok {
			params[strings.ToLower(strings.TrimSpace(k))] = strings.Trim(strings.TrimSpace(x), `"`)
		}
	}
	kind = strings.ToLower(strings.TrimSpace(kind))
	if standard != "" && !strings.Contains(kind, "/") {
		kind = standard
	}
	return kind, params
}

// fileName returns a name that is one line and holds no path.
func fileName(s string) string {
	s = decodeText(s)
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)), " ")
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	return s
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
