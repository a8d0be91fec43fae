package tesamanager

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/contract"
)

// PollDuty is the name of the source that follows progress.
const PollDuty = "poll"

func init() {
	provider.Register(provider.Of("tesamanager", "wholesale-fibre requests of MasStack's Provision API", New))
}

// New builds a provider from a config without problems. It connects to nothing.
func New(name string, c *Config, d provider.Deps) (*provider.Provider, error) {
	d = d.WithDefaults()
	api, client, err := newAPI(name, c, d)
	if err != nil {
		return nil, err
	}
	if err := c.Tables.Prepare(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	schemas, err := loadSchemas(c.Schemas)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	known, fresh := newKnown(), &vendorapi.Fresh{}
	receiver := newReceiver(name, c, d.Now)
	p := &provider.Provider{
		Name:        name,
		Destination: &Destination{name: name, config: c, api: api, known: known, fresh: fresh, schemas: schemas},
		Receiver:    receiver,
		Operations:  api.client.Operations(contract.Objections(Contract)),
		Checker:     &checker{api, c},
		Close:       client.Close,
	}
	if !c.Poll.Off {
		p.Sources = map[string]bridge.Source{PollDuty: newPoll(name, c, api, receiver, known, fresh, d)}
	}
	return p, nil
}

// NewAPI makes the typed client alone.
func NewAPI(name string, c *Config, d provider.Deps) (*API, func(), error) {
	api, client, err := newAPI(name, c, d.WithDefaults())
	if err != nil {
		return nil, nil, err
	}
	return api, client.Close, nil
}

func newAPI(name string, c *Config, d provider.Deps) (*API, *outbound.Client, error) {
	profile, err := vendorapi.Parse(profileData)
	if err != nil {
		return nil, nil, err
	}
	c.Override.Apply(profile)
	client, err := outbound.New(name, c.Outbound, d.Outbound)
	if err != nil {
		return nil, nil, err
	}
	header := func() map[string]string { return nil }
	if h := c.CorrelationHeader; h != "" && h != "none" {
		header = func() map[string]string { return map[string]string{http.CanonicalHeaderKey(h): uuid.NewString()} }
	}
	return &API{client: &vendorapi.Client{
		Name: name, Profile: profile, Fixed: map[string]string{"org": c.Org}, Base: c.Base, Judge: judge(profile), Header: header,
		HTTP: func(*vendorapi.Operation) vendorapi.Caller { return client },
	}}, client, nil
}

// Contract returns the vendor's file, with what is assumed marked in it.
func Contract() (*contract.Contract, error) { return published() }

var published = contract.Once(contractData)
