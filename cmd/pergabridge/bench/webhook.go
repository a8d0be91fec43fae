package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// WebhookOptions says what is measured.
type WebhookOptions struct {
	// Store is the value of the key `store` of the bridge's config, as YAML.
	Store string
	// Events come from Callers connections, about Tasks tasks in turn, each with an id of its own.
	Events, Callers, Tasks int
	// Limit ends a run that does not get anywhere.
	Limit time.Duration
	// Profile is a file for a CPU profile of the bridge; empty: none.
	Profile string
}

// WebhookResult is what one run showed.
type WebhookResult struct {
	Store   string `json:"store"`
	Events  int    `json:"events"`
	Callers int    `json:"callers"`
	Tasks   int    `json:"tasks"`
	// Seconds run from the first request to the answer of the last SOAP call, AcceptSeconds to the answer
	// of the last request.
	Seconds       float64 `json:"seconds"`
	Rate          float64 `json:"events_per_second"`
	AcceptSeconds float64 `json:"accept_seconds"`
	AcceptRate    float64 `json:"accepts_per_second"`
	// Accept is how long callers waited for their 202; EndToEnd is from the request to the SOAP call.
	Accept   Times `json:"accept"`
	EndToEnd Times `json:"end_to_end"`
	Bridge   Usage `json:"bridge"`
	// Redis is what a redis-server of our own took; zero where there is none.
	Redis Usage `json:"redis,omitzero"`
	// Measuring is what callers and sink took.
	Measuring float64 `json:"measuring_cpu_seconds"`
	// Doubled are effects beyond one an event: mistakes of the bridge.
	Doubled int `json:"doubled"`
}

// CPUPer10k returns the seconds of the processor that the bridge, and its Redis, took for 10,000 events.
func (r WebhookResult) CPUPer10k() float64 {
	return (r.Bridge.CPU() + r.Redis.CPU()) * 10_000 / float64(r.Events)
}

// Times are percentiles of a duration, in milliseconds.
type Times struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

func times(all []int64) Times {
	if len(all) == 0 {
		return Times{}
	}
	slices.Sort(all)
	ms := func(i int) float64 { return float64(all[i]) / 1e6 }
	return Times{P50: ms(len(all) / 2), P99: ms(len(all) * 99 / 100), Max: ms(len(all) - 1)}
}

const webhookConfig = `
server: {listen: "LISTEN", admin: "ADMIN"}
store: STORE
ssp: {url: "SSP", contract: assumed, intake: {auth: {none: true}}}
providers:
  acme:
    kind: http
    base: http://127.0.0.1:1
    webhook: {scheme: header, header: X-Key, secret: {env: PERGABRIDGE_BENCH_KEY}}
    send:
      submit: {url: /tickets, body: {task: "${event.task}"}, reference: answer.number}
      update: {url: "/tickets/${bond.reference}", body: {text: "${event.text}"}}
      reject_solution: skip
      close: skip
    inbound:
      visibility: all
      rules:
        - {kind: update, id: body.id, reference: body.ticket, text: body.text}
`

// Webhook sends signed webhooks to a bridge, and measures until each has been an answered SOAP call.
func Webhook(ctx context.Context, o WebhookOptions) (r WebhookResult, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.Limit)
	defer cancel()
	dir, err := os.MkdirTemp("", "pergabridge-bench-")
	if err != nil {
		return r, fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(dir)
	s, err := startSOAPSink(o.Events)
	if err != nil {
		return r, err
	}
	defer s.close()
	listen, err := Free()
	if err != nil {
		return r, err
	}
	key := rand.Text()
	config := strings.NewReplacer("LISTEN", listen, "STORE", o.Store, "SSP", s.url).Replace(webhookConfig)
	env := []string{"PERGABRIDGE_BENCH_KEY=" + key}
	tasks := make([]string, o.Tasks)
	for i := range tasks {
		tasks[i] = strconv.Itoa(i)
	}
	if err := bonds(ctx, dir, config, env, tasks); err != nil {
		return r, err
	}
	if o.Profile != "" {
		env = append(env, ProfileEnv+"="+o.Profile)
	}
	b, err := Start(ctx, dir, config, env...)
	if err != nil {
		return r, err
	}
	defer b.Kill()

	mine := ownCPU()
	s.began = time.Now()
	accepts, err := callAll(ctx, listen, key, s, o)
	if err != nil {
		return r, fmt.Errorf("%w; the bridge says: %s", err, b.Log())
	}
	accepted := time.Since(s.began)
	select {
	case <-s.all:
	case <-ctx.Done():
		return r, fmt.Errorf("bench: %d of %d events had their effect in time: %w; the bridge says: %s", s.n.Load(), o.Events, ctx.Err(), b.Log())
	}
	mine = ownCPU() - mine
	took := time.Duration(s.last.Load())
	r = WebhookResult{Store: o.Store, Events: o.Events, Callers: o.Callers, Tasks: o.Tasks, Seconds: took.Seconds(), Rate: float64(o.Events) / took.Seconds(),
		AcceptSeconds: accepted.Seconds(), AcceptRate: float64(o.Events) / accepted.Seconds(), Accept: times(accepts), EndToEnd: times(s.through()), Measuring: mine}
	if r.Bridge, err = b.Stop(); err != nil {
		return r, err
	}
	if r.Doubled = int(s.doubled.Load()); r.Doubled > 0 {
		return r, fmt.Errorf("bench: %d events had more than one effect", r.Doubled)
	}
	return r, nil
}

// ProfileEnv names the environment variable by which `serve` writes a CPU profile.
const ProfileEnv = "PERGABRIDGE_CPU_PROFILE"

// callAll makes every request and returns how long each took, in nanoseconds.
func callAll(ctx context.Context, listen, key string, s *soapSink, o WebhookOptions) ([]int64, error) {
	out := make([]int64, o.Events)
	errs := make([]error, o.Callers)
	var next atomic.Int64
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for i := range o.Callers {
		wg.Go(func() {
			c, err := newCaller(ctx, listen, key)
			if err != nil {
				errs[i] = err
				stop()
				return
			}
			defer c.close()
			for ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if n >= o.Events {
					return
				}
				at := time.Now()
				s.sent[n] = int64(at.Sub(s.began))
				if err := c.post(n, n%o.Tasks); err != nil {
					errs[i] = err
					stop()
					return
				}
				out[n] = int64(time.Since(at))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out, context.Cause(ctx)
}
