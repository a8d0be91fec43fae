package webhooks

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/listener"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

// processCall takes one call of an SSP process.
func (s *server) processCall(c *call) {
	reader := s.Providers[c.provider].Call
	if reader == nil || c.token != "" && !reader.WantsToken() {
		c.notFound("no provider takes process calls here")
		return
	}
	if !reader.From().Admit(listener.Address(c.r)) {
		c.elsewhere()
		return
	}
	if err := reader.Admit(c.r.Header, c.token); err != nil {
		c.denied(err)
		return
	}
	wait, ok := waitFor(c, reader.WaitLimit())
	if !ok {
		return
	}
	body, ok := s.body(c, reader.BodyLimit(), reader.ProvesEarly())
	if !ok {
		return
	}
	rd, err := reader.Read(bridge.Inbound{
		Provider: c.provider, Entrance: bridge.ByProcessCall, ContentType: c.r.Header.Get("Content-Type"),
		Header: (*scheme.Verifier)(nil).Headers(c.r.Header), Query: query(c.r.URL.Query()), Body: body, Received: c.now,
	})
	if rd.Format != "" {
		c.format = rd.Format
	}
	if err != nil {
		c.unread(err)
		return
	}
	rd.Event.Trace = trace(c.r.Header)
	ctx, cancel := context.WithTimeout(c.r.Context(), s.Timeout)
	defer cancel()
	receipts, ok := s.accept(ctx, c, []bridge.Event{rd.Event})
	if !ok {
		return
	}
	s.answer(c, rd, receipts[0], wait)
}

// elsewhere answers a caller whose network is not let in. What it sent is not looked at.
func (c *call) elsewhere() {
	c.problem(problem{status: http.StatusForbidden, word: "forbidden", detail: "this address does not serve your network"})
}

// denied answers a caller that did not prove who it is. It is told nothing more; the log is.
func (c *call) denied(err error) {
	challenge := `Pergabridge realm="pergabridge"`
	var d *scheme.Denied
	if errors.As(err, &d) {
		if d.Challenge != "" {
			challenge = d.Challenge
		}
		c.log = c.log.With("why", d.Why)
	}
	c.w.Header().Set("WWW-Authenticate", challenge)
	c.problem(problem{status: http.StatusUnauthorized, word: "unauthorized", detail: "the call does not prove where it comes from"})
}

// unread answers a call of which nothing may be kept.
func (c *call) unread(err error) {
	switch {
	case errors.Is(err, processcall.ErrFormat):
		c.log = c.log.With("content_type", secret.Mask(short(c.r.Header.Get("Content-Type"), 80)))
		c.w.Header().Set("Accept", "application/json, application/x-www-form-urlencoded, application/xml, text/xml, application/soap+xml")
		c.problem(problem{
			status: http.StatusUnsupportedMediaType, word: "unsupported_type",
			detail: "a process call is JSON, a form (application/x-www-form-urlencoded), XML or SOAP, and its Content-Type says so",
		})
	case errors.Is(err, processcall.ErrUnproven):
		detail := strings.TrimPrefix(err.Error(), processcall.ErrUnproven.Error()+": ")
		c.log = c.log.With("why", secret.Mask(detail))
		c.problem(problem{
			status: http.StatusUnprocessableEntity, word: string(bridge.Unreadable), reason: string(bridge.Unreadable),
			detail: detail + "; nothing was kept, because what proves the caller stands in the body",
		})
	default:
		c.denied(err)
	}
}

// accept hands events over and answers the call if they could not be made durable.
func (s *server) accept(ctx context.Context, c *call, events []bridge.Event) ([]bridge.Receipt, bool) {
	receipts, err := s.Acceptor.Accept(ctx, events)
	switch {
	case err == nil && len(receipts) == len(events) && len(events) > 0:
		return receipts, true
	case err == nil:
		err = errors.New("the engine gave no receipt for every event")
	case errors.Is(err, bridge.ErrUnavailable), ctx.Err() != nil:
		c.log.Warn("events could not be accepted", "error", err)
		s.unavailable(c, "events cannot be accepted now")
		return nil, false
	}
	c.log.Error("events could not be accepted", "error", err)
	c.problem(problem{status: http.StatusInternalServerError, word: "internal_error", detail: "the event was not accepted; the log of the bridge says why"})
	return nil, false
}

