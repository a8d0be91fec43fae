package scheme

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge/listener"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// maxCandidates bounds the signatures that are looked at in one call.
const maxCandidates = 16

// maxDelivery bounds the sender's delivery id.
const maxDelivery = 200

// A Verifier checks the calls of one sender.
type Verifier struct {
	kind     string // hmac, header, basic, token, none
	spec     Spec
	signed   []part
	keys     [][]byte
	live     Secrets
	username string
	maxBody  int64
	from     listener.Networks
	keep     map[string]bool
	newHash  func() hash.Hash
}

// A Request is what a scheme looks at.
type Request struct {
	Header http.Header
	Token  string // the last part of the path, if the route has one
	Body   []byte // as it came, before anything is parsed
}

// New returns the verifier of a webhook section.
func New(c Config) (*Verifier, error) {
	v := &Verifier{kind: "none", from: c.Allow, maxBody: DefaultBody, keep: map[string]bool{}}
	if c.MaxBody > 0 {
		v.maxBody = int64(c.MaxBody)
	}
	for _, h := range c.Keep {
		v.keep[textproto.CanonicalMIMEHeaderKey(h)] = true
	}
	if c.None {
		v.spec = c.Spec
		v.keepOwn()
		return v, nil
	}
	p, ok := presets()[c.Scheme]
	if !ok {
		return nil, &keyError{"scheme", "is not a known scheme; one of " + strings.Join(Names(), ", ")}
	}
	v.kind, v.spec, v.username = p.Kind, c.Spec.over(p.Spec), c.Username
	if c.Secret.Empty() {
		return nil, &keyError{"secret", "is required"}
	}
	v.live = NewSecrets(c.Secret.Texts()...)
	if err := v.prepare(c.Secret.Texts()); err != nil {
		return nil, err
	}
	v.keepOwn()
	return v, nil
}

// prepare checks the parts that a kind needs, and makes the keys.
func (v *Verifier) prepare(texts []secret.Text) error {
	switch v.kind {
	case "token":
		for _, t := range texts {
			if !Sendable(t) {
				return &keyError{"secret", "cannot be sent as a part of a path: use letters, digits, - and _"}
			}
		}
	case "header", "hmac":
		if v.spec.Header == "" {
			return &keyError{"header", "is required with this scheme"}
		}
	}
	if v.kind != "hmac" {
		return nil
	}
	switch v.spec.Algorithm {
	case "sha1":
		v.newHash = sha1.New
	case "sha512":
		v.newHash = sha512.New
	default:
		v.newHash = sha256.New
	}
	var err error
	if v.signed, err = parseSigned(v.spec.Signed); err != nil {
		return &keyError{"signed", err.Error()}
	}
	if uses(v.signed, varTimestamp) != (v.spec.Timestamp != nil) {
		return &keyError{"timestamp", "timestamp and ${timestamp} in signed belong together: an unsigned time proves nothing"}
	}
	if uses(v.signed, varDelivery) && len(v.spec.Delivery) == 0 {
		return &keyError{"delivery", "is required, because signed holds ${delivery}"}
	}
	for _, t := range texts {
		k, err := v.key(t)
		if err != nil {
			return err
		}
		v.keys = append(v.keys, k)
	}
	return nil
}

// key turns a shared secret into the key of the MAC.
func (v *Verifier) key(t secret.Text) ([]byte, error) {
	s := strings.TrimPrefix(t.Reveal(), v.spec.SecretPrefix)
	var k []byte
	var err error
	switch v.spec.SecretEncoding {
	case "base64":
		if k, err = base64.StdEncoding.DecodeString(s); err != nil {
			k, err = base64.RawStdEncoding.DecodeString(s)
		}
	case "hex":
		k, err = hex.DecodeString(s)
	default:
		k = []byte(s)
	}
	if err != nil || len(k) == 0 {
		return nil, &keyError{"secret", "is not written in " + v.spec.SecretEncoding + ", as this scheme wants it"}
	}
	return k, nil
}

// Open reports whether everybody is let in (`none: true`).
func (v *Verifier) Open() bool { return v.kind == "none" }

// WantsToken reports whether callers prove themselves by a token in the path.
func (v *Verifier) WantsToken() bool { return v.kind == "token" }

// From returns the networks that callers are let in from; none: all.
func (v *Verifier) From() listener.Networks { return v.from }

// ProvesEarly reports whether [Verifier.Early] proves a caller before its body is read.
func (v *Verifier) ProvesEarly() bool { return v.kind != "hmac" && v.kind != "none" }

// BodyLimit returns the size of the largest body.
func (v *Verifier) BodyLimit() int64 { return v.maxBody }

