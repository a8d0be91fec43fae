package app

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/sspmail"
	"github.com/pergabridge/pergabridge/mailin/message"
)

// validateMail checks how the sections on mail go together.
func (c *Config) validateMail(n *config.Node) {
	node := c.SSP.Mail
	if !node.Exists() {
		node = n.Key("ssp").Key("mail")
	}
	if node.Exists() {
		c.sspMail = &sspmail.Config{}
		config.Decode(node, c.sspMail)
	}
	c.validateOpens(n)
	needs := ""
	if c.sspMail != nil {
		needs = "ssp.mail"
	}
	for name, p := range c.Providers {
		if _, ok := p.Config.(interface{ NeedsMarks() }); ok {
			needs = "provider " + name
		}
	}
	if marks := n.Key("mail"); needs != "" && !(marks.Key("domain").Exists() && marks.Key("secret").Exists()) {
		marks.Problemf("mail: {domain: bridge.example.com, secret: {env: PERGABRIDGE_MAIL_SECRET}}", "domain and secret are needed, because %s sends mail", needs)
	}
	for _, box := range n.Key("mailboxes").Pairs() {
		if !providerName.MatchString(box.Name) {
			box.Node.ProblemAtKey("use small letters, digits, - and _", "%q cannot be the name of a mailbox", box.Name)
		}
		for _, p := range box.Node.Key("providers").Pairs() {
			if _, ok := c.Providers[p.Name]; !ok && n.Key("providers").Exists() {
				p.Node.ProblemAtKey("name one of the section providers", "there is no provider %q", p.Name)
			}
		}
	}
}

// validateOpens refuses new tickets where nothing can take them to SSP.
func (c *Config) validateOpens(n *config.Node) {
	if c.sspMail != nil {
		return
	}
	var used []*config.Node
	for _, p := range n.Key("providers").Pairs() {
		if x, ok := c.Providers[p.Name].Config.(interface {
			Opens(*config.Node) []*config.Node
		}); ok {
			used = append(used, x.Opens(p.Node)...)
		}
	}
	for _, box := range n.Key("mailboxes").Pairs() {
		for _, p := range box.Node.Key("providers").Pairs() {
			if b := c.Mailboxes[box.Name]; b != nil {
				used = append(used, b.Providers[p.Name].Opens(p.Node)...)
			}
		}
	}
	for _, at := range used {
		at.Problemf("ssp.mail: {smtp: smtps://mail.example.com, from: bridge@example.com, to: [ssp@example.com]}",
			"open makes a new ticket in SSP; its web service has no operation for that, and there is no section ssp.mail for the mail that does it")
	}
}

// marks returns the section mail, or what stands for it.
func (c *Config) marks() mailmark.Config {
	if c.Mail == nil {
		return mailmark.Config{}
	}
	return *c.Mail
}

// boxes returns the names of the mailboxes in a fixed order.
func (c *Config) boxes() []string { return slices.Sorted(maps.Keys(c.Mailboxes)) }

// mailWarnings returns what is allowed in mail but deserves a second look.
func (c *Config) mailWarnings() []string {
	var out []string
	for _, name := range c.boxes() {
		box := c.Mailboxes[name]
		at := "mailboxes." + name
		if box.Plain {
			out = append(out, at+": the password and all mail travel without encryption (unencrypted: true)")
		}
		for _, p := range slices.Sorted(maps.Keys(box.Providers)) {
			a := box.Providers[p]
			switch {
			case a == nil || len(a.Senders) == 0:
				out = append(out, fmt.Sprintf("%s.providers.%s: no senders; only answers to our own mail are understood", at, p))
			case a.Senders.Match(message.Address{Email: "anybody@nowhere.invalid"}):
				out = append(out, fmt.Sprintf("%s.providers.%s: everybody may write for this provider (senders: *)", at, p))
			case a.Verify == nil:
				out = append(out, fmt.Sprintf("%s.providers.%s: a forged From is believed; verify asks for a check by your mail server", at, p))
			}
		}
	}
	for kind, by := range c.SSP.Route {
		if by == "mail" {
			out = append(out, "ssp.route."+kind+": mail; compare the format with SSP's mailbox settings, nobody tells whether it understood")
		}
	}
	slices.Sort(out)
	return out
}
