package console

import (
	"bytes"
	"net/http"
	"strings"
)

// Everything in here is written as if the console stood at the root of its host. Where a proxy
// publishes it below a path, the path is put before every address that goes out, in the two places
// through which all of them pass: what a page shows, and where an answer sends a browser.

// linked are the attributes of the pages that hold addresses of ours. Text cannot look like them: its
// quotes are escaped.
var linked = []string{` href="/`, ` action="/`, ` src="/`, ` data-live="/`}

// below puts the prefix before every address in a page.
func (s *server) below(page []byte) []byte {
	if s.Prefix == "" {
		return page
	}
	for _, attr := range linked {
		page = bytes.ReplaceAll(page, []byte(attr), []byte(strings.TrimSuffix(attr, "/")+s.Prefix+"/"))
	}
	return page
}

// prefixed puts the prefix before where an answer sends its reader.
type prefixed struct {
	http.ResponseWriter
	prefix string
}

func (p *prefixed) WriteHeader(status int) {
	if to := p.Header().Get("Location"); strings.HasPrefix(to, "/") {
		p.Header().Set("Location", p.prefix+to)
	}
	p.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] through.
func (p *prefixed) Unwrap() http.ResponseWriter { return p.ResponseWriter }
