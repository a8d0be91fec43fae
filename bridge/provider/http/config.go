package httpprovider

import (
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
)

// Config is the section of a provider of kind http.
type Config struct {
	Common   provider.Common `yaml:",inline"`
	Outbound outbound.Config `yaml:",inline"`

	Base    string                  `yaml:"base" doc:"address before every url that begins with /"`
	Headers map[string]mapping.Text `yaml:"headers" doc:"headers of every call"`
	Tables  mapping.Tables          `yaml:"tables" doc:"value tables, used as table('name', value)"`
	Send    Send                    `yaml:"send" doc:"one call for each kind of event; skip leaves a kind out"`
	Repeat  string                  `yaml:"repeat" enum:"reopen|continue|open_linked" default:"reopen" doc:"what a repeated submit and a declined solution mean for a ticket that was resolved or closed: it is reopened, goes on with a text, or a new one is opened that names it"`
	Find    Find                    `yaml:"find" doc:"look-ups that tell whether a call of unknown outcome had its effect"`
	Test    *Call                   `yaml:"test" doc:"a request that changes nothing there, such as GET /me; made by provider check and the console's button"`
	Inbound *Inbound                `yaml:"inbound" doc:"rules that turn what the provider sends into events"`
	Poll    *Poll                   `yaml:"poll" doc:"asks the provider what changed; feeds the inbound rules"`
}

// CommonConfig returns the keys that every kind has.
func (c *Config) CommonConfig() *provider.Common { return &c.Common }

// Send holds the calls.
type Send struct {
	Submit         *Operation `yaml:"submit" doc:"opens a ticket"`
	Update         *Operation `yaml:"update" doc:"adds a text"`
	RejectSolution *Operation `yaml:"reject_solution" doc:"tells that the user declined the solution"`
	Close          *Operation `yaml:"close" doc:"tells that the task was closed"`
	Continue       *Operation `yaml:"continue" doc:"a submit for a ticket that is still open; else update is used"`
	Reopen         *Operation `yaml:"reopen" doc:"a submit or declined solution for a ticket that was resolved or closed"`
	OpenLinked     *Operation `yaml:"open_linked" doc:"opens a new ticket in place of bond.reference; else submit is used"`
}

// named returns the operations that are configured, by name, in the order of a task's life.
func (s *Send) named() []namedOperation {
	var out []namedOperation
	for _, o := range []namedOperation{
		{"submit", s.Submit}, {"continue", s.Continue}, {"reopen", s.Reopen}, {"open_linked", s.OpenLinked},
		{"update", s.Update}, {"reject_solution", s.RejectSolution}, {"close", s.Close},
	} {
		if o.op != nil {
			out = append(out, o)
		}
	}
	return out
}

type namedOperation struct {
	name string
	op   *Operation
}

// Call is a request as the config describes it.
type Call struct {
	Method    string                  `yaml:"method" enum:"GET|POST|PUT|PATCH|DELETE" doc:"default: POST to send, GET to ask without a body"`
	URL       mapping.URL             `yaml:"url" required:"true" doc:"address; expressions in it are escaped"`
	Query     map[string]mapping.Text `yaml:"query" doc:"query parameters; empty ones are left out"`
	Headers   map[string]mapping.Text `yaml:"headers" doc:"headers; empty ones are left out"`
	As        string                  `yaml:"as" enum:"json|form|multipart|text|xml" default:"json" doc:"how the body is written; multipart (form-data) can hold files"`
	Body      mapping.Tree            `yaml:"body" doc:"the body: a tree for json, form and multipart, a text for text and xml (values escaped)"`
	OmitEmpty bool                    `yaml:"omit_empty" doc:"leave out members of the body that are absent or empty"`
	Success   mapping.Expr            `yaml:"success" doc:"condition on status and answer; default: status 2xx"`
}

// Operation is a call that delivers an event, or skip.
type Operation struct {
	Skip      bool `yaml:"-"`
	Call      `yaml:",inline"`
	Reference mapping.Expr    `yaml:"reference" doc:"where the ticket number is in the answer"`
	Comment   mapping.Expr    `yaml:"comment" doc:"where the id of the written text is in the answer; recognises its echo"`
	RetryIf   mapping.Expr    `yaml:"retry_if" doc:"condition on status and answer under which the call is repeated though it was answered"`
	Statuses  outbound.Policy `yaml:"statuses" doc:"statuses that mean something else here than usual"`
}

