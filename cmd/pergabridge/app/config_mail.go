package app

import (
	"maps"
	"slices"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/sspmail"
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

// marks returns the section mail, or what stands for it.
func (c *Config) marks() mailmark.Config {
	if c.Mail == nil {
		return mailmark.Config{}
	}
	return *c.Mail
}

// boxes returns the names of the mailboxes in a fixed order.
func (c *Config) boxes() []string { return slices.Sorted(maps.Keys(c.Mailboxes)) }
