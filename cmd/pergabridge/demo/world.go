// Package demo plays a task's whole life between a fake SSP and a fake provider, with the real
// bridge between them: real HTTP, real SOAP, real IMAP, real store, nothing pretended but the ends.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/pergabridge/pergabridge/bridge/provider/http/vendortest"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// Options configures a World.
type Options struct {
	Dir     string // for config and database
	Admin   string // address of the admin listener
	Log     *slog.Logger
	Version string
}

// A World is a fake SSP, a fake provider, a mailbox in memory and the bridge between them.
type World struct {
	ssp    *ssptest.Server
	vendor *vendortest.Vendor
	box    *mailbox
	app    *app.App

	stop context.CancelFunc
	done chan error
	once sync.Once
	err  error
}

const (
	group     = "Printers (ACME)"
	intakeEnv = "PERGABRIDGE_DEMO_INTAKE_KEY"
	intakeKey = "demo-intake-key"
)

const configText = `# The config of the demo; a real one looks the same.
server: {listen: "127.0.0.1:0", admin: "%s"}
store: sqlite:%s
ssp:
  url: %s
  intake: {auth: {header: {name: X-Bridge-Key, secret: {env: %s}}}}
mailboxes:
  support:
    imap: imap://%s
    unencrypted: true
    username: %s
    password: {env: %s}
    start: 2020-01-01
    done: {move: %s}
    providers: {acme: {senders: [acme.example]}}
providers:
  acme:
%s`

// processed is where the bridge moves the mails that it took.
const processed = "Processed"

// Start starts everything.
func Start(ctx context.Context, o Options) (_ *World, err error) {
	w := &World{done: make(chan error, 1)}
	defer func() {
		if err != nil {
			_ = w.Close() // the first error tells more
		}
	}()
	if w.ssp, err = ssptest.Start(ssptest.Options{Echo: ssptest.EchoMixed, Seed: 1}); err != nil {
		return nil, err
	}
	if w.vendor, err = vendortest.Start(vendortest.Options{}); err != nil {
		return nil, err
	}
	if w.box, err = newMailbox(); err != nil {
		return nil, err
	}
	for name, value := range map[string]string{intakeEnv: intakeKey, mailEnv: mailPass, vendortest.TokenEnv: w.vendor.Token(), vendortest.SecretEnv: w.vendor.Secret()} {
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	file := filepath.Join(o.Dir, "pergabridge.yaml")
	text := fmt.Sprintf(configText, o.Admin, filepath.Join(o.Dir, "demo.db"), w.ssp.URL(), intakeEnv, w.box.addr, mailUser, mailEnv, processed,
		vendortest.Indented(vendortest.Config(w.vendor.URL(), ""), 4))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	config, err := app.Load(file)
	if err != nil {
		return nil, err
	}
	if w.app, err = app.New(ctx, config, app.Options{Log: o.Log, Version: o.Version}); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	go func() { w.done <- w.app.Run(running) }()

	public := "http://" + w.app.PublicAddr()
	w.ssp.SetGroup(group, ssptest.Group{URL: public + "/ssp/acme", Header: http.Header{"X-Bridge-Key": {intakeKey}}})
	w.vendor.SetWebhook(public + "/webhooks/acme")
	return w, nil
}

// AdminAddr returns the address of the admin listener.
func (w *World) AdminAddr() string { return w.app.AdminAddr() }

// Close stops everything, the bridge in an orderly way.
func (w *World) Close() error {
	w.once.Do(func() {
		var errs []error
		if w.stop != nil {
			w.stop()
			errs = append(errs, <-w.done)
		}
		if w.ssp != nil {
			w.ssp.Close()
		}
		if w.vendor != nil {
			w.vendor.Close()
		}
		if w.box != nil {
			errs = append(errs, w.box.close())
		}
		w.err = errors.Join(errs...)
	})
	return w.err
}
