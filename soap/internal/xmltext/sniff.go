package xmltext

import (
	"bytes"
	"strings"
)

var bomUTF8 = []byte{0xEF, 0xBB, 0xBF}

// A Head is what a document shows before it is parsed.
type Head struct {
	// Empty: nothing but white space.
	Empty bool
	// Doctype: a document type declaration comes before the root element. It is what entity
	// attacks are made of, and no SOAP message or WSDL file has one.
	Doctype bool
	// HTML: it is a page for people.
	HTML bool
	// Root is the local name of the root element; empty if there is none, or it does not follow
	// the prolog directly.
	Root string
}

// Sniff looks at the prolog and the root element's name.
func Sniff(data []byte) Head {
	d := bytes.TrimPrefix(data, bomUTF8)
	var h Head
	for {
		d = bytes.TrimLeft(d, " \t\r\n\v\f")
		switch {
		case len(d) == 0:
			h.Empty = !h.Doctype && len(bytes.TrimSpace(data)) == 0
			return h
		case bytes.HasPrefix(d, []byte("<?")):
			d = after(d[len("<?"):], "?>")
		case bytes.HasPrefix(d, []byte("<!--")):
			d = after(d[len("<!--"):], "-->") // the dashes that begin a comment do not end it
		case bytes.HasPrefix(d, []byte("<!")):
			h.Doctype = true
			word := strings.ToLower(string(d[:min(len(d), 64)]))
			h.HTML = h.HTML || len(strings.Fields(word)) > 1 && strings.HasPrefix(strings.Fields(word)[1], "html")
			d = after(d, ">")
		case d[0] == '<':
			h.Root = local(d[1:])
			switch strings.ToLower(h.Root) {
			case "html", "head", "body", "script", "title", "meta":
				h.HTML = true
			}
			return h
		default:
			return h
		}
	}
}

func after(d []byte, end string) []byte {
	i := bytes.Index(d, []byte(end))
	if i < 0 {
		return nil
	}
	return d[i+len(end):]
}

// local returns the local part of the element name that d begins with.
func local(d []byte) string {
	d = d[:min(len(d), 256)]
	if i := bytes.IndexAny(d, " \t\r\n/>"); i >= 0 {
		d = d[:i]
	}
	if i := bytes.LastIndexByte(d, ':'); i >= 0 {
		d = d[i+1:]
	}
	return string(d)
}