// operation has the fields of Operation without its methods.
type operation Operation

// UnmarshalConfig reads skip or a call.
func (o *Operation) UnmarshalConfig(n *config.Node) {
	if n.Kind() == config.Scalar {
		if n.String() != "skip" {
			n.Problemf("describe the call (method, url, body), or write skip", "must be a call or skip, not %q", n.String())
		}
		o.Skip = true
		return
	}
	config.Decode(n, (*operation)(o))
}

// ConfigSchema describes both forms.
func (Operation) ConfigSchema() map[string]any {
	return map[string]any{"oneOf": []any{map[string]any{"const": "skip"}, config.Schema(operation{})}}
}

// Find holds the look-ups, by the call they look for.
type Find struct {
	Submit         *Lookup `yaml:"submit" doc:"looks for the ticket that a submit opened"`
	Update         *Lookup `yaml:"update" doc:"looks for the text"`
	RejectSolution *Lookup `yaml:"reject_solution" doc:"looks for the declined solution"`
	Close          *Lookup `yaml:"close" doc:"asks whether the ticket is closed"`
	Continue       *Lookup `yaml:"continue" doc:"looks for what continue wrote"`
	Reopen         *Lookup `yaml:"reopen" doc:"asks whether the ticket was reopened"`
	OpenLinked     *Lookup `yaml:"open_linked" doc:"looks for the linked ticket"`
}

func (f *Find) by(name string) *Lookup {
	switch name {
	case "submit":
		return f.Submit
	case "update":
		return f.Update
	case "reject_solution":
		return f.RejectSolution
	case "close":
		return f.Close
	case "continue":
		return f.Continue
	case "reopen":
		return f.Reopen
	case "open_linked":
		return f.OpenLinked
	}
	return nil
}

// Lookup is a call that asks whether an earlier one had its effect. It must not change anything.
type Lookup struct {
	Call      `yaml:",inline"`
	Found     mapping.Expr `yaml:"found" required:"true" doc:"true: it is there; false: it is not; nil: cannot tell"`
	Reference mapping.Expr `yaml:"reference" doc:"where the ticket number is, for a submit"`
	AbsentOn  []int        `yaml:"absent_on" doc:"statuses that mean: it is not there, for instance 404"`
}

// ValidateConfig checks how the sections go together.
func (c *Config) ValidateConfig(n *config.Node) {
	provider.CheckBase(n.Key("base"), c.Base, "https://api.example.com/v1")
	send := n.Key("send")
	validateHeaders(n.Key("headers"), c.Headers)
	for _, t := range c.Headers {
		t.Within(mapping.Outgoing)
	}
	c.validateSend(n, send)
	for _, p := range n.Key("find").Pairs() {
		l := c.Find.by(p.Name)
		if l == nil {
			continue
		}
		c.validateCall(p.Node, &l.Call, mapping.Outgoing, mapping.Answer)
		for _, e := range []mapping.Expr{l.Found, l.Reference} {
			e.Within(mapping.Answer)
			c.Tables.Check(p.Node, e.Tables())
		}
		if (p.Name == "submit" || p.Name == "open_linked") && l.Reference.IsZero() {
			p.Node.Problemf("reference: answer.items[0].number", "a look-up for a ticket has to say where its reference is")
		}
		if !send.Key(p.Name).Exists() {
			p.Node.ProblemAtKey("", "looks for send.%s, which is not configured", p.Name)
		}
	}
	if c.Test != nil {
		c.validateTest(n)
	}
	if c.Inbound != nil {
		c.validateInbound(n.Key("inbound"))
	}
	if c.Poll != nil {
		c.validatePoll(n)
	}
}

