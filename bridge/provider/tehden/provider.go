package tehden

import (
	"context"
	"fmt"
	"time"

	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/contract"
)

func init() {
	provider.Register(provider.Of("tehden", "customers of Tehden", New))
}

// New builds a provider from a config without problems. It connects to nothing.
func New(name string, c *Config, d provider.Deps) (*provider.Provider, error) {
	api, client, err := newAPI(name, c, d.WithDefaults())
	if err != nil {
		return nil, err
	}
	if err := c.Tables.Prepare(); err != nil {
		client.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &provider.Provider{
		Name: name, Destination: &Destination{name: name, config: c, api: api}, Close: client.Close,
		Operations: api.client.Operations(contract.Objections(Contract)), Checker: &checker{api, client, c},
	}, nil
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
	profile, err := c.profile()
	if err != nil {
		return nil, nil, err
	}
	c.Override.Apply(profile)
	o := c.Outbound
	o.Auth = c.auth()
	client, err := outbound.New(name, o, d.Outbound)
	if err != nil {
		return nil, nil, err
	}
	notFound := c.NotFound
	if len(notFound) == 0 {
		notFound = []int{404}
	}
	pace := vendorapi.NewPace(c.Rate, time.Second)
	return &API{notFound: notFound, client: &vendorapi.Client{
		Name: name, Profile: profile, Base: c.host() + c.APIBase, Judge: judge(profile), Guard: paired, Before: pace.Enter, After: pace.Leave,
		HTTP: func(*vendorapi.Operation) vendorapi.Caller { return client },
	}}, client, nil
}

// Contract returns the reconstructed file, with what is assumed marked in it.
func Contract() (*contract.Contract, error) { return reconstructed() }

var reconstructed = contract.Once(contractData)

type checker struct {
	api    *API
	client *outbound.Client
	config *Config
}

// Check looks for a customer whom nobody has.
func (c *checker) Check(ctx context.Context) []provider.CheckResult {
	look := provider.CheckResult{What: "getCustomerIdByExternalSystemIdentifier (token, host, path)", OK: true, Detail: "answered"}
	if _, err := c.api.GetCustomerIDByExternalSystemIdentifier(ctx, Pair{c.config.External.ID, "pergabridge-check"}); err != nil {
		look.OK, look.Detail = false, err.Error()
		if g := c.config.auth().OAuth2Code; g != nil {
			look.Detail += "\na person allows the bridge at " + g.Authorize("pergabridge") + " and passes the code on with --code"
		}
	}
	known, err := Contract()
	if err != nil {
		return []provider.CheckResult{look, {What: "contract", Detail: err.Error()}}
	}
	return []provider.CheckResult{look, {What: "contract", OK: true, Detail: known.Assumed().String()}}
}

// Redeem exchanges the code that a person got at the authorization page.
func (c *checker) Redeem(ctx context.Context, code string) error {
	g := c.config.auth().OAuth2Code
	if g == nil {
		return fmt.Errorf("%s has no auth.oauth2_code", c.config.Address())
	}
	return g.Redeem(ctx, c.client, code)
}
