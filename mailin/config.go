package mailin

import (
	"fmt"
	"iter"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/outbound/mailauth"
)

// Mailbox is one section under `mailboxes`.
type Mailbox struct {
	IMAP string          `yaml:"imap" required:"true" doc:"imaps://host[:993], or imap://host[:143] with STARTTLS"`
	Auth mailauth.Config `yaml:",inline"`
	TLS  outbound.TLS    `yaml:"tls" doc:"private CA and client certificate"`
	// Plain allows a connection without encryption.
	Plain   bool     `yaml:"unencrypted" doc:"true: imap:// without STARTTLS; for servers on this machine only"`
	Folders []string `yaml:"folders" doc:"folders that are read; default INBOX"`
	Start   string   `yaml:"start" default:"new" doc:"where reading begins on the very first start: new, or a date (2026-01-31)"`

	Poll      config.Duration `yaml:"poll" default:"60s" doc:"how often the folder is asked for new mail; found by then at the latest, whatever IDLE does"`
	IDLE      *bool           `yaml:"idle" doc:"false: do not use IDLE (push) even where the server has it"`
	IDLERenew config.Duration `yaml:"idle_renew" default:"9m" doc:"how long one IDLE lasts"`
	Timeout   config.Duration `yaml:"timeout" default:"30s" doc:"how long one command may take; reading large mail may take longer as long as something comes"`

	Done   Filing `yaml:"done" doc:"what becomes of mail that was taken: {move: Folder}, {keyword: Word} or leave"`
	Failed Filing `yaml:"failed" doc:"what becomes of mail that is in quarantine; default as done"`

	MaxMessage config.Size `yaml:"max_message" default:"25MiB" doc:"largest mail that is read whole; of a larger one the beginning goes to quarantine"`
	Brake      Brake       `yaml:"brake" doc:"how many mails of one thread are taken, so that two machines cannot go on answering each other"`
	// Quarantine bounds what is kept for people.
	Quarantine int `yaml:"quarantine_limit" default:"1000" doc:"reading stops while that many mails wait in quarantine; the rest stays on the server"`

	Providers map[string]*Attached `yaml:"providers" required:"true" doc:"providers whose mail comes into this mailbox, by their names; of any kind"`
	Default   string               `yaml:"default" doc:"the provider under which mail is kept that belongs to none; default: the first by name"`
	Strangers string               `yaml:"strangers" enum:"quarantine|ignore" default:"quarantine" doc:"what becomes of mail from senders that no provider lists"`
}

// Brake bounds the mails of one thread.
type Brake struct {
	Messages int             `yaml:"messages" default:"30" doc:"mails of one thread in that time; more go to quarantine"`
	Per      config.Duration `yaml:"per" default:"1h" doc:"the time"`
}

// Filing says what becomes of a mail after it was read.
type Filing struct {
	Move    string
	Keyword string
	set     bool
}

// UnmarshalConfig reads leave, {move: …} or {keyword: …}.
func (f *Filing) UnmarshalConfig(n *config.Node) {
	if n.Kind() == config.Scalar {
		if n.String() != "leave" {
			n.Problemf("leave, {move: Processed} or {keyword: Processed}", "must be leave, move or keyword, not %q", n.String())
		}
		f.set = true
		return
	}
	var long struct {
		Move    string `yaml:"move" doc:"folder; it is made if it does not exist"`
		Keyword string `yaml:"keyword" doc:"IMAP keyword"`
	}
	config.Decode(n, &long)
	f.Move, f.Keyword, f.set = long.Move, long.Keyword, true
	switch {
	case (f.Move == "") == (f.Keyword == ""):
		n.Problemf("{move: Processed} or {keyword: Processed}", "needs either move or keyword")
	case strings.ContainsAny(f.Keyword, " (){%*\"\\]") || f.Keyword != "" && !ascii(f.Keyword):
		n.Key("keyword").Problemf("letters, digits, $, - and _", "%q cannot be an IMAP keyword", f.Keyword)
	}
}

