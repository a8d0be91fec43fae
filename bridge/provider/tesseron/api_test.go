package tesseron_test

import (
	"errors"
	"os"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/provider/tesseron"
	"github.com/pergabridge/pergabridge/bridge/provider/tesseron/tesserontest"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/fake"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi/flowtest"
)

func ptr[T any](v T) *T { return &v }

func api(t *testing.T, v *tesserontest.Vendor) *tesseron.API {
	t.Helper()
	c := flowtest.Decode(t, "tesseron", v.Config(quick+fixed)).(*tesseron.Config)
	a, end, err := tesseron.NewAPI("desk", c, provider.Deps{})
	require.NoError(t, err)
	t.Cleanup(end)
	return a
}

var (
	address = &tesseron.Address{Street: "s", Postcode: "10115", City: "c", Line1: "1", Line2: "2", Line3: "3", Postbox: "p", County: "k", CountyShort: "ks", CountryName: "n", CountryCode: "DE"}
	emails  = []tesseron.Email{{Name: "work", Address: "a@example.com"}}
	phones  = []tesseron.Phone{{Name: "work", Number: "+49 1"}}
)

func enterpriseData() tesseron.EnterpriseData {
	return tesseron.EnterpriseData{BusinessPartnerID: "C-9", Name: "n", Name2: "n2", SearchName: "s", TradingRegistryNo: "t", VatID: "v", ExternalID: "e", MailDomain: "m",
		RootPhoneNumber: "r", Webpage: "w", Abbreviation: "a", Group: "g", Memo: "m", InfoTicketView: "1", InfoInvoice: "2", InfoTicketCreate: "3", Priority: ptr(int64(1)),
		ResponsibleUser1: ptr(int64(2)), ResponsibleUser2: ptr(int64(3)), Address: address, Emails: emails, PhoneNumbers: phones}
}

func contactData(profile string) tesseron.ContactData {
	d := tesseron.ContactData{EnterpriseReference: "C-9", Title: "Dr.", FormOfAddress: "f", ForeName: "Ann", ForeName2: "B", Surname: "Example", SearchName: "s", Memo: "m",
		Responsibilities: "r", Department: "d", IsVIP: ptr(true), ExternalNumber: "x", ContactType: ptr(int64(1)), InfoTicketView: "1", InfoInvoice: "2", InfoTicketCreate: "3",
		Address: address, Emails: emails, PhoneNumbers: phones}
	if profile != "2024-03" {
		d.AddressFromEnterprise = ptr(false)
	}
	if profile == "2025" {
		d.Responsibilities, d.Initials = "", "AE"
	}
	return d
}

