package scheme

import (
	_ "embed"
	"fmt"
	"net/textproto"
	"slices"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/listener"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Config is the `webhook` section of a provider: how its calls prove where they come from.
type Config struct {
	Scheme   string         `yaml:"scheme" enum:"standard-webhooks|github|gitea|jira|gitlab|zendesk|zammad|pagerduty|hmac|header|basic|token" doc:"signature scheme of the sender"`
	None     bool           `yaml:"none" doc:"true: everybody is let in; instead of scheme"`
	Secret   config.Secrets `yaml:"secret" doc:"the shared secret, or a list of two while it is being replaced"`
	Username string         `yaml:"username" doc:"for scheme basic"`
	Spec     `yaml:",inline"`
	Keep     []string          `yaml:"keep_headers" doc:"further headers of the call that rules may use and that are stored with it"`
	Allow    listener.Networks `yaml:"allow" doc:"addresses and networks that the provider calls from; without it everybody may try"`
	MaxBody  config.Size       `yaml:"max_body" doc:"largest body; default 1MiB, at most 64MiB"`
}

// Spec is what a scheme consists of. In a config it changes the named preset, key by key.
type Spec struct {
	Header    string     `yaml:"header" doc:"header with the signature, or with the secret itself"`
	Prefix    string     `yaml:"prefix" doc:"text before a signature: \"sha256=\""`
	Separator string     `yaml:"separator" doc:"between several signatures in one header"`
	Algorithm string     `yaml:"algorithm" enum:"sha1|sha256|sha512" doc:"hash of the HMAC"`
	Encoding  string     `yaml:"encoding" enum:"hex|base64|base64url" doc:"how the signature is written"`
	Signed    string     `yaml:"signed" doc:"what is signed: a text with ${body}, ${timestamp}, ${delivery}, ${header.NAME}"`
	Timestamp *Timestamp `yaml:"timestamp" doc:"when the call was made"`
	Delivery  []string   `yaml:"delivery" doc:"headers with the sender's id of the delivery; the first one that is there counts"`
	// SecretEncoding and SecretPrefix tell how the shared secret becomes the key.
	SecretEncoding string `yaml:"secret_encoding" enum:"plain|base64|hex" doc:"how the secret is written; plain: its bytes are the key"`
	SecretPrefix   string `yaml:"secret_prefix" doc:"text before the secret that does not belong to it: whsec_"`
}

// Timestamp is where a call says when it was made, and how far from now that may be.
type Timestamp struct {
	Header    string          `yaml:"header" required:"true" doc:"header with the time"`
	Part      string          `yaml:"part" doc:"if the header holds several values: text before the time, such as t="`
	Format    string          `yaml:"format" enum:"unix|unix_ms|rfc3339" default:"unix" doc:"how the time is written"`
	Tolerance config.Duration `yaml:"tolerance" default:"5m" doc:"how far it may be from our clock, in both directions"`
}

// preset is one entry of presets.yaml.
type preset struct {
	Kind string `yaml:"kind" required:"true" enum:"hmac|header|basic|token"`
	Spec `yaml:",inline"`
}

//go:embed presets.yaml
var presetFile []byte

var presets = sync.OnceValue(func() map[string]preset {
	n, err := config.Parse("presets.yaml", presetFile)
	if err != nil {
		panic(fmt.Sprintf("scheme: %v", err))
	}
	m := map[string]preset{}
	config.Decode(n, &m)
	if ps := n.Problems(); len(ps) > 0 {
		panic(fmt.Sprintf("scheme: %v", ps))
	}
	return m
})

// Names returns the names of the schemes.
func Names() []string {
	m := presets()
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Bounds of what a config may ask for.
const (
	DefaultBody = 1 << 20
	maxBody     = 64 << 20
	minSecret   = 8
)

// ValidateConfig checks the section whole: what [New] would refuse is a problem here.
func (c *Config) ValidateConfig(n *config.Node) {
	if !n.Exists() {
		return
	}
	if c.None == (c.Scheme != "") {
		n.Problemf("scheme: github, or none: true to let everybody in", "must have either scheme or none: true")
		return
	}
	if k := n.Key("max_body"); k.Exists() && (c.MaxBody < 1<<10 || c.MaxBody > maxBody) {
		k.Problemf("", "must be between 1kB and 64MiB")
	}
	if c.None {
		if n.Key("secret").Exists() {
			n.Key("secret").Problemf("remove one of them", "is not used with none: true")
		}
		return
	}
	p, ok := presets()[c.Scheme]
	if !ok {
		return // the enum has said so
	}
	if !n.Key("secret").Exists() {
		n.Key("secret").Problemf("write secret: {env: NAME}", "is required")
		return
	}
	if c.Secret.Empty() {
		return // why is said at the secret
	}
	for _, s := range c.Secret {
		if len(s.Reveal()) < minSecret {
			n.Key("secret").Problemf("make one with: openssl rand -hex 24", "is shorter than %d bytes", minSecret)
			return
		}
	}
	if p.Kind == "basic" && c.Username == "" {
		n.Key("username").Problemf("", "is required with scheme basic")
		return
	}
	if p.Kind != "basic" && n.Key("username").Exists() {
		n.Key("username").Problemf("", "is used with scheme basic only")
	}
	if _, err := New(*c); err != nil {
		at := n
		if e, ok := err.(*keyError); ok {
			at = n.Key(e.key)
		}
		at.Problemf("", "%v", err)
	}
}

// keyError is a mistake at one key.
type keyError struct{ key, msg string }

func (e *keyError) Error() string { return e.msg }

// over returns the spec of a preset changed by what the config says.
func (s Spec) over(p Spec) Spec {
	pick := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	out := Spec{
		Header: pick(s.Header, p.Header), Prefix: pick(s.Prefix, p.Prefix), Separator: pick(s.Separator, p.Separator),
		Algorithm: pick(s.Algorithm, p.Algorithm), Encoding: pick(s.Encoding, p.Encoding), Signed: pick(s.Signed, p.Signed),
		SecretEncoding: pick(s.SecretEncoding, p.SecretEncoding), SecretPrefix: pick(s.SecretPrefix, p.SecretPrefix),
		Timestamp: p.Timestamp, Delivery: p.Delivery,
	}
	if s.Timestamp != nil {
		t := *s.Timestamp
		out.Timestamp = &t
	}
	if s.Delivery != nil {
		out.Delivery = s.Delivery
	}
	out.Header = textproto.CanonicalMIMEHeaderKey(out.Header)
	return out
}

// tolerance returns the time window of a timestamp; zero is the usual one.
func (t *Timestamp) tolerance() time.Duration {
	if t.Tolerance > 0 {
		return t.Tolerance.Std()
	}
	return 5 * time.Minute
}

// Sendable reports whether a secret can stand in a path as it is.
func Sendable(t secret.Text) bool {
	for _, c := range []byte(t.Reveal()) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '~':
		default:
			return false
		}
	}
	return !t.Empty()
}
