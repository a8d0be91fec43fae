package processcall

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

// authenticator checks callers in one of the configured ways. The ways that need the body come
// after a bounded parse, all others before the body is read.
type authenticator struct {
	auth Auth
	live scheme.Secrets
	// field is the field to remove before anything is stored, as compared; "" for none.
	field string
	// texts are the live secrets for the hash way.
	texts []secret.Text
}

func newAuthenticator(a Auth) authenticator {
	x := authenticator{auth: a}
	switch {
	case a.Header != nil:
		x.live = scheme.NewSecrets(a.Header.Secret.Texts()...)
	case a.Basic != nil:
		x.live = scheme.NewSecrets(a.Basic.Password.Texts()...)
	case a.Token != nil:
		x.live = scheme.NewSecrets(a.Token.Secret.Texts()...)
	case a.Field != nil:
		x.live, x.field = scheme.NewSecrets(a.Field.Secret.Texts()...), plain(a.Field.Field)
	case a.Hash != nil:
		x.texts, x.field = a.Hash.Secret.Texts(), plain(a.Hash.Field)
	}
	return x
}

// admit checks what stands outside the body.
func (x *authenticator) admit(h http.Header, token string) error {
	switch a := x.auth; {
	case a.Header != nil:
		return scheme.Header(h, a.Header.Name, "", x.live)
	case a.Basic != nil:
		return scheme.Basic(h, a.Basic.Username, x.live)
	case a.Token != nil:
		return scheme.Token(token, x.live)
	case a.Field != nil, a.Hash != nil, a.None:
		return nil
	}
	return &scheme.Denied{Why: "no way of authentication is configured"}
}

// take removes the field that proves the caller from a call and returns its values.
func (x *authenticator) take(c *Call) (proof []string) {
	if x.field == "" {
		return nil
	}
	rest := c.Fields[:0]
	for _, f := range c.Fields {
		if plain(bare(f.Name)) == x.field {
			proof = append(proof, f.Value)
			continue
		}
		rest = append(rest, f)
	}
	c.Fields = rest
	return proof
}

// check checks the proof that take found in the body.
func (x *authenticator) check(v vocabulary, c Call, proof []string) error {
	if x.field == "" {
		return nil
	}
	if len(proof) != 1 {
		return &scheme.Denied{Why: "the call has not exactly one field that proves the caller", Challenge: challenge}
	}
	given := strings.TrimSpace(proof[0])
	if x.auth.Field != nil {
		if x.live.Match(given) {
			return nil
		}
		return &scheme.Denied{Why: "the field does not hold a live secret", Challenge: challenge}
	}
	if x.hashed(v, c, given) {
		return nil
	}
	return &scheme.Denied{Why: "the hash does not fit the fields", Challenge: challenge}
}

const challenge = `Pergabridge realm="ssp"`

// hashed compares the given hash with those of all live secrets. XML turns CR LF into LF on its
// way, so the values are tried with both line ends. SHA-256 could be continued beyond the text by
// somebody who has one hash, but only with a byte 0x80 behind it, which no UTF-8 text can hold.
func (x *authenticator) hashed(v vocabulary, c Call, given string) bool {
	want, err := hex.DecodeString(given)
	if err != nil || len(want) != sha256.Size {
		return false
	}
	values := make([]string, len(x.auth.Hash.Fields))
	crlf := make([]string, len(values))
	for i, name := range x.auth.Hash.Fields {
		var one bool
		if values[i], one = lookup(v, c.Fields, name); !one {
			return false
		}
		crlf[i] = strings.ReplaceAll(strings.ReplaceAll(values[i], "\r\n", "\n"), "\n", "\r\n")
	}
	ok := 0
	for _, t := range x.texts {
		for _, parts := range [][]string{values, crlf} {
			sum := sha256.Sum256([]byte(strings.Join(append([]string{t.Reveal()}, parts...), "|")))
			ok |= subtle.ConstantTimeCompare(sum[:], want)
		}
	}
	return ok == 1
}

// lookup finds the value of a field by the sender's name or by ours. one is false when two fields that
// both go by that name differ: the hash would cover one of them and the event be made of the other.
func lookup(v vocabulary, fields []Field, name string) (value string, one bool) {
	want := plain(bare(name))
	ours, _ := v.of(name)
	found := false
	for _, f := range fields {
		m, _ := v.of(f.Name)
		if plain(bare(f.Name)) != want && (m.name == "" || m.name != name && m.name != ours.name) {
			continue
		}
		if found && f.Value != value {
			return "", false
		}
		value, found = f.Value, true
	}
	return value, true
}
