package notify

import (
	"net/url"
	"time"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
)

// Config is the section `notify`.
type Config struct {
	Webhook *Webhook        `yaml:"webhook" doc:"post a Standard Webhook"`
	Command []string        `yaml:"command" doc:"run a program: its path and arguments; the message comes as JSON on its standard input"`
	Repeat  config.Duration `yaml:"repeat" default:"4h" doc:"how often a trouble that lasts is told again"`
	Console string          `yaml:"console" doc:"address of the console for people, put into every message"`
}

// Webhook says where a Standard Webhook is posted.
type Webhook struct {
	URL             string        `yaml:"url" required:"true" doc:"address that takes the webhook"`
	Secret          config.Secret `yaml:"secret" required:"true" doc:"the shared secret, whsec_ and base64"`
	outbound.Config `yaml:",inline"`
}

// ValidateConfig checks what the tags cannot say.
func (c *Config) ValidateConfig(n *config.Node) {
	if (c.Webhook != nil) == (len(c.Command) > 0) {
		n.Problemf("write webhook: {url: …, secret: {env: …}}, or command: [/path/to/program]", "needs either webhook or command")
	}
	if c.Repeat.Std() < time.Minute {
		n.Key("repeat").Problemf("repeat: 4h", "must be at least 1m")
	}
}

// ValidateConfig checks address and secret.
func (w *Webhook) ValidateConfig(n *config.Node) {
	if u, err := url.Parse(w.URL); w.URL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		n.Key("url").Problemf("https://hooks.example.com/pergabridge", "is not an http or https address")
	}
	if w.Auth.StandardWebhooks != nil {
		n.Key("auth").Key("standard_webhooks").Problemf("write it as secret", "the signature has its place beside url")
	}
	if !w.Secret.Empty() {
		(outbound.StandardWebhooks{Secret: w.Secret}).ValidateConfig(n)
	}
}
