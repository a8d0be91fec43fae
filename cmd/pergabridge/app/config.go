package app

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/listener"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/notify"
	"github.com/pergabridge/pergabridge/bridge/sspmail"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
	"github.com/pergabridge/pergabridge/mailin"
	"github.com/pergabridge/pergabridge/soap"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
)

// Config is the whole config file.
type Config struct {
	Server    Server                     `yaml:"server" doc:"the two listeners"`
	Store     Store                      `yaml:"store" doc:"where events are kept: sqlite:PATH, or a section with the url of a Redis"`
	SSP       soap.Config                `yaml:"ssp" required:"true" doc:"the self-service portal"`
	Providers map[string]Provider        `yaml:"providers" required:"true" doc:"external service providers, each under its name: the NAME of POST /ssp/NAME and /webhooks/NAME"`
	Mail      *mailmark.Config           `yaml:"mail" doc:"what our own mail is marked with and recognised by"`
	Mailboxes map[string]*mailin.Mailbox `yaml:"mailboxes" doc:"mailboxes that are read, each under its name"`
	Files     *files.Config              `yaml:"files" doc:"what becomes of attachments"`
	Notify    *notify.Config             `yaml:"notify" doc:"tells people when a lane parks, a destination is down or SSP's contract changed"`
	Waiting   config.Duration            `yaml:"waiting" default:"15m" doc:"how long an event waits for a bond nobody knows yet, before it goes to quarantine"`

	// Version identifies the text of the file; it is recorded with every attempt.
	Version string `yaml:"-"`
	// File is where the text was read from, and is read from anew; empty: it was not a file.
	File string `yaml:"-"`

	node    *config.Node
	intake  processcall.Config
	sspMail *sspmail.Config // nil: SSP gets no mail
	sspText string          // the section ssp, for people
}

// Server is the section `server`.
type Server struct {
	Listen     string          `yaml:"listen" default:"127.0.0.1:8080" doc:"public listener: process calls of SSP and webhooks of providers"`
	Admin      string          `yaml:"admin" default:"127.0.0.1:8081" doc:"admin listener: console, API, metrics"`
	AdminToken *config.Secret  `yaml:"admin_token" doc:"token for console and API; without it only this machine itself is let in"`
	Users      map[string]User `yaml:"users" doc:"people who may sign in to the console, each under the name that is recorded with what they do"`
	Replica    string          `yaml:"replica" doc:"name of this process for people, where several share a Redis; default: name of the machine and number of the process"`
	PublicURL  string          `yaml:"public_url" doc:"address under which SSP and providers reach the public listener, if it differs"`

	TLS             *listener.TLS     `yaml:"tls" doc:"HTTPS on the public listener"`
	AdminTLS        *listener.TLS     `yaml:"admin_tls" doc:"HTTPS on the admin listener"`
	TrustedProxies  listener.Networks `yaml:"trusted_proxies" doc:"addresses of the reverse proxies in front: their X-Forwarded-For, -Proto and -Host are believed"`
	PathPrefix      listener.Prefix   `yaml:"path_prefix" doc:"path under which the proxy publishes the public listener, whether it takes it off or not"`
	AdminPathPrefix listener.Prefix   `yaml:"admin_path_prefix" doc:"the same for the admin listener; the links of the console begin with it"`
	AdminAllow      listener.Networks `yaml:"admin_allow" doc:"addresses and networks that may use the admin listener; /healthz and /readyz answer everybody"`

	ReloadOnChange bool `yaml:"reload_on_change" doc:"put a changed config file in force by itself; a broken one is reported and left alone"`
}

// ValidateConfig checks what the tags cannot say.
func (s *Server) ValidateConfig(n *config.Node) {
	for _, l := range []struct{ key, addr string }{{"listen", s.Listen}, {"admin", s.Admin}} {
		if _, _, err := net.SplitHostPort(l.addr); err != nil {
			n.Key(l.key).Problemf("for example 127.0.0.1:8080, or :8080 for every interface", "%q is not host:port", l.addr)
		}
	}
	if len(s.Replica) > 100 {
		n.Key("replica").Problemf("", "has more than 100 bytes")
	}
	s.validateUsers(n)
	if s.AdminPathPrefix != "" && s.AdminToken == nil && len(s.Users) == 0 {
		n.Key("admin_path_prefix").Problemf("write admin_token: {env: PERGABRIDGE_ADMIN_TOKEN} or users", "behind a proxy nobody is let in without token or users")
	}
	if len(s.TrustedProxies) > 0 && s.AdminToken == nil && len(s.Users) == 0 {
		n.Key("trusted_proxies").Problemf("write admin_token: {env: PERGABRIDGE_ADMIN_TOKEN} or users", "there is a proxy on the way, and console and API have neither token nor users: one that adds no header cannot be told from this machine")
	}
	host, _, _ := net.SplitHostPort(s.Admin)
	if ip := net.ParseIP(host); s.AdminToken == nil && len(s.Users) == 0 && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		n.Key("admin").Problemf("write admin_token: {env: PERGABRIDGE_ADMIN_TOKEN} or users, or listen on 127.0.0.1", "is reachable from other machines and has neither token nor users")
	}
}

// FitProviderName reports what is wrong with the name of a provider; nil if nothing is.
func FitProviderName(name string) error {
	switch {
	case name == bridge.SSP:
		return fmt.Errorf("%q is the portal itself: choose another name for the provider", name)
	case !providerName.MatchString(name):
		return fmt.Errorf("%q cannot be the name of a provider: use small letters, digits, - and _", name)
	}
	return nil
}