// Every operation is called with every field; the fake holds each request against the publisher's file.
func TestEveryOperationWithEveryField(t *testing.T) {
	for _, profile := range []string{"2024-03", "2024-05", "2025"} {
		t.Run(profile, func(t *testing.T) {
			v := vendor(t, profile)
			a, ctx := api(t, v), t.Context()
			if profile != "2025" {
				id, err := a.CreateEnterprise(ctx, enterpriseData())
				require.NoError(t, err)
				d := enterpriseData()
				d.EnterpriseID = &id
				same, err := a.UpdateEnterprise(ctx, d)
				require.NoError(t, err)
				require.Equal(t, id, same)
			} else {
				v.AddEnterprise("C-9", "n")
				_, err := a.CreateEnterprise(ctx, enterpriseData())
				require.ErrorContains(t, err, "disabled")
			}
			_, err := a.SetEnterpriseStatus(ctx, 101, 1)
			require.NoError(t, err)
			q := tesseron.Search{SearchParam: "C-9", Take: 10, Skip: 0}
			if profile != "2025" {
				q.Filter = "f"
			}
			page, err := a.GetEnterprises(ctx, q)
			require.NoError(t, err)
			require.Equal(t, "C-9", page.Items[len(page.Items)-1].String("businessPartnerId"))
			require.Equal(t, "n", page.Items[len(page.Items)-1].String("name"))
			contact, err := a.CreateContact(ctx, contactData(profile))
			require.NoError(t, err)
			d := contactData(profile)
			d.ContactID = &contact
			if profile == "2025" {
				d.ContactType = nil
			} else {
				d.EnterpriseID, d.Status = ptr(int64(101)), ptr(int64(1))
			}
			_, err = a.UpdateContact(ctx, d)
			require.NoError(t, err)
			page, err = a.GetContacts(ctx, tesseron.Search{SearchParam: "Example", Take: 10, Filter: "f"})
			require.NoError(t, err)
			require.Equal(t, "Example", page.Items[0].String("surname"))

			number, err := a.CreateTicket(ctx, tesseron.TicketData{TicketType: 4, Header: "h", Text: "t", ReferenceNumber: "R", EntranceType: 1, AreaID: 2, ProjectID: ptr(int64(3)), Tags: "x",
				Released: true, Private: true, Internal: true, Urgency: 0, Effects: 2, ServiceContractID: ptr(int64(4)), DelegatedTicketEditor: ptr(int64(5)), EnterpriseID: 101, ContactID: &contact})
			require.NoError(t, err)
			_, err = a.CreateTicketPosition(ctx, tesseron.PositionData{ReferenceNumber: number, Text: "p", Type: 2, Internal: ptr(true)})
			require.NoError(t, err)
			found, err := a.SearchTicket(ctx, "R")
			require.NoError(t, err)
			require.Equal(t, []string{number}, found)
			whole, err := a.GetTicket(ctx, number)
			require.NoError(t, err)
			require.Equal(t, "R", whole.String("referenceNumber"))
			page, err = a.SearchTicketByParameter(ctx, tesseron.Search{SearchParam: number, Take: 5, Filter: "f"})
			require.NoError(t, err)
			require.Len(t, page.Items, 1)
			if profile == "2024-03" {
				obsolete(t, v, a)
			}
			basic, tickets, err := tesseron.Contracts(profile)
			require.NoError(t, err)
			require.Empty(t, flowtest.Unsent(tickets, v.Server.Calls()))
			if basic != nil {
				require.Empty(t, flowtest.Unsent(basic, v.Server.Calls()))
				t.Log(profile, "basic data:", basic.Assumed())
			}
		})
	}
}

func obsolete(t *testing.T, v *tesserontest.Vendor, a *tesseron.API) {
	t.Helper()
	ctx := t.Context()
	for range 2 { // the second time with 303
		ids, err := a.SearchEnterprise(ctx, "C-9")
		require.NoError(t, err)
		require.Equal(t, []int64{101}, ids)
		v.Obsolete()
	}
	_, err := a.GetEnterprise(ctx, 101)
	var f *vendorapi.Failure
	require.True(t, errors.As(err, &f))
	require.Equal(t, bridge.OutcomeRefused, f.Outcome.Kind)
	require.Contains(t, f.Outcome.Detail, "obsolete")
	page, err := a.SearchEnterpriseByParameter(ctx, tesseron.Search{SearchParam: "C-9", Take: 10, Filter: "f"})
	require.NoError(t, err)
	require.NotEmpty(t, page.Items)
}

// The profiles say the same as the table of names that was compared with the publisher's files.
func TestProfilesEqualTheTableOfNames(t *testing.T) {
	raw, err := os.ReadFile("contract/field-profiles.yaml")
	require.NoError(t, err)
	var table struct {
		Write map[string]map[string]yaml.MapSlice `yaml:"write_fields"`
	}
	_ = yaml.Unmarshal(raw, &table) // enterprise_required has another form; what is read is checked below
	require.NotEmpty(t, table.Write["contact"])
	checked := 0
	for _, profile := range []string{"2024-03", "2024-05", "2025"} {
		v := vendor(t, profile)
		p := flowtest.Build(t, "desk", "tesseron", v.Config(quick+fixed), provider.Deps{})
		_ = p
		for field, columns := range table.Write["contact"] {
			for _, c := range columns {
				if c.Key != "connector-"+profile || c.Value == nil {
					continue
				}
				name, _ := c.Value.(string)
				call, _, err := p.Operations.Show("UpdateContact", []byte(`{"foreName":"a","surname":"b","enterpriseReference":"c","`+field+`":`+sample(field)+`}`))
				if field == "contactType" && profile == "2025" {
					continue // create only
				}
				require.NoError(t, err, profile+" "+field)
				require.Contains(t, call, `"`+name+`":`, profile+" "+field)
				checked++
			}
		}
	}
	require.Greater(t, checked, 60)
}

