package scheme

import (
	"net/http"
	"net/textproto"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Headers that are kept with every call: they describe it and prove nothing.
var described = map[string]bool{
	"Content-Type": true, "User-Agent": true, "Accept": true, "Soapaction": true, "Traceparent": true,
	"X-Request-Id": true, "Idempotency-Key": true, "X-Event-Key": true, "X-Zammad-Trigger": true,
}

// Endings of names under which senders say what happened: X-GitHub-Event, X-Jira-Webhook-Type.
var telling = []string{
	"-Event", "-Event-Type", "-Event-Name", "-Delivery", "-Delivery-Id", "-Trigger", "-Topic", "-Action",
	"-Webhook-Id", "-Webhook-Identifier", "-Webhook-Retry", "-Webhook-Flow", "-Invocation-Id", "-Event-Uuid",
}

// Words that no kept header may have in its name, whatever its end.
var forbidden = []string{"auth", "cookie", "token", "secret", "signature", "password", "session", "credential", "apikey", "api-key"}

// keepOwn keeps the headers that the scheme itself names, except those that prove something.
func (v *Verifier) keepOwn() {
	for _, d := range v.spec.Delivery {
		v.keep[textproto.CanonicalMIMEHeaderKey(d)] = true
	}
	if t := v.spec.Timestamp; t != nil {
		v.keep[textproto.CanonicalMIMEHeaderKey(t.Header)] = true
	}
	if v.spec.Header != "" {
		delete(v.keep, textproto.CanonicalMIMEHeaderKey(v.spec.Header))
	}
}

// maxHeader bounds one kept value.
const maxHeader = 1 << 10

// Headers returns the headers of a call that rules may use and that are stored with it. It is an
// allow list: what is not known to be harmless is dropped. v may be nil.
func (v *Verifier) Headers(h http.Header) map[string]string {
	out := make(map[string]string, 8)
	for name, values := range h {
		if len(values) == 0 || !v.keeps(name) {
			continue
		}
		value := values[0]
		if len(value) > maxHeader {
			value = strings.ToValidUTF8(value[:maxHeader], "")
		}
		out[name] = secret.Mask(value)
	}
	return out
}

func (v *Verifier) keeps(name string) bool {
	lower := strings.ToLower(name)
	for _, w := range forbidden {
		if strings.Contains(lower, w) {
			return false
		}
	}
	if v != nil && v.spec.Header == name {
		return false
	}
	if described[name] || v != nil && v.keep[name] {
		return true
	}
	for _, end := range telling {
		if len(name) > len(end) && strings.EqualFold(name[len(name)-len(end):], end) {
			return true
		}
	}
	return false
}
