package mailmark

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// Config is the section `mail`.
type Config struct {
	Domain string         `yaml:"domain" doc:"right side of our Message-IDs: a name of your own, for instance bridge.example.com"`
	Secret config.Secrets `yaml:"secret" doc:"signs our Message-IDs, reply addresses and subject tokens; up to four while it is being replaced, the first one signs"`
	Tags   TagConfig      `yaml:"tags" doc:"tags in the text of mails"`
}

// TagConfig says how tags look.
type TagConfig struct {
	Format string              `yaml:"format" default:"[[Label]]: value" doc:"how a tag is written, with the words Label and value where they stand; SSP: Default tag format of its mailbox setting"`
	Labels map[string][]string `yaml:"labels" doc:"names of the built-in labels task, ticket, reference, status, author, message, solution; the first of each is written, all are read"`
}

var domainName = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,200}[A-Za-z0-9])?$`)

// ValidateConfig checks what the tags cannot say.
func (c *Config) ValidateConfig(n *config.Node) {
	if c.Domain != "" && !domainName.MatchString(c.Domain) {
		n.Key("domain").Problemf("domain: bridge.example.com", "%q is not a domain name", c.Domain)
	}
	if _, err := NewFormat(c.Tags.Format, c.Tags.Labels); err != nil {
		n.Key("tags").Problemf("format: \"[[Label]]: value\"", "%s", strings.TrimPrefix(err.Error(), "mailmark: "))
	}
	for _, s := range c.Secret.Texts() {
		if len(s.Reveal()) < minSecret {
			n.Key("secret").Problemf("for instance 32 random bytes in base64", "is shorter than %d bytes; marks could be forged", minSecret)
		}
	}
}

const minSecret = 16

// Marks reads and writes what marks our mail. It is safe for concurrent use.
type Marks struct {
	*Format
	domain string
	keys   [][]byte
}

// New makes the marks of a config without problems.
func New(c Config) (*Marks, error) {
	f, err := NewFormat(c.Tags.Format, c.Tags.Labels)
	if err != nil {
		return nil, err
	}
	m := &Marks{Format: f, domain: strings.ToLower(c.Domain)}
	for _, s := range c.Secret.Texts() {
		m.keys = append(m.keys, []byte(s.Reveal()))
	}
	return m, nil
}

// ErrNoSecret means that the config lacks what signed marks need.
var ErrNoSecret = errors.New("mailmark: mail.domain and mail.secret are needed to mark outgoing mail")

// Signs reports whether marks can be written.
func (m *Marks) Signs() error {
	if m == nil || len(m.keys) == 0 || m.domain == "" {
		return ErrNoSecret
	}
	return nil
}

// Domain returns the right side of our message ids.
func (m *Marks) Domain() string { return m.domain }

// A Mark is what a mail of ours was about.
type Mark struct {
	Provider, Task string
	Event          string // "" in reply tokens
}

var code = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const (
	macLen  = 10 // bytes
	idHead  = "pb1."
	maxMark = 700
)

// pack makes the payload: provider 0 task 0 event; an event id that is a UUID takes 16 bytes.
func pack(k Mark) []byte {
	b := append([]byte(k.Provider), 0)
	b = append(append(b, k.Task...), 0)
	if id, err := uuid.Parse(k.Event); err == nil && id.String() == k.Event {
		return append(append(b, 1), id[:]...)
	}
	return append(append(b, 2), k.Event...)
}

func unpack(b []byte) (Mark, bool) {
	p, rest, ok := strings.Cut(string(b), "\x00")
	t, e, ok2 := strings.Cut(rest, "\x00")
	if !ok || !ok2 || e == "" {
		return Mark{}, false
	}
	k := Mark{Provider: p, Task: t}
	switch {
	case e[0] == 1 && len(e) == 17:
		id, err := uuid.FromBytes([]byte(e[1:]))
		if err != nil {
			return Mark{}, false
		}
		k.Event = id.String()
	case e[0] == 2:
		k.Event = e[1:]
	default:
		return Mark{}, false
	}
	return k, true
}

func (m *Marks) mac(key []byte, purpose string, payload []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(purpose + "\x00"))
	h.Write(payload)
	return h.Sum(nil)[:macLen]
}

func (m *Marks) seal(purpose string, k Mark) string {
	payload := pack(k)
	return code.EncodeToString(append(m.mac(m.keys[0], purpose, payload), payload...))
}

func (m *Marks) open(purpose, s string) (Mark, bool) {
	if m == nil || len(s) > maxMark {
		return Mark{}, false
	}
	b, err := code.DecodeString(strings.ToLower(s))
	if err != nil || len(b) <= macLen {
		return Mark{}, false
	}
	for _, key := range m.keys {
		if hmac.Equal(b[:macLen], m.mac(key, purpose, b[macLen:])) {
			return unpack(b[macLen:])
		}
	}
	return Mark{}, false
}

// MessageID returns the id of the mail to a provider about an event, without brackets. It is the same every
// time.
func (m *Marks) MessageID(provider, task, event string) string {
	return m.id("id", provider, task, event)
}

// SSPMessageID returns the id of the mail to SSP about an event that came from a provider. Nobody can take
// it for one of [Marks.MessageID]: who answers it is not the provider.
func (m *Marks) SSPMessageID(provider, task, event string) string {
	return m.id("ssp", provider, task, event)
}

func (m *Marks) id(purpose, provider, task, event string) string {
	if len(provider)+len(task)+len(event) > maxMark/3 { // would not fit into a header line
		sum := sha256.Sum256([]byte(provider + "\x00" + task + "\x00" + event))
		return "pbx." + hex.EncodeToString(sum[:16]) + "@" + m.domain
	}
	return idHead + m.seal(purpose, Mark{provider, task, event}) + "@" + m.domain
}

// ReadMessageID returns what the message id of a mail of ours to a provider says; ok is false for any other.
func (m *Marks) ReadMessageID(id string) (k Mark, ok bool) { return m.readID("id", id) }

// ReadSSPMessageID does so for a mail of ours to SSP.
func (m *Marks) ReadSSPMessageID(id string) (k Mark, ok bool) { return m.readID("ssp", id) }

func (m *Marks) readID(purpose, id string) (k Mark, ok bool) {
	local, domain, found := strings.Cut(strings.ToLower(strings.Trim(strings.TrimSpace(id), "<>")), "@")
	if m == nil || !found || domain != m.domain || !strings.HasPrefix(local, idHead) {
		return Mark{}, false
	}
	return m.open(purpose, strings.TrimPrefix(local, idHead))
}

// Own reports whether a message id has our form, whatever is in it.
func (m *Marks) Own(id string) bool {
	local, domain, found := strings.Cut(strings.ToLower(strings.Trim(strings.TrimSpace(id), "<>")), "@")
	return m != nil && found && m.domain != "" && domain == m.domain && (strings.HasPrefix(local, idHead) || strings.HasPrefix(local, "pbx."))
}

var hashedID = regexp.MustCompile(`^pbx\.[0-9a-f]{32}$`)

// BridgeID reports whether a message id has the form that every bridge gives its mail, whoever's it is. It
// proves nothing, and says that no person's mail program made it.
func BridgeID(id string) bool {
	local, _, found := strings.Cut(strings.ToLower(strings.Trim(strings.TrimSpace(id), "<>")), "@")
	sealed, ok := strings.CutPrefix(local, idHead)
	return found && (ok && shaped(sealed) || hashedID.MatchString(local))
}

// BridgeAddress reports whether an address has the form of a reply address of a bridge, whoever's it is.
func BridgeAddress(address string) bool {
	local, _, found := strings.Cut(strings.ToLower(address), "@")
	at := strings.LastIndex(local, "+pb")
	return found && at >= 0 && shaped(local[at+len("+pb"):])
}

// shaped reports whether s is a sealed mark, without asking who sealed it.
func shaped(s string) bool {
	if len(s) > maxMark {
		return false
	}
	b, err := code.DecodeString(s)
	if err != nil || len(b) <= macLen {
		return false
	}
	_, ok := unpack(b[macLen:])
	return ok
}

// maxLocal is the longest local part of an address (RFC 5321).
const maxLocal = 64

// ReplyAddress returns address with a token behind a plus sign: support+pbTOKEN@example.com. An
// address whose token would be too long for mail systems comes back unchanged.
func (m *Marks) ReplyAddress(address, provider, task string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || m.Signs() != nil {
		return address
	}
	marked := local + "+pb" + m.seal("reply", Mark{Provider: provider, Task: task})
	if len(marked) > maxLocal {
		return address
	}
	return marked + "@" + domain
}

// ReadAddress returns the mark in a reply address.
func (m *Marks) ReadAddress(address string) (Mark, bool) {
	local, _, ok := strings.Cut(strings.ToLower(address), "@")
	at := strings.LastIndex(local, "+pb")
	if !ok || at < 0 {
		return Mark{}, false
	}
	return m.open("reply", local[at+3:])
}

// SubjectToken returns the token as it stands in subjects: [pb:TOKEN].
func (m *Marks) SubjectToken(provider, task string) string {
	return fmt.Sprintf("[pb:%s]", m.seal("subject", Mark{Provider: provider, Task: task}))
}

var subjectToken = regexp.MustCompile(`(?i)\[\s*pb\s*:\s*([a-z2-7]{10,700})\s*\]`)

// ReadSubject returns the different marks in a subject.
func (m *Marks) ReadSubject(subject string) []Mark {
	var out []Mark
	seen := map[Mark]bool{}
	for _, t := range subjectToken.FindAllStringSubmatch(subject, 20) {
		if k, ok := m.open("subject", t[1]); ok && !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}
