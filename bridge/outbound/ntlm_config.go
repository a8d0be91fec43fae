package outbound

import (
	"strings"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// NTLM is a Windows account. The handshake authenticates a connection, not a message; see [Client].
type NTLM struct {
	Username    string        `yaml:"username" required:"true" doc:"user name: DOMAIN\\user, user@domain, or the user alone"`
	Domain      string        `yaml:"domain" doc:"domain, if username does not say it"`
	Password    config.Secret `yaml:"password" required:"true" doc:"password"`
	Workstation string        `yaml:"workstation" doc:"name of this machine, for the server's log"`
	Proactive   bool          `yaml:"proactive" doc:"begin the handshake unasked: for a server that also answers anonymous callers, but differently"`
}

// ValidateConfig checks how the parts of the account go together.
func (a NTLM) ValidateConfig(n *config.Node) {
	if a.Domain != "" && strings.ContainsAny(a.Username, `\@`) {
		n.Key("domain").Problemf("keep one of them", "the domain is in username already")
	}
}

// account returns the user name with its domain.
func (a NTLM) account() string {
	if a.Domain != "" {
		return a.Domain + `\` + a.Username
	}
	return a.Username
}
