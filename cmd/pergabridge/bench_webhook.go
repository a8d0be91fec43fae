package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/bench"
)

type benchWebhookCmd struct {
	Store   []string      `help:"What to measure, one after the other: sqlite; redis (a redis-server of its own, with appendfsync always and everysec); or the address of a Redis." default:"sqlite" placeholder:"STORE"`
	Callers int           `help:"Connections that call at the same time." default:"64"`
	Events  int           `help:"Webhooks, each with an id of its own." default:"20000"`
	Tasks   int           `help:"Tasks they are about, in turn." default:"1000"`
	Limit   time.Duration `help:"End a run that does not get anywhere." default:"5m"`
	Profile string        `help:"Write a CPU profile of the bridge to this file, for go tool pprof (one store only)." placeholder:"FILE"`
}

// Run measures each store and prints what it showed.
func (x benchWebhookCmd) Run(c *cli, con *console) error {
	if x.Callers < 1 || x.Events < 1 || x.Tasks < 1 || x.Limit <= 0 {
		return usageError("bench: --callers, --events, --tasks and --limit must be above zero")
	}
	var stores []string
	for _, s := range x.Store {
		switch {
		case s == "redis":
			stores = append(stores, "redis always", "redis everysec")
		case s == "sqlite", strings.HasPrefix(s, "redis://"), strings.HasPrefix(s, "rediss://"):
			stores = append(stores, s)
		default:
			return usageError(fmt.Sprintf("bench: --store %s: use sqlite, redis, or redis://HOST:PORT/DB", s))
		}
	}
	if x.Profile != "" && len(stores) > 1 {
		return usageError("bench: --profile needs one store: redis are two; start one yourself and give its address")
	}
	var all []bench.WebhookResult
	for _, s := range stores {
		r, err := x.one(con, s)
		if err != nil {
			return err
		}
		all = append(all, r)
		if !c.JSON {
			printWebhook(con.out, r)
		}
	}
	if !c.JSON {
		return nil
	}
	return show(c, con, all, nil)
}

func (x benchWebhookCmd) one(con *console, store string) (r bench.WebhookResult, err error) {
	o := bench.WebhookOptions{Store: "sqlite:bench.db", Events: x.Events, Callers: x.Callers, Tasks: x.Tasks, Limit: x.Limit, Profile: x.Profile}
	fsync, own := strings.CutPrefix(store, "redis ")
	switch {
	case own:
		server, err := bench.StartRedis(con.ctx, fsync)
		if err != nil {
			return r, err
		}
		durability := "always"
		if fsync != "always" {
			durability = "relaxed"
		}
		o.Store = fmt.Sprintf("{url: %q, namespace: bench, durability: %s}", "redis://"+server.Addr+"/0", durability)
		r, err = bench.Webhook(con.ctx, o)
		used, stopErr := server.Stop()
		r.Store, r.Redis = "redis, appendfsync "+fsync, used
		return r, errors.Join(err, stopErr)
	case store != "sqlite":
		namespace := "bench-" + bridge.NewID()
		o.Store = fmt.Sprintf("{url: %q, namespace: %q, durability: relaxed}", store, namespace)
		r, err = bench.Webhook(con.ctx, o)
		r.Store = "redis of the address given"
		return r, errors.Join(err, bench.Forget(con.ctx, store, namespace))
	}
	r, err = bench.Webhook(con.ctx, o)
	r.Store = "sqlite"
	return r, err
}

func printWebhook(out io.Writer, r bench.WebhookResult) {
	fmt.Fprintf(out, "%s: %d webhooks of %d callers about %d tasks\n", r.Store, r.Events, r.Callers, r.Tasks)
	fmt.Fprintf(out, "  every one an answered SOAP call   %8.0f/s   after %.2f s\n", r.Rate, r.Seconds)
	fmt.Fprintf(out, "  accepted                          %8.0f/s   p50 %.1f ms, p99 %.1f ms, at most %.1f ms\n", r.AcceptRate, r.Accept.P50, r.Accept.P99, r.Accept.Max)
	fmt.Fprintf(out, "  webhook in to SOAP call                        p50 %.1f ms, p99 %.1f ms, at most %.1f ms\n", r.EndToEnd.P50, r.EndToEnd.P99, r.EndToEnd.Max)
	fmt.Fprintf(out, "  processor for 10,000 events       %8.2f s    bridge %.2f s", r.CPUPer10k(), r.Bridge.CPU()*10_000/float64(r.Events))
	if r.Redis.CPU() > 0 {
		fmt.Fprintf(out, ", redis-server %.2f s", r.Redis.CPU()*10_000/float64(r.Events))
	}
	fmt.Fprintf(out, "; callers and sink %.2f s besides\n", r.Measuring*10_000/float64(r.Events))
	if r.Bridge.Memory > 0 {
		fmt.Fprintf(out, "  memory                            the bridge held %s at most\n", files.Size(int(r.Bridge.Memory)))
	}
}
