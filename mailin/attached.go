package mailin

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/authres"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/mailin/message"
)

// Attached says how the mail of one provider is recognised and read.
type Attached struct {
	Senders   Senders           `yaml:"senders" doc:"addresses and domains the provider writes from; tags and reference patterns count in their mail only. helpdesk@x.example, x.example, *.x.example, or * for everybody"`
	Verify    *Verify           `yaml:"verify" doc:"believe a sender only when your mail server has checked it"`
	Reference []Pattern         `yaml:"reference" doc:"patterns (regular expressions) of the provider's ticket numbers in subject and text; the first group is the number, else the whole match"`
	Status    map[string]string `yaml:"status" enum:"acknowledge|update|resolve|open|ignore" doc:"what a value of the status tag means, beside the usual words for solved and closed"`
	Rules     []Rule            `yaml:"rules" doc:"tried in order on every mail whose task is known; the first that fits says what it is"`
	Untagged  string            `yaml:"untagged" enum:"update|resolve|acknowledge|open|ignore|quarantine" default:"update" doc:"what a mail is that neither a rule nor a tag says anything about; open: a new ticket where nobody knows its reference, else an update"`
	Automatic string            `yaml:"automatic" enum:"acknowledge|read|ignore" default:"acknowledge" doc:"what notifications of systems are good for: acknowledge takes a reference from them and tagged mail as usual; read takes them as if a person had written them"`
	Files     string            `yaml:"attachments" enum:"list|none" default:"list" doc:"list names attachments with their size below the text"`
}

// Verify asks for the result of a check that a named mail server has recorded (RFC 8601).
type Verify struct {
	Server  string `yaml:"server" required:"true" doc:"authserv-id of your own mail server, the first word of its Authentication-Results"`
	Require string `yaml:"require" enum:"dmarc|dkim|any" default:"dmarc" doc:"dmarc passed; dkim passed for the sender's domain; or any of the two"`
}

// Rule says what a mail is.
type Rule struct {
	Name      string                  `yaml:"name" doc:"shown where the rule fails"`
	When      mapping.Expr            `yaml:"when" doc:"condition; without it the rule always fits"`
	Kind      string                  `yaml:"kind" required:"true" enum:"acknowledge|update|resolve|open|ignore|quarantine" doc:"what the mail is to SSP; open: a new ticket where nobody knows its reference, else an update"`
	Reference mapping.Expr            `yaml:"reference" doc:"the provider's ticket number, if it is not what was found already"`
	Text      mapping.Expr            `yaml:"text" doc:"message or solution, if it is not the new text of the mail"`
	Author    mapping.Expr            `yaml:"author" doc:"who wrote it"`
	Fields    map[string]mapping.Expr `yaml:"fields" doc:"further fields of the event"`
}

// scope is what the expressions of a rule see.
var scope = []string{"body", "header"}

// ValidateConfig checks what the tags cannot say.
func (a *Attached) ValidateConfig(n *config.Node) {
	for i := range a.Rules {
		r := &a.Rules[i]
		for _, e := range []mapping.Expr{r.When, r.Reference, r.Text, r.Author} {
			e.Within(scope)
		}
		for _, e := range r.Fields {
			e.Within(scope)
		}
		if r.When.IsZero() && i < len(a.Rules)-1 {
			n.Key("rules").Item(i).Problemf("add when, or make it the last one", "always fits, so the rules after it never do")
		}
	}
	if len(a.Reference) > 0 && len(a.Senders) == 0 {
		n.Key("reference").Problemf("senders: [provider.example]", "patterns count in mail of the provider's senders only, and there are none")
	}
}

// Opens returns where the section n says that new tickets are opened in SSP.
func (a *Attached) Opens(n *config.Node) (out []*config.Node) {
	if a == nil {
		return nil
	}
	for i := range a.Rules {
		if a.Rules[i].Kind == string(bridge.Open) {
			out = append(out, n.Key("rules").Item(i).Key("kind"))
		}
	}
	if a.Untagged == string(bridge.Open) {
		out = append(out, n.Key("untagged"))
	}
	for word, kind := range a.Status {
		if kind == string(bridge.Open) {
			out = append(out, n.Key("status").Key(word))
		}
	}
	return out
}

// Pattern is a regular expression.
type Pattern struct{ re *regexp.Regexp }

// UnmarshalConfig compiles the pattern.
func (p *Pattern) UnmarshalConfig(n *config.Node) {
	s, ok := n.Text()
	if !ok {
		return
	}
	if err := p.compile(s); err != nil {
		n.Problemf(`for instance \bINC\d{7}\b`, "%v", err)
	}
}

func (p *Pattern) compile(s string) error {
	re, err := regexp.Compile(s)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a regular expression: %w", s, err)
	case len(s) > 500:
		return fmt.Errorf("longer than 500 characters")
	case re.MatchString(""):
		return fmt.Errorf("%q fits an empty text, so it fits everywhere", s)
	}
	p.re = re
	return nil
}

