package console

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/rate"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

type providersPage struct{ Destinations []destinationRow }

// A destinationRow is a destination with its last hour.
type destinationRow struct {
	api.Destination
	Rate *rate.Series
}

func (s *server) withRates(list []api.Destination) []destinationRow {
	out := make([]destinationRow, len(list))
	for i, d := range list {
		out[i] = destinationRow{d, s.series(d.Name)}
	}
	return out
}

// series returns the last hour of a side, of all for ""; nil if nobody counts.
func (s *server) series(name string) *rate.Series {
	if s.Rates == nil {
		return nil
	}
	v := s.Rates(name)
	return &v
}

func (s *server) providersPage(w http.ResponseWriter, r *http.Request) error {
	if err := pageQuery(r).done(); err != nil {
		return err
	}
	list, err := s.destinations(r.Context())
	if err != nil {
		return err
	}
	return s.page(w, r, http.StatusOK, "providers", "Providers", providersPage{s.withRates(list)})
}

type providerPage struct {
	destinationRow
	Config string
	Tests  bool // it can be called for a test
	Maps   bool // mappings can be tried
	Try    tryForm
	// TestResult says how a test call went.
	TestResult, TestError string
}

// A tryForm is the mapping try-out: what was asked, and what came of it.
type tryForm struct {
	What, Event, ContentType, Sample string
	Result, Error                    string
	Whats                            []tryWhat
}

type tryWhat struct{ Value, Label string }

// Ways to try a mapping.
var tryWhats = []tryWhat{
	{"event", "the call that delivers an event"},
	{string(bridge.ByProcessCall), "the events of a process call from SSP"},
	{string(bridge.ByWebhook), "the events of a webhook"},
	{string(bridge.ByPoll), "the events of a poll"},
	{string(bridge.ByMailbox), "the events of a mail"},
}

func (s *server) providerPage(w http.ResponseWriter, r *http.Request) error {
	if err := pageQuery(r).done(); err != nil {
		return err
	}
	return s.showProvider(w, r, http.StatusOK, providerPage{})
}

func (s *server) showProvider(w http.ResponseWriter, r *http.Request, status int, p providerPage) error {
	name := r.PathValue("name")
	d, err := s.destination(r, name)
	if err != nil {
		return err
	}
	p.destinationRow = destinationRow{d, s.series(name)}
	if c, ok := s.configured(name); ok {
		p.Config, p.Tests = secret.Mask(c.Config), c.Test != nil
		p.Maps = s.Map != nil && name != bridge.SSP
	}
	p.Try.Whats = tryWhats
	if p.Try.ContentType == "" {
		p.Try.ContentType = "application/json"
	}
	return s.page(w, r, status, "provider", name, p)
}

func (s *server) configured(name string) (Destination, bool) {
	i := slices.IndexFunc(s.Destinations, func(d Destination) bool { return d.Name == name })
	if i < 0 {
		return Destination{}, false
	}
	return s.Destinations[i], true
}

// maxTry bounds what is pasted into the try-out, in bytes.
const maxTry = 1 << 20

// tryMapping shows what a mapping makes of a stored event or a sample.
func (s *server) tryMapping(w http.ResponseWriter, r *http.Request) error {
	if err := formOf(w, r, maxTry); err != nil {
		return err
	}
	if err := genuine(r); err != nil {
		return err
	}
	f := r.PostForm
	p := providerPage{Try: tryForm{What: f.Get("what"), Event: strings.TrimSpace(f.Get("event")), ContentType: strings.TrimSpace(f.Get("content_type")), Sample: f.Get("sample")}}
	if s.Map == nil {
		return problem(api.NotFound, "this bridge cannot try mappings")
	}
	request, err := s.tryRequest(r.Context(), r.PathValue("name"), p.Try)
	var result any
	if err == nil {
		result, err = s.Map(r.Context(), request)
	}
	if err != nil {
		x := asProblem(mapProblem(err))
		if x.Status >= http.StatusInternalServerError {
			return err
		}
		p.Try.Error = secret.Mask(x.Detail)
		return s.showProvider(w, r, x.Status, p)
	}
	raw, err := maskJSON(result)
	if err != nil {
		return err
	}
	p.Try.Result = readable(raw)
	return s.showProvider(w, r, http.StatusOK, p)
}

// readable shows the call of a result as text, anything else as JSON.
func readable(raw json.RawMessage) string {
	var v struct {
		Call string `json:"call"`
	}
	if json.Unmarshal(raw, &v) == nil && v.Call != "" {
		return pretty(v.Call)
	}
	return pretty(string(raw))
}

// A mapRequest is what [Options.Map] takes; its documents are those of the package bridge.
type mapRequest struct {
	Provider string          `json:"provider"`
	Event    json.RawMessage `json:"event,omitempty"`
	Bond     *bridge.Bond    `json:"bond,omitempty"`
	Inbound  *mapInput       `json:"inbound,omitempty"`
}

type mapInput struct {
	Entrance    bridge.Entrance   `json:"entrance"`
	ContentType string            `json:"content_type"`
	Header      map[string]string `json:"header,omitempty"`
	Query       map[string]string `json:"query,omitempty"`
	Body        string            `json:"body"`
}

// tryRequest makes a request of a filled form.
func (s *server) tryRequest(ctx context.Context, provider string, f tryForm) (json.RawMessage, error) {
	q := mapRequest{Provider: provider}
	var stored *bridge.Event
	if f.Event != "" {
		e, _, err := s.Store.Event(ctx, f.Event)
		if err != nil {
			return nil, err
		}
		if e.Provider != provider {
			return nil, problem(api.Unprocessable, "this event is of "+e.Provider)
		}
		stored = &e
	}
	switch {
	case f.What == "event" && stored != nil:
		if b, err := s.Store.Bond(ctx, provider, stored.Task); err == nil {
			q.Bond = &b
		}
		stored.Inbound = nil
		raw, err := json.Marshal(stored)
		if err != nil {
			return nil, err
		}
		q.Event = raw
	case f.What == "event":
		if !json.Valid([]byte(f.Sample)) {
			return nil, problem(api.Unprocessable, `the sample is not JSON; for example {"kind": "update", "task": "4711", "text": "hello"}`)
		}
		q.Event = json.RawMessage(f.Sample)
	case stored != nil && stored.Inbound == nil:
		return nil, problem(api.Unprocessable, "the input of this event is not kept")
	case stored != nil:
		in := stored.Inbound
		q.Inbound = &mapInput{in.Entrance, in.ContentType, in.Header, in.Query, string(in.Body)}
	default:
		q.Inbound = &mapInput{Entrance: bridge.Entrance(f.What), ContentType: f.ContentType, Body: f.Sample}
	}
	return json.Marshal(q)
}

// testCall calls a destination once, if it can be called without doing anything there.
func (s *server) testCall(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	if err := genuine(r); err != nil {
		return err
	}
	name := r.PathValue("name")
	answer, err := s.test(r.Context(), name)
	if err != nil {
		if x := asProblem(err); x.Code == api.NotFound {
			return err
		}
		return s.showProvider(w, r, http.StatusOK, providerPage{TestError: secret.Mask(err.Error())})
	}
	return s.showProvider(w, r, http.StatusOK, providerPage{TestResult: answer})
}

// test makes a test call.
func (s *server) test(ctx context.Context, name string) (string, error) {
	d, ok := s.configured(name)
	if !ok || d.Test == nil {
		return "", problem(api.NotFound, "there is no test call for "+name)
	}
	s.Log.Info("console: test call", "destination", name, "person", callerOf(ctx).person)
	answer, err := d.Test(ctx)
	return secret.Mask(answer), err
}