// Early checks, before the body is read, what can be checked without it, so that a stranger
// cannot make us read much. The error is a [*Denied].
func (v *Verifier) Early(h http.Header, token string) error {
	switch v.kind {
	case "none":
		return nil
	case "basic":
		return Basic(h, v.username, v.live)
	case "header":
		return Header(h, v.spec.Header, v.spec.Prefix, v.live)
	case "token":
		return Token(token, v.live)
	}
	if h.Get(v.spec.Header) == "" {
		return deny("header " + v.spec.Header + " is missing")
	}
	return nil
}

// Verify checks a whole call and returns the sender's id of the delivery, if there is one. The
// error is a [*Denied].
func (v *Verifier) Verify(r Request, now time.Time) (delivery string, err error) {
	if err := v.Early(r.Header, r.Token); err != nil {
		return "", err
	}
	delivery = v.delivery(r.Header)
	if v.kind != "hmac" {
		return delivery, nil
	}
	stamp, err := v.timestamp(r.Header, now)
	if err != nil {
		return "", err
	}
	candidates := v.candidates(r.Header)
	if len(candidates) == 0 {
		return "", deny("header " + v.spec.Header + " holds no signature that can be read")
	}
	if uses(v.signed, varDelivery) && delivery == "" {
		return "", deny("the header with the delivery id is missing")
	}
	ok := false
	for _, key := range v.keys {
		sum := v.mac(key, r, stamp, delivery)
		for _, c := range candidates {
			ok = hmac.Equal(sum, c) || ok
		}
	}
	if !ok {
		return "", deny("no signature in header " + v.spec.Header + " fits")
	}
	return delivery, nil
}

func (v *Verifier) mac(key []byte, r Request, stamp, delivery string) []byte {
	h := hmac.New(v.newHash, key)
	for _, p := range v.signed {
		switch p.what {
		case varBody:
			h.Write(r.Body)
		case varTimestamp:
			h.Write([]byte(stamp))
		case varDelivery:
			h.Write([]byte(delivery))
		case varHeader:
			h.Write([]byte(r.Header.Get(p.header)))
		default:
			h.Write([]byte(p.literal))
		}
	}
	return h.Sum(nil)
}

// candidates returns the decoded signatures of a call.
func (v *Verifier) candidates(h http.Header) [][]byte {
	var out [][]byte
	for _, c := range pieces(h.Values(v.spec.Header), v.spec.Separator) {
		c, ok := strings.CutPrefix(c, v.spec.Prefix)
		if !ok {
			continue
		}
		if sig, err := v.decode(c); err == nil && len(sig) == v.newHash().Size() {
			out = append(out, sig)
		}
	}
	return out
}

// pieces splits header values, at most maxCandidates of them.
func pieces(values []string, separator string) []string {
	var out []string
	for _, v := range values {
		parts := []string{v}
		if separator != "" {
			parts = strings.SplitN(v, separator, maxCandidates+1)
		}
		for _, p := range parts {
			if len(out) == maxCandidates {
				return out
			}
			if p = strings.TrimSpace(p); p != "" {
				out = append(out, p)
			}
		}
	}
	return out
}

var errLong = errors.New("too long")

func (v *Verifier) decode(s string) ([]byte, error) {
	if len(s) > 256 {
		return nil, errLong
	}
	switch v.spec.Encoding {
	case "base64":
		return base64.StdEncoding.DecodeString(s)
	case "base64url":
		return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	}
	return hex.DecodeString(s)
}

// timestamp returns the time of the call as it was written, checked against the clock.
func (v *Verifier) timestamp(h http.Header, now time.Time) (string, error) {
	t := v.spec.Timestamp
	if t == nil {
		return "", nil
	}
	text := strings.TrimSpace(h.Get(t.Header))
	if t.Part != "" {
		text = ""
		for _, p := range pieces(h.Values(t.Header), v.spec.Separator) {
			if rest, ok := strings.CutPrefix(p, t.Part); ok {
				text = rest
				break
			}
		}
	}
	if text == "" {
		return "", deny("header " + t.Header + " holds no time")
	}
	at, err := t.parse(text)
	if err != nil {
		return "", deny("header " + t.Header + " holds no time that can be read")
	}
	switch age, limit := now.Sub(at), t.tolerance(); {
	case age > limit:
		return "", deny("the call is older than " + limit.String() + "; check the clocks")
	case age < -limit:
		return "", deny("the call comes from the future by more than " + limit.String() + "; check the clocks")
	}
	return text, nil
}

func (t *Timestamp) parse(s string) (time.Time, error) {
	if t.Format == "rfc3339" {
		return time.Parse(time.RFC3339, s)
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	if t.Format == "unix_ms" {
		return time.UnixMilli(n), nil
	}
	return time.Unix(n, 0), nil
}

func (v *Verifier) delivery(h http.Header) string {
	for _, name := range v.spec.Delivery {
		if d := strings.TrimSpace(h.Get(name)); d != "" && len(d) <= maxDelivery {
			return d
		}
	}
	return ""
}
