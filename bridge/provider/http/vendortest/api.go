package vendortest

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// problem is an answer that is not a success.
type problem struct {
	status int
	code   string
	msg    string
}

func fail(w http.ResponseWriter, status int, msg string) {
	answer(w, status, encode(map[string]string{"error": msg}))
}

// encode makes JSON of what the vendor itself built; that cannot fail.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func answer(w http.ResponseWriter, status int, b []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// serve handles one call.
func (v *Vendor) serve(w http.ResponseWriter, r *http.Request) {
	f := v.fault(r)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		fail(w, http.StatusRequestEntityTooLarge, "too large")
		return
	}
	if f.before(w) {
		return
	}
	want := "Bearer " + v.opts.Token
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(want)) != 1 {
		w.Header().Set("WWW-Authenticate", "Bearer")
		fail(w, http.StatusUnauthorized, "who are you?")
		return
	}
	status, out, p := v.handle(r, body)
	if v.opts.EchoFirst && r.Method == http.MethodPost && p == nil {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		_ = v.hooks.idle(ctx) // a webhook that is not taken does not hold the call up for ever
		cancel()
	}
	if f.after(w, r, v.stopping) {
		return
	}
	if p != nil {
		answer(w, p.status, encode(map[string]string{"error": p.msg, "code": p.code}))
		return
	}
	answer(w, status, out)
}

// handle does what the call asks and encodes the answer before anybody else can change it.
func (v *Vendor) handle(r *http.Request, body []byte) (int, []byte, *problem) {
	v.mu.Lock()
	defer v.mu.Unlock()
	status, out, p := v.route(r, body)
	if p != nil {
		return p.status, nil, p
	}
	return status, encode(out), nil
}

// route finds the resource. v.mu is held.
func (v *Vendor) route(r *http.Request, body []byte) (int, any, *problem) {
	path, ok := strings.CutPrefix(r.URL.Path, "/api/")
	if !ok {
		return 0, nil, &problem{http.StatusNotFound, "", "no such resource"}
	}
	parts := strings.Split(path, "/")
	switch {
	case path == "changes":
		return v.changes(r)
	case path == "tickets" && r.Method == http.MethodGet:
		return v.search(r)
	case path == "tickets":
		return v.postTicket(r, body)
	case len(parts) < 2 || parts[0] != "tickets" || len(parts) > 3:
		return 0, nil, &problem{http.StatusNotFound, "", "no such resource"}
	}
	t, ok := v.tickets[parts[1]]
	if !ok {
		return 0, nil, &problem{http.StatusNotFound, "", "no such ticket"}
	}
	if len(parts) == 2 {
		if r.Method != http.MethodGet {
			return 0, nil, &problem{http.StatusMethodNotAllowed, "", "GET only"}
		}
		return http.StatusOK, t, nil
	}
	if parts[2] == "comments" && r.Method == http.MethodGet {
		return v.listComments(r, t)
	}
	return v.act(r, t, parts[2], body)
}

// read decodes a body strictly.
func read(r *http.Request, body []byte, into any) *problem {
	if r.Method != http.MethodPost {
		return &problem{http.StatusMethodNotAllowed, "", "POST only"}
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return &problem{http.StatusUnsupportedMediaType, "", "application/json only"}
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return &problem{http.StatusUnprocessableEntity, "", err.Error()}
	}
	if d.More() {
		return &problem{http.StatusUnprocessableEntity, "", "more than one value"}
	}
	return nil
}

func (v *Vendor) postTicket(r *http.Request, body []byte) (int, any, *problem) {
	var in struct {
		ExternalID  string  `json:"external_id"`
		Title       string  `json:"title"`
		Description string  `json:"description"`
		Priority    string  `json:"priority"`
		Contact     Contact `json:"contact"`
		Previous    string  `json:"previous"`
	}
	if p := read(r, body, &in); p != nil {
		return 0, nil, p
	}
	switch {
	case strings.TrimSpace(in.Title) == "":
		return 0, nil, &problem{http.StatusUnprocessableEntity, "", "title is missing"}
	case in.Priority != "" && in.Priority != "low" && in.Priority != "normal" && in.Priority != "high":
		return 0, nil, &problem{http.StatusUnprocessableEntity, "", fmt.Sprintf("priority %q is none of low, normal, high", in.Priority)}
	case in.Previous != "" && v.tickets[in.Previous] == nil:
		return 0, nil, &problem{http.StatusUnprocessableEntity, "", "previous is no ticket"}
	}
	t := v.create(Ticket{
		ExternalID: in.ExternalID, Title: in.Title, Description: in.Description, Priority: in.Priority, Contact: in.Contact,
		Previous: in.Previous,
	}, APIUser)
	v.record("create", t, "", in.Title)
	return http.StatusCreated, map[string]any{"ticket": t}, nil
}