func (c *Config) validateSend(n, send *config.Node) {
	missing := func(name, hint string) {
		send.Key(name).Problemf(hint, "is required: nothing says what the provider is told")
	}
	switch {
	case c.Send.Submit == nil:
		if !send.Key("submit").Exists() {
			missing("submit", "describe the call that opens a ticket")
		}
	case c.Send.Submit.Skip:
		send.Key("submit").Problemf("", "cannot be skipped: without a ticket there is nothing to keep in step")
	}
	if c.Send.Update == nil && !send.Key("update").Exists() {
		missing("update", "describe the call, or write update: skip")
	}
	if c.Send.Close == nil && !send.Key("close").Exists() {
		missing("close", "describe the call, or write close: skip")
	}
	if c.Send.RejectSolution == nil && c.Send.Reopen == nil && !send.Key("reject_solution").Exists() && !n.Key("repeat").Exists() {
		missing("reject_solution", "describe the call, write reject_solution: skip, or say with repeat what a declined solution means")
	}
	for _, o := range c.Send.named() {
		if o.op.Skip {
			continue
		}
		at := send.Key(o.name)
		c.validateCall(at, &o.op.Call, mapping.Outgoing, mapping.Answer)
		for _, e := range []mapping.Expr{o.op.Reference, o.op.Comment, o.op.RetryIf} {
			e.Within(mapping.Answer)
			c.Tables.Check(at, e.Tables())
		}
	}
}

// validateCall checks one request; its parts see the names of ask, what reads the answer those of got.
func (c *Config) validateCall(n *config.Node, call *Call, ask, got []string) {
	call.URL.Within(ask)
	tables := call.URL.Tables()
	if strings.HasPrefix(call.URL.Literal(), "/") && c.Base == "" {
		n.Key("url").Problemf("write the whole address, or add base: https://…", "begins with /, but there is no base")
	}
	validateHeaders(n.Key("headers"), call.Headers)
	for _, m := range []map[string]mapping.Text{call.Query, call.Headers} {
		for _, t := range m {
			t.Within(ask)
			tables = append(tables, t.Tables()...)
		}
	}
	call.Body.Within(ask)
	call.Success.Within(got)
	tables = append(append(tables, call.Body.Tables()...), call.Success.Tables()...)
	c.Tables.Check(n, tables)
	if call.Body.IsZero() {
		return
	}
	_, isText := call.Body.Text()
	switch {
	case (call.As == "text" || call.As == "xml") && !isText:
		n.Key("body").Problemf("body: \"…${event.text}…\"", "must be one text, because of as: %s", call.As)
	case (call.As == "form" || call.As == "multipart") && !call.Body.IsObject():
		n.Key("body").Problemf("", "must be a section (name: value), because of as: %s", call.As)
	}
	if call.Method == http.MethodGet {
		n.Key("body").Problemf("use query", "a GET has no body")
	}
}

func validateHeaders(n *config.Node, headers map[string]mapping.Text) {
	for name := range headers {
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			n.Key(name).ProblemAtKey("", "is not the name of a header")
		case strings.EqualFold(name, "Authorization"), strings.EqualFold(name, "Cookie"), strings.EqualFold(name, "Proxy-Authorization"):
			n.Key(name).ProblemAtKey("use auth, so that the secret stays outside this file and is masked", "credentials do not belong here")
		}
	}
}

// choose returns the operation that delivers the leased event, by name.
func (c *Config) choose(l *bridge.Lease) (string, *Operation) {
	s := &c.Send
	var names []string
	switch l.Event.Kind {
	case bridge.Submit:
		switch l.Event.Mode {
		case bridge.ModeContinue:
			names = []string{"continue", "update"}
		case bridge.ModeReopen:
			names = c.repeated(true)
		default:
			names = []string{"submit"}
		}
	case bridge.RejectSolution:
		names = append([]string{"reject_solution"}, c.repeated(false)...)
	default:
		names = []string{string(l.Event.Kind)}
	}
	ops := map[string]*Operation{}
	for _, o := range s.named() {
		ops[o.name] = o.op
	}
	for _, name := range names {
		op := ops[name]
		if op == nil || op.Skip && name == "reject_solution" && l.Event.Kind == bridge.Submit {
			continue // that a declined solution is not told says nothing about a repeated submit
		}
		return name, op
	}
	return string(l.Event.Kind), nil
}

// repeated returns what stands for a repeat on a ticket that was over.
func (c *Config) repeated(submit bool) []string {
	switch {
	case c.Repeat == "continue":
		return []string{"continue", "update"}
	case c.Repeat == "open_linked":
		return []string{"open_linked", "submit"}
	case submit:
		return []string{"reopen", "reject_solution", "update"}
	default:
		return []string{"reopen", "update"}
	}
}

// Address returns where the provider is, for people.
func (c *Config) Address() string {
	if c.Base != "" || c.Send.Submit == nil {
		return c.Base
	}
	return c.Send.Submit.URL.Literal()
}
