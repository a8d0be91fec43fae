package httpprovider

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"sort"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/mapping"
)

// encodeMultipart writes names and values as form-data: a file is a part with its name, anything else
// a plain field, a list its name repeated. Files without bytes and absent values are left out. The
// boundary follows from the content, so that a repeated call is the same to the last byte.
func encodeMultipart(v any) (media string, body []byte, err error) {
	m, ok := v.(map[string]any)
	if !ok {
		return "", nil, fmt.Errorf("a form is made of names and values, not of a %T", v)
	}
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	sort.Strings(names)
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary(boundary(names, m)); err != nil {
		return "", nil, err
	}
	for _, k := range names {
		for _, x := range asList(m[k]) {
			if err := addPart(w, k, x); err != nil {
				return "", nil, fmt.Errorf("%s: %w", k, err)
			}
		}
	}
	if err := w.Close(); err != nil {
		return "", nil, err
	}
	return w.FormDataContentType(), b.Bytes(), nil
}

func boundary(names []string, m map[string]any) string {
	h := sha256.New()
	for _, k := range names {
		for _, x := range asList(m[k]) {
			f, ok := x.(mapping.File)
			if !ok {
				fmt.Fprintf(h, "%q=%v\x00", k, x)
				continue
			}
			fmt.Fprintf(h, "%q=%q %s\x00", k, f.Name, f.SHA256)
		}
	}
	return "pergabridge-" + hex.EncodeToString(h.Sum(nil)[:20])
}

func asList(v any) []any {
	switch x := v.(type) {
	case []any:
		return x
	case []mapping.File:
		out := make([]any, len(x))
		for i := range x {
			out[i] = x[i]
		}
		return out
	}
	return []any{v}
}

func addPart(w *multipart.Writer, name string, v any) error {
	switch f := v.(type) {
	case nil:
		return nil
	case mapping.File:
		if !f.Given {
			return nil
		}
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="%s"; filename="%s"`, quoted(name), quoted(files.SafeName(f.Name))))
		h.Set("Content-Type", media(f.Type))
		p, err := w.CreatePart(h)
		if err != nil {
			return err
		}
		_, err = p.Write(f.Data)
		return err
	}
	s, err := mapping.Stringify(v)
	if err != nil {
		return err
	}
	return w.WriteField(name, s)
}

// quoted makes a name fit between quotation marks, as browsers do (WHATWG, form-data).
func quoted(s string) string {
	return strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22").Replace(s)
}

// media is a media type as the sender gave it, if it is one.
func media(s string) string {
	kind, sub, ok := strings.Cut(s, "/")
	if !ok || kind == "" || sub == "" || strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/+-._", r))
	}) {
		return "application/octet-stream"
	}
	return s
}
