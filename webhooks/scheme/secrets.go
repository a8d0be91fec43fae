package scheme

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"

	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Denied says that a caller did not prove who it is. Why is for our own log; the caller is told
// nothing but the status.
type Denied struct {
	Why string
	// Challenge is the WWW-Authenticate header of the answer.
	Challenge string
}

func (d *Denied) Error() string { return "caller denied: " + d.Why }

// deny makes a Denied with the challenge of callers that have no standard scheme.
func deny(why string) *Denied { return &Denied{Why: why, Challenge: `Pergabridge realm="webhook"`} }

// Secrets are the live secrets of one entrance, kept as digests: the current one and, while the
// sender changes over, the previous one.
type Secrets struct{ digests [][sha256.Size]byte }

// NewSecrets takes the live secrets; empty ones are left out.
func NewSecrets(live ...secret.Text) Secrets {
	var s Secrets
	for _, t := range live {
		if !t.Empty() {
			s.digests = append(s.digests, sha256.Sum256([]byte(t.Reveal())))
		}
	}
	return s
}

// Match reports whether given is a live secret, in a time that tells neither content nor length.
func (s Secrets) Match(given string) bool {
	d := sha256.Sum256([]byte(given))
	ok := 0
	for i := range s.digests {
		ok |= subtle.ConstantTimeCompare(d[:], s.digests[i][:])
	}
	return ok == 1
}

// Basic checks the Basic credentials of a call.
func Basic(h http.Header, username string, live Secrets) error {
	r := http.Request{Header: h}
	u, p, ok := r.BasicAuth()
	why := ""
	switch {
	case !ok:
		why = "no Basic credentials"
	case !live.Match(p) || subtle.ConstantTimeCompare([]byte(u), []byte(username)) != 1:
		why = "wrong user name or password"
	default:
		return nil
	}
	return &Denied{Why: why, Challenge: `Basic realm="pergabridge", charset="UTF-8"`}
}

// Header checks a secret sent in a header.
func Header(h http.Header, name, prefix string, live Secrets) error {
	values := h.Values(name)
	if len(values) == 0 {
		return deny("header " + name + " is missing")
	}
	if len(values) > 1 {
		return deny("header " + name + " is there more than once")
	}
	v := values[0]
	if len(v) < len(prefix) || v[:len(prefix)] != prefix || !live.Match(v[len(prefix):]) {
		return deny("header " + name + " does not hold a live secret")
	}
	return nil
}

// Token checks a secret sent as the last part of the path.
func Token(token string, live Secrets) error {
	if token == "" {
		return deny("the path ends without a token")
	}
	if !live.Match(token) {
		return deny("the token in the path is not a live secret")
	}
	return nil
}
