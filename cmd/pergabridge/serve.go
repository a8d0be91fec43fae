package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"sync"
	"syscall"

	"golang.org/x/term"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/internal/logfile"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/internal/sdnotify"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/internal/service"
)

// The log file begins anew at 20 MiB; nine old ones stay.
const (
	logSize = 20 << 20
	logKeep = 9
)

type serveCmd struct {
	Log        string `help:"Least level that is logged: ${enum}." enum:"debug,info,warn,error" default:"info"`
	CPUProfile string `help:"Write a CPU profile to this file, for go tool pprof." placeholder:"FILE" env:"PERGABRIDGE_CPU_PROFILE" name:"cpu-profile" hidden:""`
	LogFile    string `help:"Log to this file, which begins anew at 20 MiB, instead of standard error." placeholder:"FILE"`
}

// Run serves until it is told to stop: by a signal, or by the service manager that started it.
func (x serveCmd) Run(c *cli, con *console) error {
	if x.CPUProfile != "" {
		file, err := os.Create(x.CPUProfile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if x.LogFile != "" {
		file, err := logfile.Open(x.LogFile, logSize, logKeep)
		if err != nil {
			return err
		}
		defer file.Close()
		con.err = file
	}
	if service.UnderManager() {
		return x.underManager(c, con)
	}
	return x.serve(con.ctx, con, func() (*app.Config, error) { return load(c, con) }, func() {})
}

// serve is one run of the bridge; ready is called when it serves.
func (x serveCmd) serve(ctx context.Context, con *console, read func() (*app.Config, error), ready func()) error {
	loaded, err := read()
	if err != nil {
		return err
	}
	log := newLog(con.err, x.Log)
	for _, w := range loaded.Warnings() {
		log.Warn(w)
	}
	manager := sdnotify.FromEnv()
	tell := func(err error) {
		if err != nil {
			log.Warn("the service manager was not told", "error", err)
		}
	}
	watched, stop := context.WithCancel(context.WithoutCancel(ctx)) // the watch goes on while deliveries finish
	defer stop()
	var wg sync.WaitGroup
	var a *app.App
	tellReady := func() { tell(manager.Ready("serving " + a.PublicAddr() + ", console " + a.AdminAddr())) }
	a, err = app.New(ctx, loaded, app.Options{
		Log: log, Version: version,
		Ready: func() {
			tellReady()
			ready()
			wg.Go(func() {
				manager.KeepAlive(watched, a.Alive, func(err error) { log.Error("no sign of life for the service manager", "error", err) })
			})
		},
		Draining: func() { tell(manager.Stopping()) },
	})
	if err != nil {
		return err
	}
	defer reloadOnHangup(ctx, a, func() { tell(manager.Reloading()) }, tellReady)()
	err = a.Run(ctx)
	stop()
	wg.Wait()
	return err
}

// reloadOnHangup reloads the config at every SIGHUP, until the returned function is called; reloading and
// ready are called before and after. Windows
// has no such signal; `pergabridge reload` does the same everywhere.
func reloadOnHangup(ctx context.Context, a *app.App, reloading, ready func()) (stop func()) {
	hangups := make(chan os.Signal, 1) // signals that come during a reload ask for one more
	signal.Notify(hangups, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range hangups {
			reloading()
			_, _ = a.Reload(ctx, "SIGHUP") // reported by the bridge itself
			ready()
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-done
	}
}

// underManager serves under the service manager of Windows. What goes wrong stands in the event log, where
// administrators look first.
func (x serveCmd) underManager(c *cli, con *console) error {
	d := service.Definition{Name: service.Name, Config: c.Config}
	program := &service.Program{
		Body: func(ctx context.Context, ready func()) error {
			return x.serve(ctx, con, func() (*app.Config, error) { return app.Load(c.Config) }, ready)
		},
		Lasting: func(err error) bool {
			var wrong config.Problems
			return errors.As(err, &wrong) || errors.Is(err, os.ErrNotExist)
		},
		Die: func() { os.Exit(exitFailed) },
	}
	manager, err := service.Open(d, program)
	if err != nil {
		return err
	}
	events, err := manager.SystemLogger(nil)
	if err != nil {
		return err
	}
	program.Report = func(err error) {
		newLog(con.err, x.Log).Error("the service ends", "error", err)
		_ = events.Error("pergabridge: ", err, "; config ", c.Config, "; see also ", x.LogFile) // the log file has it
	}
	return manager.Run()
}

// newLog writes text to a terminal and JSON to anything else.
func newLog(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		panic(err) // the parser lets only levels through
	}
	o := &slog.HandlerOptions{Level: l, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration { // JSON would print bare nanoseconds
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		return a
	}}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}