// NewPattern compiles a pattern.
func NewPattern(s string) (Pattern, error) {
	var p Pattern
	return p, p.compile(s)
}

// ConfigSchema describes a pattern.
func (Pattern) ConfigSchema() map[string]any {
	return map[string]any{"type": "string", "format": "regex", "minLength": 1}
}

// find returns the different numbers in a text, in order.
func (p Pattern) find(text string) []string {
	var out []string
	for _, m := range p.re.FindAllStringSubmatch(text, 50) {
		got := m[0]
		for _, g := range m[1:] {
			if g != "" {
				got = g
				break
			}
		}
		if got = strings.TrimSpace(got); got != "" && !slices.ContainsFunc(out, func(x string) bool { return strings.EqualFold(x, got) }) {
			out = append(out, got)
		}
	}
	return out
}

// Senders is a list of addresses and domains.
type Senders []string

// ValidateConfig checks that every entry can match something.
func (s Senders) ValidateConfig(n *config.Node) {
	for i, e := range s {
		if e != "*" && (strings.ContainsAny(e, " <>,") || !strings.Contains(e, ".") || strings.Contains(strings.TrimPrefix(e, "*."), "*")) {
			n.Item(i).Problemf("helpdesk@x.example, x.example, *.x.example or *", "%q is neither an address nor a domain", e)
		}
	}
}

// Match reports whether an address is listed.
func (s Senders) Match(a message.Address) bool {
	email, domain := strings.ToLower(a.Email), a.Domain()
	if email == "" {
		return false
	}
	for _, e := range s {
		switch e = strings.ToLower(e); {
		case e == "*", e == email, strings.TrimPrefix(e, "@") == domain:
			return true
		case strings.HasPrefix(e, "*.") && strings.HasSuffix(domain, e[1:]):
			return true
		}
	}
	return false
}

// trusts reports whether a mail comes from the provider, as far as the config wants to know.
func (a *Attached) trusts(m *message.Message) bool {
	return a.Senders.Match(m.From) && (a.Verify == nil || a.Verify.passed(m))
}

// passed looks at the results that the named server wrote. Servers add theirs at the top and remove
// forged ones; so only the topmost of that name counts.
func (v *Verify) passed(m *message.Message) bool {
	for _, h := range m.Header.Values("Authentication-Results") {
		server, results, err := authres.Parse(h)
		name, _, _ := strings.Cut(strings.TrimSpace(server), " ")
		if !strings.EqualFold(name, v.Server) {
			continue
		}
		if err != nil {
			return false
		}
		for _, r := range results {
			switch r := r.(type) {
			case *authres.DMARCResult:
				if v.Require != "dkim" && r.Value == authres.ResultPass && (r.From == "" || aligned(r.From, m.From.Domain())) {
					return true
				}
			case *authres.DKIMResult:
				domain := r.Domain
				if domain == "" {
					_, domain, _ = strings.Cut(r.Identifier, "@")
				}
				if v.Require != "dmarc" && r.Value == authres.ResultPass && aligned(domain, m.From.Domain()) {
					return true
				}
			}
		}
		return false
	}
	return false
}

// aligned reports whether a checked domain stands for the sender's: it is the same, or above it.
func aligned(checked, from string) bool {
	checked = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(checked), "@"))
	return checked != "" && strings.Contains(checked, ".") && (checked == from || strings.HasSuffix(from, "."+checked))
}

// usual holds the words for a state that ticket systems write in six languages.
var usual = map[string]bridge.Kind{}

func init() {
	for _, w := range []string{
		"resolved", "solved", "closed", "done", "completed", "complete", "fixed", "finished", "ready", "closed successful", "closed unsuccessful",
		"gelöst", "behoben", "geschlossen", "erledigt", "abgeschlossen", "fertig", "beendet",
		"opgelost", "gesloten", "afgesloten", "gereed", "afgehandeld", "afgerond", "voltooid",
		"résolu", "résolue", "clos", "clôturé", "fermé", "terminé",
		"resuelto", "resuelta", "cerrado", "cerrada", "solucionado", "terminado", "finalizado",
		"ratkaistu", "suljettu", "valmis", "päätetty",
	} {
		usual[w] = bridge.Resolve
	}
	for _, w := range []string{"new", "open", "accepted", "received", "assigned", "registered", "neu", "offen", "angenommen", "aangenomen", "nieuw", "nouveau", "ouvert", "nuevo", "abierto", "uusi", "avattu"} {
		usual[w] = bridge.Acknowledge
	}
}

// status returns what a value of the status tag means; "" if nothing special.
func (a *Attached) status(v string) string {
	v = strings.ToLower(strings.TrimSpace(v))
	for k, kind := range a.Status {
		if strings.EqualFold(strings.TrimSpace(k), v) {
			return kind
		}
	}
	return string(usual[strings.Trim(v, " .!")])
}