func sample(field string) string {
	switch field {
	case "isVip", "addressFromEnterprise":
		return "true"
	case "contactId", "enterpriseId", "status", "contactType":
		return "7"
	case "address":
		return `{"city":"x"}`
	case "emails":
		return `[{"address":"x"}]`
	case "phoneNumbers":
		return `[{"number":"x"}]`
	}
	return `"v"`
}

func TestWhatAnAnswerMeans(t *testing.T) {
	v := vendor(t, "2024-05")
	a := api(t, v)
	for _, c := range []struct {
		status int
		body   string
		want   bridge.OutcomeKind
		reason bridge.Reason
	}{
		{200, `{"SUCCESS":false,"message":"no"}`, bridge.OutcomeRefused, bridge.RefusedAnswer},
		{200, `{"message":"hm"}`, bridge.OutcomeUnknown, bridge.BadAnswer},
		{200, `<html>`, bridge.OutcomeUnknown, bridge.BadAnswer},
		{200, `{"Success":true,"StatusCode":409}`, bridge.OutcomeRefused, bridge.RefusedAnswer},
		{200, `{"Success":false,"StatusCode":401}`, bridge.OutcomeRetry, bridge.Unauthorized},
		{200, `{"Success":false,"StatusCode":429}`, bridge.OutcomeRetry, bridge.Throttled},
		{200, `{"Success":false,"StatusCode":500}`, bridge.OutcomeUnknown, bridge.ServerError},
		{405, `{}`, bridge.OutcomeRefused, bridge.RefusedAnswer},
	} {
		v.Server.Fail(fake.Fault{Kind: fake.Status, Status: c.status, Body: c.body})
		_, err := a.CreateTicketPosition(t.Context(), tesseron.PositionData{ReferenceNumber: "x", Text: "y"})
		var f *vendorapi.Failure
		require.True(t, errors.As(err, &f), c.body)
		require.Equal(t, c.want, f.Outcome.Kind, c.body+f.Outcome.Detail)
		require.Equal(t, c.reason, f.Outcome.Reason, c.body)
		require.NotContains(t, f.Outcome.Detail+f.Outcome.Request, tesserontest.TicketKey)
		if c.status == 405 {
			require.Contains(t, f.Outcome.Detail, "operations.CreateTicketPosition.method")
		}
	}
}

func TestMistakesAreReported(t *testing.T) {
	_ = vendor(t, "2025")
	n, err := config.Parse("c.yaml", []byte(`
kind: tesseron
base: www
profile: "2025"
keys: {ticket: {env: TESSERON_TICKET}}
limits: {in_flight: 2}
enterprise: {by: number, value: x, create: when_missing, fields: {foo: 1}}
contact: {create: when_missing}
ticket: {entranceType: 1, colour: red}
positions: {update: 3}
rate: {per_minute: 0}
poll: {search: open}
`))
	require.NoError(t, err)
	c := &tesseron.Config{}
	config.Decode(n, c)
	var paths []string
	for _, p := range n.Problems() {
		paths = append(paths, p.Path)
	}
	require.ElementsMatch(t, []string{"base", "limits.in_flight", "enterprise.by", "enterprise", "enterprise.create", "enterprise.fields.foo",
		"contact", "contact", "ticket.areaId", "ticket.colour", "positions.update", "rate", "poll"}, paths)
}
