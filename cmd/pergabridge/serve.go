package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
)

type serveCmd struct {
	Log string `help:"Least level that is logged: ${enum}." enum:"debug,info,warn,error" default:"info"`
}

// Run serves until it is told to stop.
func (x serveCmd) Run(c *cli, con *console) error {
	loaded, err := load(c, con)
	if err != nil {
		return err
	}
	log := newLog(con.err, x.Log)
	for _, w := range loaded.Warnings() {
		log.Warn(w)
	}
	a, err := app.New(con.ctx, loaded, app.Options{Log: log, Version: version})
	if err != nil {
		return err
	}
	defer reloadOnHangup(con.ctx, a)()
	return a.Run(con.ctx)
}

// reloadOnHangup reloads the config at every SIGHUP, until the returned function is called. Windows
// has no such signal; `pergabridge reload` does the same everywhere.
func reloadOnHangup(ctx context.Context, a *app.App) (stop func()) {
	hangups := make(chan os.Signal, 1) // signals that come during a reload ask for one more
	signal.Notify(hangups, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range hangups {
			_, _ = a.Reload(ctx, "SIGHUP") // reported by the bridge itself
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-done
	}
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
