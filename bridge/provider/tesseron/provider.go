package tesseron

import (
	"context"
	"fmt"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/contract"
)

// PollDuty is the name of the source that follows states.
const PollDuty = "poll"

func init() {
	provider.Register(provider.Of("tesseron", "tickets, enterprises and contacts of Tesseron ASM", New))
}

// New builds a provider from a config without problems. It connects to nothing.
func New(name string, c *Config, d provider.Deps) (*provider.Provider, error) {
	d = d.WithDefaults()
	api, end, err := newAPI(name, c, d, float64(c.Rate.PerMinute)*(1-c.Rate.PollShare))
	if err != nil {
		return nil, err
	}
	if err := c.Tables.Prepare(); err != nil {
		end()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	dest := &Destination{name: name, config: c, api: api, log: d.Log, fresh: &vendorapi.Fresh{}}
	receiver := newReceiver(name, c, d.Now)
	p := &provider.Provider{
		Name: name, Destination: dest, Receiver: receiver, Close: end,
		Operations: api.client.Operations(c.conforms), Checker: &checker{api, c},
	}
	if c.Poll.SearchParam == "" {
		return p, nil
	}
	polls, endPolls, err := newAPI(name, c, d, float64(c.Rate.PerMinute)*c.Rate.PollShare)
	if err != nil {
		end()
		return nil, err
	}
	p.Close = func() { end(); endPolls() }
	p.Sources = map[string]bridge.Source{PollDuty: &poll{name: name, config: c, receiver: receiver, log: d.Log, now: d.Now, fresh: dest.fresh, bonds: d.Bonds,
		search: &Destination{name: name, config: c, api: polls, log: d.Log, fresh: dest.fresh}}}
	return p, nil
}

// NewAPI makes the typed client alone, with the whole rate for it.
func NewAPI(name string, c *Config, d provider.Deps) (*API, func(), error) {
	return newAPI(name, c, d.WithDefaults(), float64(c.Rate.PerMinute))
}

func newAPI(name string, c *Config, d provider.Deps, perMinute float64) (*API, func(), error) {
	profile, err := c.newProfile()
	if err != nil {
		return nil, nil, err
	}
	c.Override.Apply(profile)
	clients := map[string]*outbound.Client{}
	end := func() {
		for _, k := range clients {
			k.Close()
		}
	}
	for service, k := range map[string]struct {
		key  config.Secret
		name string
	}{"basicData": {c.Keys.BasicData, c.Key.BasicData}, "ticket": {c.Keys.Ticket, c.Key.Ticket}} {
		o := c.Outbound
		switch {
		case k.key.Empty():
		case c.Key.In == "header":
			o.Auth.Header = &outbound.HeaderKey{Name: k.name, Secret: k.key}
		default:
			o.Auth.Query = &outbound.QueryKey{Name: k.name, Secret: k.key}
		}
		if clients[service], err = outbound.New(name, o, d.Outbound); err != nil {
			delete(clients, service)
			end()
			return nil, nil, err
		}
	}
	pace := vendorapi.NewPace(perMinute, time.Minute)
	return &API{&vendorapi.Client{
		Name: name, Profile: profile, Base: c.Base, Judge: judge(profile), Before: pace.Enter, After: pace.Leave,
		// The vendor answers what is obsolete with 303; judge reads it.
		HTTP: func(op *vendorapi.Operation) vendorapi.Caller { return clients[op.Service] },
	}}, end, nil
}

// Contracts returns the publisher's files for a profile; basic data is nil where nothing is published.
func Contracts(profile string) (basicData, ticket *contract.Contract, err error) {
	if ticket, err = publishedTicket(); err != nil {
		return nil, nil, err
	}
	if read := publishedBasic[profile]; read != nil {
		basicData, err = read()
	}
	return basicData, ticket, err
}

var (
	publishedTicket = contract.Once(contractTicket)
	publishedBasic  = map[string]func() (*contract.Contract, error){"2024-03": contract.Once(contract2403), "2024-05": contract.Once(contract2405)}
)

func (c *Config) conforms(op string, r outbound.Request) []string {
	basic, ticket, err := Contracts(c.Profile)
	if err != nil {
		return []string{err.Error()}
	}
	for _, k := range []*contract.Contract{ticket, basic} {
		if k == nil {
			continue
		}
		for _, id := range k.Operations() {
			if id == op {
				return k.CheckAs(op, r.URL, r.Header, r.Body)
			}
		}
	}
	return []string{"nothing is published for " + op + " in profile " + c.Profile}
}

type checker struct {
	api    *API
	config *Config
}

// Check makes one search of each service.
func (c *checker) Check(ctx context.Context) []provider.CheckResult {
	one := func(what string, err error) provider.CheckResult {
		if o := vendorapi.OutcomeOf(err); o.Kind == bridge.OutcomeRefused && o.Status == 200 {
			return provider.CheckResult{What: what, OK: true, Detail: "answered; it said: " + o.Detail}
		}
		if err != nil {
			return provider.CheckResult{What: what, Detail: err.Error()}
		}
		return provider.CheckResult{What: what, OK: true, Detail: "answered"}
	}
	_, err := c.api.SearchTicket(ctx, c.config.Reference.Of("pergabridge-check"))
	out := []provider.CheckResult{one("SearchTicket (host, key of the service ticket)", err)}
	if !c.config.Keys.BasicData.Empty() {
		_, err = c.api.GetEnterprises(ctx, Search{SearchParam: "pergabridge-check", Take: 1})
		out = append(out, one("GetEnterprises (key of the service basic data, profile "+c.config.Profile+")", err))
	}
	basic, _, err := Contracts(c.config.Profile)
	switch {
	case err != nil:
		out = append(out, provider.CheckResult{What: "contract", Detail: err.Error()})
	case basic == nil:
		out = append(out, provider.CheckResult{What: "contract", OK: true, Detail: "profile " + c.config.Profile + " is partial: seen in generated client code only"})
	default:
		out = append(out, provider.CheckResult{What: "contract", OK: true, Detail: "basic data: " + basic.Assumed().String()})
	}
	return out
}
