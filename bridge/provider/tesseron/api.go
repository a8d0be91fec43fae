package tesseron

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// Address is a postal address. A postcode is a text here: 01067 has a zero in front.
type Address struct {
	Street      string `json:"street,omitempty"`
	Postcode    string `json:"postcode,omitempty"`
	City        string `json:"city,omitempty"`
	Line1       string `json:"line1,omitempty"`
	Line2       string `json:"line2,omitempty"`
	Line3       string `json:"line3,omitempty"`
	Postbox     string `json:"postbox,omitempty"`
	County      string `json:"county,omitempty"`
	CountyShort string `json:"countyShort,omitempty"`
	CountryName string `json:"countryName,omitempty"`
	CountryCode string `json:"countryCode,omitempty"`
}

// Email is one address of a person or an enterprise.
type Email struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`
}

// Phone is one number of a person or an enterprise.
type Phone struct {
	Name   string `json:"name,omitempty"`
	Number string `json:"number,omitempty"`
}

// EnterpriseData is what CreateEnterprise and UpdateEnterprise write.
type EnterpriseData struct {
	EnterpriseID      *int64   `json:"enterpriseId,omitempty"` // update only
	BusinessPartnerID string   `json:"businessPartnerId,omitempty"`
	Name              string   `json:"name,omitempty"`
	Name2             string   `json:"name2,omitempty"`
	SearchName        string   `json:"searchName,omitempty"`
	TradingRegistryNo string   `json:"tradingRegistryNo,omitempty"`
	VatID             string   `json:"vatId,omitempty"`
	ExternalID        string   `json:"externalId,omitempty"`
	MailDomain        string   `json:"mailDomain,omitempty"`
	RootPhoneNumber   string   `json:"rootPhoneNumber,omitempty"`
	Webpage           string   `json:"webpage,omitempty"`
	Abbreviation      string   `json:"abbreviation,omitempty"`
	Group             string   `json:"group,omitempty"`
	Memo              string   `json:"memo,omitempty"`
	InfoTicketView    string   `json:"infoTicketView,omitempty"`
	InfoInvoice       string   `json:"infoInvoice,omitempty"`
	InfoTicketCreate  string   `json:"infoTicketCreate,omitempty"`
	Priority          *int64   `json:"priority,omitempty"`
	ResponsibleUser1  *int64   `json:"responsibleUser1,omitempty"`
	ResponsibleUser2  *int64   `json:"responsibleUser2,omitempty"`
	Address           *Address `json:"address,omitempty"`
	Emails            []Email  `json:"emails,omitempty"`
	PhoneNumbers      []Phone  `json:"phoneNumbers,omitempty"`
}

// ContactData is what CreateContact and UpdateContact write.
type ContactData struct {
	ContactID             *int64   `json:"contactId,omitempty"`    // update only
	EnterpriseID          *int64   `json:"enterpriseId,omitempty"` // update only, not in 2025
	EnterpriseReference   string   `json:"enterpriseReference,omitempty"`
	Title                 string   `json:"title,omitempty"`
	FormOfAddress         string   `json:"formOfAddress,omitempty"`
	ForeName              string   `json:"foreName,omitempty"`
	ForeName2             string   `json:"foreName2,omitempty"`
	Surname               string   `json:"surname,omitempty"`
	SearchName            string   `json:"searchName,omitempty"`
	Initials              string   `json:"initials,omitempty"`              // 2025 only
	AddressFromEnterprise *bool    `json:"addressFromEnterprise,omitempty"` // not in 2024-03
	Memo                  string   `json:"memo,omitempty"`
	Responsibilities      string   `json:"responsibilities,omitempty"` // not in 2025
	Department            string   `json:"department,omitempty"`
	IsVIP                 *bool    `json:"isVip,omitempty"`
	Status                *int64   `json:"status,omitempty"` // update only, not in 2025
	ExternalNumber        string   `json:"externalNumber,omitempty"`
	ContactType           *int64   `json:"contactType,omitempty"`
	InfoTicketView        string   `json:"infoTicketView,omitempty"`
	InfoInvoice           string   `json:"infoInvoice,omitempty"`
	InfoTicketCreate      string   `json:"infoTicketCreate,omitempty"`
	Address               *Address `json:"address,omitempty"`
	Emails                []Email  `json:"emails,omitempty"`
	PhoneNumbers          []Phone  `json:"phoneNumbers,omitempty"`
}

// Search is the query of GetEnterprises, GetContacts and the searches by parameter.
type Search struct {
	SearchParam string `json:"searchParam"`
	Take        int    `json:"take"`
	Skip        int    `json:"skip"`
	Filter      string `json:"filter,omitempty"`
}

// TicketData is what CreateTicket writes.
type TicketData struct {
	TicketType            int    `json:"ticketType"`
	Header                string `json:"ticketHeader"`
	Text                  string `json:"ticketText"`
	ReferenceNumber       string `json:"referenceNumber,omitempty"`
	EntranceType          int64  `json:"entranceType"`
	AreaID                int64  `json:"areaId"`
	ProjectID             *int64 `json:"projectId,omitempty"`
	Tags                  string `json:"tags,omitempty"`
	Released              bool   `json:"releasedOption"`
	Private               bool   `json:"privateOption"`
	Internal              bool   `json:"internalOption"`
	Urgency               int    `json:"urgencyType"`
	Effects               int    `json:"effectsType"`
	ServiceContractID     *int64 `json:"serviceContractId,omitempty"`
	DelegatedTicketEditor *int64 `json:"delegatedTicketEditor,omitempty"`
	EnterpriseID          int64  `json:"enterpriseId"`
	ContactID             *int64 `json:"contactId,omitempty"`
}

// PositionData is what CreateTicketPosition writes.
type PositionData struct {
	ReferenceNumber string `json:"referenceNumber"`
	Text            string `json:"ticketPositionText"`
	Type            int    `json:"ticketPositionType"`
	Internal        *bool  `json:"ticketPositionVisibility,omitempty"`
}

// Page is one page of a search.
type Page struct {
	Count, Filtered int64
	Items           []vendorapi.Record
}

// API is the typed client: one method for each operation. Errors are of type [*vendorapi.Failure].
type API struct{ client *vendorapi.Client }

func (a *API) call(ctx context.Context, op string, request any) (vendorapi.Record, *vendorapi.Reply, error) {
	args, err := vendorapi.Args(request)
	if err != nil {
		return vendorapi.Record{}, nil, err
	}
	return a.send(ctx, op, args)
}

func (a *API) send(ctx context.Context, op string, args map[string]any) (vendorapi.Record, *vendorapi.Reply, error) {
	reply, err := a.client.Call(ctx, op, args)
	if err != nil {
		return vendorapi.Record{}, reply, err
	}
	return a.client.Profile.Record("answer", reply.Object()), reply, nil
}

func (a *API) id(ctx context.Context, op, name string, request any) (int64, error) {
	r, _, err := a.call(ctx, op, request)
	if err != nil {
		return 0, err
	}
	return firstInt(r, name), nil
}

// firstInt reads a number that newer generations wrap into a list.
func firstInt(r vendorapi.Record, name string) int64 {
	for _, v := range r.List(name) {
		if n, ok := v.(json.Number); ok {
			i, err := n.Int64()
			if err == nil {
				return i
			}
		}
	}
	n, _ := r.Int(name)
	return n
}

func (a *API) page(ctx context.Context, op, list, model string, q Search) (Page, error) {
	r, _, err := a.call(ctx, op, q)
	if err != nil {
		return Page{}, err
	}
	p := Page{Items: a.client.Profile.Records(model, r.List(list))}
	p.Count, _ = r.Int("count")
	p.Filtered, _ = r.Int("filtered")
	return p, nil
}

// GetEnterprises searches enterprises.
func (a *API) GetEnterprises(ctx context.Context, q Search) (Page, error) {
	return a.page(ctx, "GetEnterprises", "enterprises", "enterprise", q)
}

// CreateEnterprise makes an enterprise and returns its id.
func (a *API) CreateEnterprise(ctx context.Context, d EnterpriseData) (int64, error) {
	return a.id(ctx, "CreateEnterprise", "enterpriseId", d)
}

// UpdateEnterprise changes an enterprise and returns its id.
func (a *API) UpdateEnterprise(ctx context.Context, d EnterpriseData) (int64, error) {
	return a.id(ctx, "UpdateEnterprise", "enterpriseId", d)
}

// SetEnterpriseStatus changes the status of an enterprise and returns its id.
func (a *API) SetEnterpriseStatus(ctx context.Context, enterpriseID, status int64) (int64, error) {
	return a.id(ctx, "SetEnterpriseStatus", "statusEnterpriseId", map[string]any{"enterpriseId": enterpriseID, "status": status})
}

// GetContacts searches contacts.
func (a *API) GetContacts(ctx context.Context, q Search) (Page, error) {
	return a.page(ctx, "GetContacts", "contacts", "contact", q)
}

// CreateContact makes a contact and returns its id.
func (a *API) CreateContact(ctx context.Context, d ContactData) (int64, error) {
	return a.id(ctx, "CreateContact", "contactId", d)
}

// UpdateContact changes a contact and returns its id.
func (a *API) UpdateContact(ctx context.Context, d ContactData) (int64, error) {
	return a.id(ctx, "UpdateContact", "contactId", d)
}

// SearchEnterprise returns the ids for a customer number. Obsolete; only in 2024-03.
func (a *API) SearchEnterprise(ctx context.Context, businessPartnerID string) ([]int64, error) {
	_, reply, err := a.call(ctx, "SearchEnterprise", map[string]any{"referenceNumber": businessPartnerID})
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, v := range a.client.Profile.Record("enterprise", reply.Object()).List("enterpriseId") {
		if n, ok := v.(json.Number); ok {
			i, err := n.Int64()
			if err == nil {
				out = append(out, i)
			}
		}
	}
	return out, nil
}

// GetEnterprise reads one enterprise. Obsolete; only in 2024-03.
func (a *API) GetEnterprise(ctx context.Context, enterpriseID int64) (vendorapi.Record, error) {
	_, reply, err := a.call(ctx, "GetEnterprise", map[string]any{"enterpriseId": enterpriseID})
	if err != nil {
		return vendorapi.Record{}, err
	}
	return a.client.Profile.Record("enterprise", reply.Object()), nil
}

// SearchEnterpriseByParameter searches enterprises. Obsolete; only in 2024-03.
func (a *API) SearchEnterpriseByParameter(ctx context.Context, q Search) (Page, error) {
	return a.page(ctx, "SearchEnterpriseByParameter", "enterprises", "enterprise", q)
}

// CreateTicket makes a ticket and returns its number.
func (a *API) CreateTicket(ctx context.Context, d TicketData) (string, error) {
	r, _, err := a.call(ctx, "CreateTicket", d)
	return firstText(r, "ticketNumber"), err
}

// CreateTicketPosition adds a position and returns its id.
func (a *API) CreateTicketPosition(ctx context.Context, d PositionData) (string, error) {
	r, _, err := a.call(ctx, "CreateTicketPosition", d)
	return firstText(r, "ticketPositionNumber"), err
}

// GetTicket reads a ticket by its number or reference number.
func (a *API) GetTicket(ctx context.Context, number string) (vendorapi.Record, error) {
	_, reply, err := a.call(ctx, "GetTicket", map[string]any{"referenceNumber": number})
	if err != nil {
		return vendorapi.Record{}, err
	}
	return a.client.Profile.Record("ticket", reply.Object()), nil
}

// SearchTicket returns the numbers of the tickets with a ticket or reference number.
func (a *API) SearchTicket(ctx context.Context, number string) ([]string, error) {
	r, _, err := a.call(ctx, "SearchTicket", map[string]any{"referenceNumber": number})
	return texts(r, "ticketNumber"), err
}

// SearchTicketByParameter searches tickets.
func (a *API) SearchTicketByParameter(ctx context.Context, q Search) (Page, error) {
	return a.page(ctx, "SearchTicketByParameter", "tickets", "found", q)
}

func texts(r vendorapi.Record, name string) []string {
	var out []string
	for _, v := range r.List(name) {
		switch x := v.(type) {
		case string:
			if x = strings.TrimSpace(x); x != "" {
				out = append(out, x)
			}
		case json.Number:
			out = append(out, x.String())
		}
	}
	return out
}

func firstText(r vendorapi.Record, name string) string {
	if l := texts(r, name); len(l) > 0 {
		return l[0]
	}
	return ""
}