// answer tells SSP what became of its call.
func (s *server) answer(c *call, rd processcall.Reading, rc bridge.Receipt, wait time.Duration) {
	switch e := rd.Event; e.Quarantine {
	case bridge.Unreadable, bridge.MissingField, bridge.Unreplaced:
		c.problem(problem{
			status: http.StatusUnprocessableEntity, word: string(e.Quarantine), reason: string(e.Quarantine),
			detail: e.Detail, field: rd.Field, event: rc.Event,
		})
		return
	}
	a := processcall.Answer{Event: rc.Event, Status: string(rc.Status), Reference: rc.Reference}
	if rc.Status == bridge.Duplicate && rc.First != "" {
		a.Event = rc.First
	}
	if wait > 0 && mayBond(rc.Status) {
		if ref := s.await(c, rd.Event, rc, wait); ref != "" {
			a.Status, a.Reference = bonded, ref
		}
	}
	c.result = a.Status
	contentType, body := a.Write(c.format)
	if (c.format == processcall.JSON || c.format == processcall.Form) && prefersText(c.r.Header.Get("Accept")) {
		contentType, body = a.Text()
	}
	c.write(statusOf(a.Status), contentType, body)
}

// bonded is the status of a call that waited until the reference was known.
const bonded = "bonded"

// mayBond reports whether a reference may still come for an event of this status.
func mayBond(s bridge.ReceiptStatus) bool {
	return s == bridge.Accepted || s == bridge.Duplicate || s == bridge.Waiting
}

func statusOf(word string) int {
	switch word {
	case bonded, string(bridge.Duplicate), string(bridge.Echoed):
		return http.StatusOK
	}
	return http.StatusAccepted
}

// await waits until the provider's reference is known, without holding a slot.
func (s *server) await(c *call, e bridge.Event, rc bridge.Receipt, wait time.Duration) string {
	if rc.Reference != "" {
		return rc.Reference
	}
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		c.log.Warn("too many calls wait for a reference; this one is answered at once")
		return ""
	}
	c.leave()
	ctx, cancel := context.WithTimeout(c.r.Context(), wait)
	defer cancel()
	defer context.AfterFunc(s.Draining, cancel)()
	task := rc.Task
	if task == "" {
		task = e.Task
	}
	ref, err := s.Acceptor.AwaitReference(ctx, c.provider, task)
	if err != nil {
		if ctx.Err() == nil {
			c.log.Warn("the reference could not be waited for", "task", task, "error", err)
		}
		return ""
	}
	return ref
}

// waitFor reads ?wait=: a duration, or a number of seconds, bounded.
func waitFor(c *call, limit time.Duration) (time.Duration, bool) {
	text := c.r.URL.Query().Get("wait")
	if text == "" {
		return 0, true
	}
	d, err := config.ParseDuration(text)
	if n, numErr := strconv.ParseUint(text, 10, 16); numErr == nil {
		d, err = config.Duration(time.Duration(n)*time.Second), nil
	}
	if err != nil {
		c.problem(problem{status: http.StatusBadRequest, word: "bad_query", detail: "wait has to be a duration such as 10s"})
		return 0, false
	}
	return min(d.Std(), limit), true
}

// prefersText reports whether a caller asked for plain text and not for JSON.
func prefersText(accept string) bool {
	return strings.Contains(accept, "text/plain") && !strings.Contains(accept, "json")
}

// contract publishes the WSDL of the SOAP form.
func (s *server) contract(c *call) {
	if s.Providers[c.provider].Call == nil {
		c.notFound("no provider takes process calls here")
		return
	}
	for name := range c.r.URL.Query() {
		if strings.EqualFold(name, "wsdl") {
			c.result = "contract"
			c.write(http.StatusOK, "text/xml; charset=utf-8", processcall.Contract(s.address(c.r)))
			return
		}
	}
	c.methodNotAllowed(http.MethodPost)
}

// address returns where callers reach the entrance of a request.
func (s *server) address(r *http.Request) string {
	if s.PublicURL != "" {
		return strings.TrimRight(s.PublicURL, "/") + r.URL.EscapedPath()
	}
	proto := "http://"
	if listener.Secure(r) {
		proto = "https://"
	}
	return proto + r.Host + s.Prefix + r.URL.EscapedPath()
}
