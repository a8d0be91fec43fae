package webhooks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/listener"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

// webhook takes one call of a provider.
func (s *server) webhook(c *call) {
	in := s.Providers[c.provider]
	if in.Webhook == nil || in.Receiver == nil || c.token != "" && !in.Webhook.WantsToken() {
		c.notFound("no provider takes webhooks here")
		return
	}
	if !in.Webhook.From().Admit(listener.Address(c.r)) {
		c.elsewhere()
		return
	}
	if err := in.Webhook.Early(c.r.Header, c.token); err != nil {
		c.denied(err)
		return
	}
	raw, ok := s.body(c, in.Webhook.BodyLimit(), in.Webhook.ProvesEarly())
	if !ok {
		return
	}
	delivery, err := in.Webhook.Verify(scheme.Request{Header: c.r.Header, Token: c.token, Body: raw}, c.now)
	if err != nil {
		c.denied(err)
		return
	}
	inbound := bridge.Inbound{
		Provider: c.provider, Entrance: bridge.ByWebhook, ContentType: c.r.Header.Get("Content-Type"),
		Header: in.Webhook.Headers(c.r.Header), Query: query(c.r.URL.Query()), Body: secret.MaskBytes(raw),
		Received: c.now, Delivery: delivery,
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), s.Timeout)
	defer cancel()
	events := s.receive(ctx, c, in.Receiver, inbound)
	if len(events) == 0 {
		c.result = ignored
		c.log.Info("a webhook meant nothing to the provider's rules", "delivery", delivery, "bytes", len(raw))
		c.json(http.StatusAccepted, webhookAnswer{Status: ignored})
		return
	}
	receipts, ok := s.accept(ctx, c, events)
	if !ok {
		return
	}
	s.answerWebhook(c, receipts)
}

// ignored is the status of a webhook that no rule makes an event of.
const ignored = "ignored"

// receive maps an input to events. A mapping that fails, or panics, gives an event for
// quarantine: the caller has proven itself, so nothing it sends may be lost.
func (s *server) receive(ctx context.Context, c *call, r bridge.Receiver, in bridge.Inbound) (events []bridge.Event) {
	quarantine := func(why bridge.Reason, detail string) []bridge.Event {
		return complete([]bridge.Event{{Dir: bridge.In, Quarantine: why, Detail: detail}}, in, trace(c.r.Header))
	}
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("the rules of a provider panicked", "panic", secret.Mask(fmt.Sprint(p)), "stack", secret.Mask(string(debug.Stack())))
			events = quarantine(bridge.InternalError, "the bridge failed while it read this input; its log says more")
		}
	}()
	events, err := r.Receive(ctx, in)
	if err != nil {
		c.log.Warn("a webhook could not be mapped", "error", err)
		return quarantine(bridge.RuleFailed, secret.Mask(err.Error()))
	}
	return complete(events, in, trace(c.r.Header))
}

// complete gives events what their receiver left to us.
func complete(events []bridge.Event, in bridge.Inbound, trace string) []bridge.Event {
	for i := range events {
		e := &events[i]
		e.Provider, e.Entrance, e.Trace = in.Provider, in.Entrance, trace
		if e.Received.IsZero() {
			e.Received = in.Received
		}
		if e.Inbound == nil && e.Ignore == "" { // what is left is not kept either
			e.Inbound = &in
		}
	}
	return events
}

type webhookAnswer struct {
	Event     string               `json:"event,omitempty"`
	Status    string               `json:"status"`
	Reference string               `json:"reference,omitempty"`
	Events    []processcall.Answer `json:"events,omitempty"`
}

// answerWebhook tells the provider what became of its call: 200 when nothing of it was new.
func (s *server) answerWebhook(c *call, receipts []bridge.Receipt) {
	status, word := http.StatusOK, ""
	all := make([]processcall.Answer, len(receipts))
	for i, rc := range receipts {
		all[i] = processcall.Answer{Event: rc.Event, Status: string(rc.Status), Reference: rc.Reference}
		if rc.Status == bridge.Duplicate && rc.First != "" {
			all[i].Event = rc.First
		}
		if statusOf(all[i].Status) == http.StatusAccepted && status == http.StatusOK {
			status, word = http.StatusAccepted, all[i].Status
		}
	}
	if word == "" {
		word = all[0].Status
	}
	c.result = word
	a := webhookAnswer{Event: all[0].Event, Status: word, Reference: all[0].Reference}
	if len(all) > 1 {
		a = webhookAnswer{Status: word, Events: all}
	}
	c.json(status, a)
}

func (c *call) json(status int, v any) {
	b, err := json.Marshal(v)
	if err != nil { // texts always marshal
		b = []byte("{}")
	}
	c.write(status, "application/json", b)
}

// size writes a number of bytes for people.
func size(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return strconv.FormatInt(n, 10) + " bytes"
}