var providerName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// ValidateConfig checks what belongs to several sections.
func (c *Config) ValidateConfig(n *config.Node) {
	for _, p := range n.Key("providers").Pairs() {
		switch {
		case p.Name == bridge.SSP:
			p.Node.ProblemAtKey("choose another name", "%q is the portal itself", p.Name)
		case !providerName.MatchString(p.Name):
			p.Node.ProblemAtKey("use small letters, digits, - and _; it becomes a part of addresses", "%q cannot be the name of a provider", p.Name)
		}
	}
	if n.Key("providers").Exists() && len(c.Providers) == 0 {
		n.Key("providers").Problemf("", "names no provider")
	}
	intake := c.SSP.Intake
	if intake == nil {
		intake = n.Key("ssp").Key("intake")
	}
	config.Decode(intake, &c.intake)
	c.validateMail(n)
	c.validateFiles(n)
	c.sspText = n.Key("ssp").YAML()
}

// Load reads a config file. The error is a [config.Problems] when the text is at fault.
func Load(file string) (*Config, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c, err := Parse(file, data)
	if err == nil {
		c.File = file
	}
	return c, err
}

// LoadWithoutSecrets is [Load] on a machine that does not have the secrets: stand-ins take their
// place. Such a config may be checked and its mappings tried; it must not be served.
func LoadWithoutSecrets(file string) (*Config, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return parse(file, data, (*config.Node).StandInSecrets)
}

// CheckText checks the text of a config as [LoadWithoutSecrets] does.
func CheckText(file string, data []byte) error {
	_, err := parse(file, data, (*config.Node).StandInSecrets)
	return err
}

// Parse reads a config; file is used for messages and relative paths.
func Parse(file string, data []byte) (*Config, error) {
	return parse(file, data, func(*config.Node) {})
}

func parse(file string, data []byte, prepare func(*config.Node)) (*Config, error) {
	n, err := config.Parse(file, data)
	if err != nil {
		return nil, err
	}
	prepare(n)
	c := &Config{}
	config.Decode(n, c)
	if p := n.Problems(); len(p) > 0 {
		return nil, p
	}
	c.Version, c.node = versionOf(data), n
	return c, nil
}

// Schema returns the JSON Schema of the config file.
func Schema() map[string]any {
	s := config.SchemaDocument(Config{}, "pergabridge.yaml")
	// soap leaves its section intake to the entrance that reads it.
	ssp := s["properties"].(map[string]any)["ssp"].(map[string]any)
	ssp["properties"].(map[string]any)["intake"] = config.Schema(processcall.Config{})
	return s
}

// Warnings returns what is allowed but deserves a second look.
func (c *Config) Warnings() []string {
	out := []string{}
	if r := c.Store.Redis; r != nil && r.Durability == string(redisstore.DurabilityRelaxed) {
		out = append(out, "store.durability: relaxed; a crash of Redis may lose what was answered with 2xx, and some deliveries may happen twice")
	}
	if len(c.Server.Users) > 0 && c.Server.AdminToken == nil {
		out = append(out, "server.users: without server.admin_token the verbs that talk to the running bridge, and systemctl reload, are not let in")
	}
	if c.intake.Auth.None {
		out = append(out, "ssp.intake: process calls are not authenticated (none: true)")
	}
	for _, name := range c.names() {
		p := c.Providers[name]
		if p.Webhook != nil && p.Webhook.None {
			out = append(out, "providers."+name+".webhook: webhooks are not authenticated (none: true)")
		}
		if p.common().Observe() {
			out = append(out, "providers."+name+": mode observe, nothing is sent")
		}
	}
	out = append(out, c.mailWarnings()...)
	if c.Files != nil && c.Files.Links != nil {
		out = append(out, "files.links: whoever has a link can fetch the file, from everywhere, until the link ends")
	}
	if c.SSP.Contract == soap.Assumed {
		out = append(out, "ssp.contract: assumed; calls go out with argument names that nobody has compared with this SSP")
	}
	if c.SSP.Operations != nil && c.SSP.Fingerprint == "" && c.SSP.Contract != soap.Assumed {
		out = append(out, "ssp.fingerprint: nobody has confirmed the contract of ssp.operations; pergabridge contract verify does that")
	}
	if c.SSP.Delivery.Observe() {
		out = append(out, "ssp: mode observe, nothing is sent")
	}
	return out
}

// AdminAddr returns the address at which programs on this machine reach the admin listener.
func (s *Server) AdminAddr() string {
	host, port, err := net.SplitHostPort(s.Admin)
	if err != nil {
		return s.Admin // the check has said so
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// LoadStore reads only the section `store` of a config file: all that moving the ledger needs.
func LoadStore(file string) (*Store, error) {
	n, err := config.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s := &Store{}
	config.Decode(n.Key("store"), s)
	var mine config.Problems
	for _, p := range n.Problems() {
		if p.Path == "store" || strings.HasPrefix(p.Path, "store.") {
			mine = append(mine, p)
		}
	}
	return s, mine.Err()
}

// replica returns the name of this process.
func (s *Server) replica() string {
	if s.Replica != "" {
		return s.Replica
	}
	host, err := os.Hostname()
	if err != nil {
		host = "replica"
	}
	return host + ":" + strconv.Itoa(os.Getpid())
}

// LoadServer reads only the section `server` of a config file: all that a verb needs to reach the
// running bridge. Whoever looks at events need not have the secrets of the providers.
func LoadServer(file string) (*Server, error) {
	n, err := config.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s := &Server{}
	config.Decode(n.Key("server"), s)
	var mine config.Problems
	for _, p := range n.Problems() {
		// Whoever uses the verbs need not be able to read the keys of the listeners.
		tls := strings.HasPrefix(p.Path+".", "server.tls.") || strings.HasPrefix(p.Path+".", "server.admin_tls.")
		if strings.HasPrefix(p.Path+".", "server.") && !tls {
			mine = append(mine, p)
		}
	}
	return s, mine.Err()
}
