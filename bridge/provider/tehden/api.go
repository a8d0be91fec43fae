package tehden

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

// Fields are values by their names in the mapping; the vendor's list is not public.
type Fields = map[string]any

// Pair links a customer to an external system. Both parts are set or none.
type Pair struct {
	System     string // externalsystem_id
	Identifier string // externalsystemidentifier
}

// API is the typed client: one method for each of the six operations. Errors are of type
// [*vendorapi.Failure].
type API struct {
	client   *vendorapi.Client
	notFound []int
}

// CreateTehdenCustomer creates a customer and returns its id; "" if the answer does not tell.
func (a *API) CreateTehdenCustomer(ctx context.Context, customer Fields) (string, error) {
	reply, err := a.client.Call(ctx, "createTehdenCustomer", customer)
	if err != nil {
		return "", err
	}
	ids := a.ids(reply.Body)
	if len(ids) == 1 {
		return ids[0], nil
	}
	return "", nil
}

// UpdateTehdenCustomer changes a customer.
func (a *API) UpdateTehdenCustomer(ctx context.Context, id string, data Fields) error {
	_, err := a.client.Call(ctx, "updateTehdenCustomer", with(data, id))
	return err
}

// CreateTehdenCustomerContactInfo adds contact info to a customer.
func (a *API) CreateTehdenCustomerContactInfo(ctx context.Context, id string, info Fields) error {
	_, err := a.client.Call(ctx, "createTehdenCustomerContactInfo", with(info, id))
	return err
}

// GetCustomerIDByExternalSystemIdentifier returns the ids of the customers with an external pair.
func (a *API) GetCustomerIDByExternalSystemIdentifier(ctx context.Context, p Pair) ([]string, error) {
	return a.lookUp(ctx, "getCustomerIdByExternalSystemIdentifier", Fields{"externalsystemidentifier": p.Identifier, "externalsystem_id": p.System})
}

// GetCustomerIDByIdentifier returns the ids of the customers with an identifier.
func (a *API) GetCustomerIDByIdentifier(ctx context.Context, identifier string) ([]string, error) {
	return a.lookUp(ctx, "getCustomerIdByIdentifier", Fields{"identifier": identifier})
}

// FindCustomer returns all customers that match the criteria.
func (a *API) FindCustomer(ctx context.Context, criteria Fields) ([]Fields, error) {
	reply, err := a.client.Call(ctx, "findCustomer", criteria)
	if err != nil {
		if a.absent(err) {
			return nil, nil
		}
		return nil, err
	}
	var out []Fields
	for _, v := range listOf(reply.Body) {
		switch x := v.(type) {
		case map[string]any:
			out = append(out, x)
		default:
			out = append(out, Fields{"customer_id": x})
		}
	}
	return out, nil
}

func (a *API) lookUp(ctx context.Context, op string, args Fields) ([]string, error) {
	reply, err := a.client.Call(ctx, op, args)
	if err != nil {
		if a.absent(err) {
			return nil, nil
		}
		return nil, err
	}
	ids := a.ids(reply.Body)
	if m, ok := reply.Body.(map[string]any); ok && len(ids) == 0 && len(m) > 0 {
		if _, told := a.client.Profile.Record("answer", m).Value("customerId"); !told && !allEmpty(m) {
			f := reply.Outcome
			f.Kind, f.Reason = bridge.OutcomeRetry, bridge.BadAnswer
			f.Detail += "; the answer holds no customer id, and does not say that there is none"
			return nil, &vendorapi.Failure{Op: op, Outcome: f}
		}
	}
	return ids, nil
}

// absent reports whether a failed look-up says that there is none.
func (a *API) absent(err error) bool {
	o := vendorapi.OutcomeOf(err)
	return slices.Contains(a.notFound, o.Status)
}

func with(f Fields, id string) Fields {
	out := Fields{"customer_id": number(id)}
	for k, v := range f {
		out[k] = v
	}
	return out
}

// number sends an id in the form in which the vendor gave it.
func number(id string) any {
	if n := json.Number(id); id != "" && strings.Trim(id, "0123456789") == "" && !strings.HasPrefix(id, "0") {
		return n
	}
	return id
}

// ids reads customer ids from an answer whose shape is not published: an id, an object that holds one, or
// a list of either. Null, empty, false and 0 mean: none.
func (a *API) ids(body any) []string {
	var out []string
	for _, v := range listOf(body) {
		s := ""
		switch x := v.(type) {
		case map[string]any:
			s = a.client.Profile.Record("answer", x).String("customerId")
		case string:
			s = x
		case json.Number:
			s = x.String()
		}
		if s = strings.TrimSpace(s); s != "" && s != "0" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// listOf returns a list: the answer itself, the only list in an object, or the answer as its element.
func listOf(body any) []any {
	switch x := body.(type) {
	case nil:
		return nil
	case []any:
		return x
	case map[string]any:
		var lists [][]any
		for _, v := range x {
			if l, ok := v.([]any); ok {
				lists = append(lists, l)
			}
		}
		if len(lists) == 1 {
			return lists[0]
		}
	}
	return []any{body}
}

func allEmpty(m map[string]any) bool {
	for _, v := range m {
		switch x := v.(type) {
		case nil:
		case string:
			if x != "" {
				return false
			}
		case []any:
			if len(x) > 0 {
				return false
			}
		case bool:
			if x {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// paired enforces the vendor's rule before anything is sent.
func paired(_ string, f map[string]any) error {
	if empty(f["externalsystem_id"]) == empty(f["externalsystemidentifier"]) {
		return nil
	}
	return errors.New("externalsystem_id and externalsystemidentifier are both set or both absent")
}

func empty(v any) bool { return v == nil || strings.TrimSpace(fmt.Sprint(v)) == "" }

// judge looks for errors in good answers: whether the vendor reports them by status is not published.
func judge(p *vendorapi.Profile) vendorapi.Judge {
	return func(_ string, reply *vendorapi.Reply) {
		o := &reply.Outcome
		r := p.Record("answer", reply.Object())
		said := strings.TrimSpace(r.String("message"))
		if said != "" && o.Kind != bridge.OutcomeDone {
			o.Detail += ": " + said
		}
		if o.Kind != bridge.OutcomeDone {
			return
		}
		success, told := r.Bool("success")
		wrong, isSet := r.Value("error")
		if !isSet || empty(wrong) || wrong == false {
			wrong, isSet = r.Value("errors")
			if l, ok := wrong.([]any); ok && len(l) == 0 {
				isSet = false
			}
		}
		if told && !success || isSet && wrong != false && !empty(wrong) {
			o.Kind, o.Reason = bridge.OutcomeRefused, bridge.RefusedAnswer
			o.Detail += "; the answer reports an error: " + said
		}
	}
}