func (v *Vendor) search(r *http.Request) (int, any, *problem) {
	id := r.URL.Query().Get("external_id")
	if id == "" {
		return 0, nil, &problem{http.StatusBadRequest, "", "external_id is missing"}
	}
	items := []*Ticket{}
	for _, n := range v.order {
		if t := v.tickets[n]; t.ExternalID == id {
			items = append(items, t)
		}
	}
	return http.StatusOK, map[string]any{"items": items}, nil
}

func (v *Vendor) listComments(r *http.Request, t *Ticket) (int, any, *problem) {
	id, items := r.URL.Query().Get("client_id"), []Comment{}
	for _, c := range t.Comments {
		if id == "" || c.ClientID == id {
			items = append(items, c)
		}
	}
	return http.StatusOK, map[string]any{"items": items}, nil
}

// act writes on a ticket.
func (v *Vendor) act(r *http.Request, t *Ticket, verb string, body []byte) (int, any, *problem) {
	var in struct {
		Text     string `json:"text"`
		Reason   string `json:"reason"`
		ClientID string `json:"client_id"`
	}
	switch verb {
	case "comments", "reopen", "close":
	default:
		return 0, nil, &problem{http.StatusNotFound, "", "no such resource"}
	}
	if p := read(r, body, &in); p != nil {
		return 0, nil, p
	}
	if t.Status == Closed {
		return 0, nil, &problem{http.StatusConflict, "closed", "the ticket is closed"}
	}
	switch verb {
	case "comments":
		if in.Text == "" || in.Reason != "" {
			return 0, nil, &problem{http.StatusUnprocessableEntity, "", "wants text and client_id"}
		}
		c := v.comment(t, Comment{ClientID: in.ClientID, Author: APIUser, Public: true, Text: in.Text})
		v.record("comment", t, in.ClientID, in.Text)
		return http.StatusCreated, map[string]any{"comment": c}, nil
	case "reopen":
		if in.Text != "" {
			return 0, nil, &problem{http.StatusUnprocessableEntity, "", "wants reason and client_id"}
		}
		if t.Status == Open {
			return 0, nil, &problem{http.StatusConflict, "already_open", "the ticket is open"}
		}
		t.Status, t.Solution = Open, ""
		v.change("ticket.reopened", APIUser, t, nil)
		out := map[string]any{"ticket": t}
		if in.Reason != "" {
			out["comment"] = v.comment(t, Comment{ClientID: in.ClientID, Author: APIUser, Public: true, Text: in.Reason})
		}
		v.record("reopen", t, in.ClientID, in.Reason)
		return http.StatusOK, out, nil
	default:
		if in.Reason != "" {
			return 0, nil, &problem{http.StatusUnprocessableEntity, "", "wants text"}
		}
		out := map[string]any{"ticket": t}
		if in.Text != "" {
			out["comment"] = v.comment(t, Comment{ClientID: in.ClientID, Author: APIUser, Public: true, Text: in.Text})
		}
		t.Status = Closed
		v.change("ticket.closed", APIUser, t, nil)
		v.record("close", t, in.ClientID, in.Text)
		return http.StatusOK, out, nil
	}
}

// changes serves the feed. since is a number of a change, or a time.
func (v *Vendor) changes(r *http.Request) (int, any, *problem) {
	if r.Method != http.MethodGet {
		return 0, nil, &problem{http.StatusMethodNotAllowed, "", "GET only"}
	}
	q := r.URL.Query()
	since, byTime := 0, time.Time{}
	if s := q.Get("since"); s != "" {
		var err error
		if since, err = strconv.Atoi(s); err != nil {
			since = 0
			if byTime, err = time.Parse(time.RFC3339, s); err != nil {
				return 0, nil, &problem{http.StatusBadRequest, "", "since is neither a number nor a time"}
			}
		}
	}
	out := []*Change{}
	for _, c := range v.feed {
		if c.seq > since && !c.At.Before(byTime) {
			out = append(out, c)
		}
	}
	page := 1
	if s := q.Get("page"); s != "" {
		var err error
		if page, err = strconv.Atoi(s); err != nil || page < 1 {
			return 0, nil, &problem{http.StatusBadRequest, "", "page is not a number"}
		}
	}
	from := min((page-1)*v.opts.PageSize, len(out))
	to := min(from+v.opts.PageSize, len(out))
	var next any
	if to < len(out) {
		u := *r.URL
		q.Set("page", strconv.Itoa(page+1))
		u.RawQuery = q.Encode()
		next = u.RequestURI()
	}
	cursor := strconv.Itoa(since)
	if to > from {
		cursor = strconv.Itoa(out[to-1].seq)
	} else if since == 0 {
		cursor = strconv.Itoa(v.seq)
	}
	return http.StatusOK, map[string]any{"changes": out[from:to], "cursor": cursor, "next": next}, nil
}
