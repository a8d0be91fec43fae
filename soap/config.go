package soap

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/soap/binding"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// Assumed, as Config.Contract, sends calls without having seen SSP's contract.
const Assumed = "assumed"

// Config is the section `ssp` of the config.
type Config struct {
	URL      string      `yaml:"url" required:"true" doc:"address of SSP's WorkflowService.asmx"`
	WSDL     config.Path `yaml:"wsdl" doc:"file with SSP's own service description (save …/WorkflowService.asmx?WSDL); without it, the description is asked for at url?WSDL"`
	Contract string      `yaml:"contract" enum:"assumed" doc:"assumed: call SSP without having seen its service description"`
	Version  string      `yaml:"version" enum:"1.1|1.2" default:"1.1" doc:"SOAP version of the calls"`
	OnFault  OnFault     `yaml:"on_fault" doc:"what a SOAP fault means for the event"`

	// Operations binds the three operations to SSP's own contract; nil: the default contract.
	Operations *binding.Operations `yaml:"operations" doc:"what each argument of SSP's operations holds; pergabridge contract inspect proposes it"`
	// Fingerprint is that of the contract that a person has confirmed.
	Fingerprint string `yaml:"fingerprint" doc:"fingerprint of the confirmed contract; pergabridge contract verify prints it"`

	Outbound outbound.Config   `yaml:",inline"`
	Delivery provider.Delivery `yaml:",inline"`

	// Route and Mail send some kinds of events by mail instead. The app decodes Mail: it is another
	// way to SSP than this package's.
	Route map[string]string `yaml:"route" enum:"soap|mail" doc:"per kind of event (acknowledge, update, resolve) how SSP is told; default soap. open (a new ticket) always goes by mail"`
	Mail  *config.Node      `yaml:"mail" doc:"the mail route to SSP: server, addresses, wording"`

	// Intake is how SSP's process calls are read and authenticated. The app decodes it: it
	// belongs to the entrance.
	Intake *config.Node `yaml:"intake" doc:"how SSP's calls to /ssp/{provider} are authenticated and read"`

	at *config.Node // where it was read from; nil for one made in Go
}

// ValidateConfig checks what the tags cannot say.
func (c *Config) ValidateConfig(n *config.Node) {
	c.Delivery.Check(n, bridge.In)
	for kind, by := range c.Route {
		switch at := n.Key("route").Key(kind); {
		case !bridge.Kind(kind).Valid(bridge.In):
			at.ProblemAtKey("acknowledge, update, resolve or open", "there is no such kind of event here")
		case kind == string(bridge.Open) && by != "mail":
			at.Problemf("open: mail, with the section ssp.mail", "SSP's web service has no operation that opens a ticket")
		case by == "mail" && !c.Mail.Exists() && !n.Key("mail").Exists():
			at.Problemf("add ssp.mail", "goes by mail, but there is no section mail")
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
	if c.WSDL != "" && c.Contract == Assumed {
		n.Key("contract").Problemf("keep one of them", "assumed together with wsdl")
	}
	if c.Fingerprint != "" && !binding.IsFingerprint(c.Fingerprint) {
		n.Key("fingerprint").Problemf("pergabridge contract verify prints it", "not a fingerprint")
	}
	if c.Fingerprint != "" && c.Contract == Assumed {
		n.Key("fingerprint").Problemf("keep one of them", "means nothing with contract: assumed")
	}
	c.at = n
}

// bound returns the binding to use; nil for the default contract, which the generated client speaks.
func (c *Config) bound() *binding.Operations {
	if c.Operations == nil && c.Version == string(wsdl.SOAP12) { // it speaks SOAP 1.1 only
		return binding.Default()
	}
	return c.Operations
}

// CheckContract reads SSP's description, from the file or from SSP, and returns what in the config
// does not fit it, each at its place. The error says that SSP gave nothing to compare with. It is
// not a part of reading the config: the bridge must start and accept without SSP.
func (c *Config) CheckContract(ctx context.Context, o outbound.Options) (config.Problems, error) {
	conf := c.withDefaults()
	client, err := outbound.New(bridge.SSP, conf.Outbound, o)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	source, err := newSource(conf, client)
	if err != nil || source == nil {
		return nil, err
	}
	d, err := wsdl.Load(ctx, source)
	if err != nil && c.WSDL != "" {
		return config.Problems{binding.Problem(c.at.Key("wsdl"), "save what …/WorkflowService.asmx?WSDL shows", err.Error())}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ssp: contract (%v): %w", source, err)
	}
	var problems config.Problems
	add := func(n *config.Node, hint, msg string) { problems = append(problems, binding.Problem(n, hint, msg)) }
	fingerprint := ""
	if b := conf.bound(); b != nil {
		contract, findings := binding.Bind(d, b, wsdl.Version(conf.Version))
		fingerprint = contract.Fingerprint
		for _, f := range findings {
			problems = append(problems, f.Problem(c.at))
		}
	} else {
		want, err := expected()
		if err != nil {
			return nil, err
		}
		for _, p := range compare(d, want) {
			add(c.at, "pergabridge contract inspect proposes what to write under ssp.operations", p)
		}
		fingerprint = defaultFingerprint(d)
	}
	if p := changed(c.Fingerprint, fingerprint); p != "" && len(problems) == 0 {
		add(c.at.Key("fingerprint"), fingerprintHint, p)
	}
	return problems, nil
}

const fingerprintHint = "look at it with pergabridge contract inspect, and confirm it with pergabridge contract verify"

// withDefaults fills what a Config made in Go left out.
func (c Config) withDefaults() Config {
	if c.Version == "" {
		c.Version = string(wsdl.SOAP11)
	}
	if c.OnFault.Server == "" {
		c.OnFault.Server = FaultRetry
	}
	if c.OnFault.Client == "" {
		c.OnFault.Client = FaultRefused
	}
	return c
}