// ConfigSchema describes both forms.
func (Filing) ConfigSchema() map[string]any {
	one := func(key string) any {
		return map[string]any{"type": "object", "additionalProperties": false, "required": []any{key}, "properties": map[string]any{key: map[string]any{"type": "string", "minLength": 1}}}
	}
	return map[string]any{"anyOf": []any{map[string]any{"const": "leave"}, one("move"), one("keyword")}}
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Std fills what a Mailbox made in Go left out.
func (c Mailbox) withDefaults() *Mailbox {
	d := func(v *config.Duration, std time.Duration) {
		if *v <= 0 {
			*v = config.Duration(std)
		}
	}
	d(&c.Poll, time.Minute)
	d(&c.IDLERenew, 9*time.Minute)
	d(&c.Timeout, 30*time.Second)
	d(&c.Brake.Per, time.Hour)
	if c.Brake.Messages <= 0 {
		c.Brake.Messages = 30
	}
	if len(c.Folders) == 0 {
		c.Folders = []string{"INBOX"}
	}
	if c.MaxMessage <= 0 {
		c.MaxMessage = 25 << 20
	}
	if c.Quarantine <= 0 {
		c.Quarantine = 1000
	}
	if !c.Failed.set {
		c.Failed = c.Done
	}
	if c.Start == "" {
		c.Start = "new"
	}
	providers := map[string]*Attached{}
	for name, a := range c.Providers {
		if a == nil {
			a = &Attached{} // `acme:` with nothing behind it
		}
		providers[name] = a
	}
	c.Providers = providers
	return &c
}

// ValidateConfig checks what the tags cannot say.
func (c *Mailbox) ValidateConfig(n *config.Node) {
	if c.IMAP != "" {
		if _, _, _, err := c.address(); err != "" {
			n.Key("imap").Problemf("imaps://imap.example.com", "%s", err)
		}
	}
	if strings.HasPrefix(c.IMAP, "imaps:") && c.Plain {
		n.Key("unencrypted").Problemf("remove it, or write imap://", "together with imaps://")
	}
	if c.Auth.None() {
		n.Key("username").Problemf("username and password, or oauth2", "is needed: mailboxes are not open to everybody")
	}
	if _, err := c.start(time.Time{}); err != nil {
		n.Key("start").Problemf("start: new, or start: 2026-01-31", "%v", err)
	}
	if n.Key("providers").Exists() && len(c.Providers) == 0 {
		n.Key("providers").Problemf("providers: {acme: {senders: [acme.example]}}", "names no provider")
	}
	if _, ok := c.Providers[c.Default]; c.Default != "" && !ok {
		n.Key("default").Problemf("", "%q is not one of providers", c.Default)
	}
	if c.Poll < config.Duration(time.Second) && n.Key("poll").Exists() {
		n.Key("poll").Problemf("poll: 60s", "must be at least 1s")
	}
	if c.IDLERenew > config.Duration(29*time.Minute) {
		n.Key("idle_renew").Problemf("", "servers end an IDLE after 30 minutes; at most 29m")
	}
	for i, f := range c.Folders {
		if slices.Contains(c.Folders[:i], f) {
			n.Key("folders").Item(i).Problemf("", "named twice")
		}
		for _, to := range []Filing{c.Done, c.Failed} {
			if to.Move == f && f != "" {
				n.Key("folders").Item(i).Problemf("choose another folder for done or failed", "mail that was read is moved into the folder that is read")
			}
		}
	}
	if c.Brake.Messages < 0 {
		n.Key("brake").Key("messages").Problemf("", "must not be negative")
	}
	if n.Key("max_message").Exists() && (c.MaxMessage < 1<<10 || c.MaxMessage > 200<<20) {
		n.Key("max_message").Problemf("", "must be between 1kB and 200MiB")
	}
}

// address returns where to connect; what is wrong is said in words.
func (c *Mailbox) address() (hostport, host string, implicit bool, problem string) {
	u, err := url.Parse(c.IMAP)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "imap" && u.Scheme != "imaps":
		return "", "", false, "must be imaps://host or imap://host"
	case u.User != nil:
		return "", "", false, "must not hold a user name or password; use username and password"
	case u.Path != "" && u.Path != "/" || u.RawQuery != "":
		return "", "", false, "must not hold a path; use folders"
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"imap": "143", "imaps": "993"}[u.Scheme]
	}
	if p, err := strconv.Atoi(port); err != nil || p < 1 || p > 65535 {
		return "", "", false, "has no valid port"
	}
	return net.JoinHostPort(u.Hostname(), port), u.Hostname(), u.Scheme == "imaps", ""
}

// start returns the time from which mail is read on the very first start; now for new.
func (c *Mailbox) start(now time.Time) (time.Time, error) {
	if c.Start == "" || c.Start == "new" {
		return now, nil
	}
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(form, c.Start); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither new nor a date", c.Start)
}

// sorted goes through the attached providers in order of their names.
func (c *Mailbox) sorted() iter.Seq2[string, *Attached] {
	return func(yield func(string, *Attached) bool) {
		for _, name := range slices.Sorted(maps.Keys(c.Providers)) {
			if !yield(name, c.Providers[name]) {
				return
			}
		}
	}
}

// standard is the provider under which mail is kept that belongs to none.
func (c *Mailbox) standard() string {
	if c.Default != "" {
		return c.Default
	}
	for name := range c.sorted() {
		return name
	}
	return ""
}

// Names returns the attached providers, sorted.
func (c *Mailbox) Names() []string { return slices.Sorted(maps.Keys(c.Providers)) }
