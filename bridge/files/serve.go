package files

import (
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/listener"
)

// Serve writes a file so that a browser can do nothing with it but save it: it is bytes of no type,
// an attachment, and in a sandbox if it is shown all the same.
func Serve(w http.ResponseWriter, r *http.Request, f *bridge.File) error {
	h := w.Header()
	listener.Closed(h)
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", Disposition(f.Name))
	h.Set("Content-Length", strconv.Itoa(len(f.Data)))
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox")
	h.Set("X-Robots-Tag", "noindex, nofollow, noarchive")
	h.Set("X-Download-Options", "noopen")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := w.Write(f.Data)
	return err
}

// Disposition is the header that has a browser save a file under a name, in both spellings (RFC 6266).
func Disposition(name string) string {
	name = SafeName(name)
	plain := strings.Map(func(r rune) rune {
		if r > '~' || r == '"' || r == '%' || r == '\\' || r == ';' {
			return '_'
		}
		return r
	}, name)
	v := mime.FormatMediaType("attachment", map[string]string{"filename": plain})
	if v == "" {
		v = "attachment"
	}
	if plain != name {
		v += "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	}
	return v
}

// SafeName returns a name that every system can save: no path, no characters that are not shown or
// turn the writing direction, none that Windows refuses.
func SafeName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case !unicode.IsPrint(r), unicode.Is(unicode.Cf, r), strings.ContainsRune(`/\:*?"<>|`, r):
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	name = strings.Trim(name, " .")
	if len(name) > 150 {
		end := name[max(strings.LastIndexByte(name, '.'), len(name)-20):]
		if !strings.HasPrefix(end, ".") {
			end = ""
		}
		name = strings.ToValidUTF8(name[:150-len(end)], "") + end
	}
	if name == "" {
		return "file"
	}
	return name
}
