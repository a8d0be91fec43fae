package main

import (
	"io"
	"log/slog"
	"os"

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
	return a.Run(con.ctx)
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
