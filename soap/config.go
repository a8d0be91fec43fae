package soap

import (
	"context"
	"net/url"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// Assumed, as Config.Contract, sends calls without having seen SSP's contract.
const Assumed = "assumed"

// Config is the section `ssp` of the config.
type Config struct {
	URL      string      `yaml:"url" required:"true" doc:"address of SSP's WorkflowService.asmx"`
	WSDL     config.Path `yaml:"wsdl" doc:"file with SSP's own service description (save …/WorkflowService.asmx?WSDL); without it, the description is asked for at url?WSDL"`
	Contract string      `yaml:"contract" enum:"assumed" doc:"assumed: call SSP without having seen its service description"`
	Version  string      `yaml:"version" enum:"1.1" default:"1.1" doc:"SOAP version of the calls"`
	OnFault  OnFault     `yaml:"on_fault" doc:"what a SOAP fault means for the event"`

	Outbound outbound.Config   `yaml:",inline"`
	Delivery provider.Delivery `yaml:",inline"`

	// Route and Mail send some kinds of events by mail instead. The app decodes Mail: it is another
	// way to SSP than this package's.
	Route map[string]string `yaml:"route" enum:"soap|mail" doc:"per kind of event (acknowledge, update, resolve) how SSP is told; default soap"`
	Mail  *config.Node      `yaml:"mail" doc:"the mail route to SSP: server, addresses, wording"`

	// Intake is how SSP's process calls are read and authenticated. The app decodes it: it
	// belongs to the entrance.
	Intake *config.Node `yaml:"intake" doc:"how SSP's calls to /ssp/{provider} are authenticated and read"`
}

// ValidateConfig checks what the tags cannot say.
func (c *Config) ValidateConfig(n *config.Node) {
	c.Delivery.Check(n, bridge.In)
	for kind, by := range c.Route {
		if !bridge.Kind(kind).Valid(bridge.In) {
			n.Key("route").Key(kind).ProblemAtKey("acknowledge, update or resolve", "there is no such kind of event here")
		}
		if by == "mail" && !c.Mail.Exists() && !n.Key("mail").Exists() {
			n.Key("route").Key(kind).Problemf("add ssp.mail", "goes by mail, but there is no section mail")
		}
	}
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		switch at := n.Key("url"); {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
			at.Problemf("for example https://ssp.example.com/Workflow/WebService/WorkflowService.asmx", "not the address of a web service")
		case u.User != nil:
			at.Problemf("put them under auth", "holds a user or password")
		case strings.EqualFold(u.RawQuery, "wsdl") || strings.HasPrefix(strings.ToLower(u.RawQuery), "op="):
			at.Problemf("leave out ?"+u.RawQuery, "is the address of the description, not of the service")
		}
	}
	switch {
	case c.WSDL != "" && c.Contract == Assumed:
		n.Key("contract").Problemf("keep one of them", "assumed together with wsdl")
	case c.WSDL != "":
		if data, contentType, err := fromFile(c.WSDL).describe(context.Background()); err != nil {
			n.Key("wsdl").Problemf("", "%v", err)
		} else if _, err := wsdl.Read(data, contentType); err != nil {
			n.Key("wsdl").Problemf("save what …/WorkflowService.asmx?WSDL shows", "%v", err)
		}
	}
}

// withDefaults fills what a Config made in Go left out.
func (c Config) withDefaults() Config {
	if c.OnFault.Server == "" {
		c.OnFault.Server = FaultRetry
	}
	if c.OnFault.Client == "" {
		c.OnFault.Client = FaultRefused
	}
	return c
}
