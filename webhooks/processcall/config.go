package processcall

import (
	"slices"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/listener"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

// Config is the `ssp.intake` section: how SSP's process calls are let in and read.
type Config struct {
	Settings `yaml:",inline"`
}

// ValidateConfig checks the section; it has to say how callers are authenticated.
func (c *Config) ValidateConfig(n *config.Node) {
	if !n.Key("auth").Exists() {
		n.Key("auth").Problemf("write auth: {header: {name: X-Bridge-Key, secret: {env: SSP_INTAKE_KEY}}}, or basic, token, field, hash; "+
			"auth: {none: true} lets everybody in", "is required")
	}
	c.check(n)
}

// Override is the `intake` section of one provider. What it says replaces what `ssp.intake` says:
// auth as a whole, single values by themselves; tables and lists are added.
type Override struct {
	Settings `yaml:",inline"`
}

// ValidateConfig checks the section.
func (c *Override) ValidateConfig(n *config.Node) { c.check(n) }

// Settings are the keys of both sections.
type Settings struct {
	Auth       Auth              `yaml:"auth" doc:"how SSP proves that it is SSP: exactly one of header, basic, token, field, hash, none"`
	Allow      listener.Networks `yaml:"allow" doc:"addresses and networks that SSP calls from; without it everybody may try"`
	Aliases    map[string]string `yaml:"aliases" doc:"field names of the sender, each with our name for it: {TaskNr: task, Location: fields.location}"`
	Types      map[string]string `yaml:"types" enum:"submit|update|reject_solution|close|reassigned" doc:"further request types of the sender, each with what it means: {Nieuwe aanvraag: submit}"`
	Directions map[string]string `yaml:"directions" enum:"in|out" doc:"further words for the direction: {Inkomend: in}"`
	Drop       []string          `yaml:"drop" doc:"fields that are left out, such as a time of sending: it would make a repetition with the same message_id a conflict"`
	Literal    []string          `yaml:"literal" doc:"fields whose value may look like an unreplaced placeholder"`
	Window     config.Duration   `yaml:"window" doc:"how long an equal call without message_id counts as a repetition; default 10m"`
	Limits     Limits            `yaml:"limits"`
}

// Limits bound one call.
type Limits struct {
	Body   config.Size     `yaml:"body" doc:"largest body; default 1MiB, at most 64MiB"`
	Depth  int             `yaml:"depth" doc:"deepest nesting; default 32, at most 200"`
	Fields int             `yaml:"fields" doc:"most fields of one call; default 1000"`
	Wait   config.Duration `yaml:"wait" doc:"longest ?wait=; default 60s, which is also the most"`
}

// MaxWait is the longest time an answer may be held back for the provider's reference.
const MaxWait = time.Minute

func (s *Settings) check(n *config.Node) {
	for _, p := range n.Key("aliases").Pairs() {
		if our := s.Aliases[p.Name]; !target(our) {
			p.Node.Problemf("one of "+strings.Join(names, ", ")+", or fields.NAME", "%q is not a field of a process call", our)
		}
	}
	for i, name := range s.Literal {
		if !slices.Contains(names, name) {
			n.Key("literal").Item(i).Problemf("one of "+strings.Join(names, ", "), "%q is not a field of a process call", name)
		}
	}
	l := n.Key("limits")
	between(l.Key("body"), int64(s.Limits.Body), 1<<10, 64<<20, "1kB and 64MiB")
	between(l.Key("depth"), int64(s.Limits.Depth), 2, 200, "2 and 200")
	between(l.Key("fields"), int64(s.Limits.Fields), 2, 100_000, "2 and 100000")
	if d := s.Limits.Wait.Std(); d > MaxWait {
		l.Key("wait").Problemf("", "must be at most %s", MaxWait)
	}
}

func between(n *config.Node, v, low, high int64, words string) {
	if n.Exists() && (v < low || v > high) {
		n.Problemf("", "must be between %s", words)
	}
}

// Auth says how a caller proves that it is SSP. Exactly one member is set.
type Auth struct {
	Header *HeaderAuth `yaml:"header" doc:"a secret in a header"`
	Basic  *BasicAuth  `yaml:"basic" doc:"HTTP Basic"`
	Token  *TokenAuth  `yaml:"token" doc:"a secret as the last part of the path: /ssp/{provider}/{token}"`
	Field  *FieldAuth  `yaml:"field" doc:"a secret in a field of the call"`
	Hash   *HashAuth   `yaml:"hash" doc:"a field that holds the SHA-256 of the secret and other fields"`
	None   bool        `yaml:"none" doc:"true: everybody is let in"`
}

// HeaderAuth is a secret in a header.
type HeaderAuth struct {
	Name   string         `yaml:"name" required:"true" doc:"name of the header, such as X-Bridge-Key"`
	Secret config.Secrets `yaml:"secret" required:"true" doc:"the secret, or a list while it is being replaced"`
}

// BasicAuth is HTTP Basic.
type BasicAuth struct {
	Username string         `yaml:"username" required:"true"`
	Password config.Secrets `yaml:"password" required:"true" doc:"the password, or a list while it is being replaced"`
}

// TokenAuth is a secret in the path.
type TokenAuth struct {
	Secret config.Secrets `yaml:"secret" required:"true" doc:"the token, or a list while it is being replaced"`
}

// FieldAuth is a secret in a field of the call. The field is removed before anything is stored.
type FieldAuth struct {
	Field  string         `yaml:"field" required:"true" doc:"name of the field as the sender writes it"`
	Secret config.Secrets `yaml:"secret" required:"true" doc:"the secret, or a list while it is being replaced"`
}

// HashAuth is a field with the SHA-256, in hex, of the secret and the values of Fields, joined by |.
type HashAuth struct {
	Field  string         `yaml:"field" required:"true" doc:"name of the field that holds the hash"`
	Secret config.Secrets `yaml:"secret" required:"true" doc:"the secret, or a list while it is being replaced"`
	Fields []string       `yaml:"fields" required:"true" doc:"fields whose values are hashed, in this order, after the secret"`
}

// MinSecret is the shortest secret that is accepted, in bytes.
const MinSecret = 8

// ValidateConfig checks that exactly one way is chosen and that secrets are worth the name.
func (a *Auth) ValidateConfig(n *config.Node) {
	if !n.Exists() {
		return // whether it has to be there is said by the section around it
	}
	ways := 0
	for _, set := range []bool{a.Header != nil, a.Basic != nil, a.Token != nil, a.Field != nil, a.Hash != nil, a.None} {
		if set {
			ways++
		}
	}
	if ways != 1 {
		n.Problemf("header, basic, token, field, hash, or none: true", "must name exactly one way, not %d", ways)
	}
	switch {
	case a.Header != nil:
		minSecret(n.Key("header").Key("secret"), a.Header.Secret)
	case a.Basic != nil:
		minSecret(n.Key("basic").Key("password"), a.Basic.Password)
		if strings.Contains(a.Basic.Username, ":") {
			n.Key("basic").Key("username").Problemf("", "must not hold a colon")
		}
	case a.Token != nil:
		minSecret(n.Key("token").Key("secret"), a.Token.Secret)
		for _, t := range a.Token.Secret {
			if !scheme.Sendable(t.Text) {
				n.Key("token").Key("secret").Problemf("use letters, digits, - and _", "cannot be sent as a part of a path")
			}
		}
	case a.Field != nil:
		minSecret(n.Key("field").Key("secret"), a.Field.Secret)
	case a.Hash != nil:
		minSecret(n.Key("hash").Key("secret"), a.Hash.Secret)
		for i, f := range a.Hash.Fields {
			if plain(f) == plain(a.Hash.Field) {
				n.Key("hash").Key("fields").Item(i).Problemf("", "the hash cannot cover itself")
			}
		}
	}
}

func minSecret(n *config.Node, s config.Secrets) {
	for _, one := range s {
		if len(one.Reveal()) < MinSecret {
			n.Problemf("make one with: openssl rand -hex 24", "is shorter than %d bytes", MinSecret)
		}
	}
}

// set reports whether any way is chosen.
func (a Auth) set() bool {
	return a.Header != nil || a.Basic != nil || a.Token != nil || a.Field != nil || a.Hash != nil || a.None
}

// With returns the settings of a provider that overrides some of c; a nil o overrides nothing.
func (c Config) With(o *Override) Config {
	if o == nil {
		return c
	}
	if o.Auth.set() {
		c.Auth = o.Auth
	}
	if len(o.Allow) > 0 {
		c.Allow = o.Allow
	}
	c.Aliases = added(c.Aliases, o.Aliases)
	c.Types = added(c.Types, o.Types)
	c.Directions = added(c.Directions, o.Directions)
	c.Drop = append(slices.Clip(c.Drop), o.Drop...)
	c.Literal = append(slices.Clip(c.Literal), o.Literal...)
	c.Window = first(o.Window, c.Window)
	c.Limits = Limits{
		Body:   first(o.Limits.Body, c.Limits.Body),
		Depth:  first(o.Limits.Depth, c.Limits.Depth),
		Fields: first(o.Limits.Fields, c.Limits.Fields),
		Wait:   first(o.Limits.Wait, c.Limits.Wait),
	}
	return c
}

func added(base, more map[string]string) map[string]string {
	if len(more) == 0 {
		return base
	}
	out := make(map[string]string, len(base)+len(more))
	for k, v := range base {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

func first[T comparable](a, b T) T {
	var zero T
	if a != zero {
		return a
	}
	return b
}

// directionTable turns the config's words into directions.
func directionTable(m map[string]string) map[string]bridge.Dir {
	out := make(map[string]bridge.Dir, len(m))
	for k, v := range m {
		out[k] = bridge.Dir(v)
	}
	return out
}
