package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/pergabridge/pergabridge/cmd/pergabridge/demo"
)

type demoCmd struct {
	Once  bool   `help:"End when the story is told: exit code 0 if it ended as it should, else 1."`
	Admin string `help:"Address of the console while the demo stays up." default:"127.0.0.1:8081"`
	Log   bool   `help:"Print the bridge's own log as well."`
}

// Run plays the story.
func (x demoCmd) Run(_ *cli, con *console) error {
	dir, err := os.MkdirTemp("", "pergabridge-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	log := slog.New(slog.DiscardHandler)
	if x.Log {
		log = newLog(con.err, "info")
	}
	admin := x.Admin
	if x.Once || !free(admin) {
		admin = "127.0.0.1:0"
	}
	world, err := demo.Start(con.ctx, demo.Options{Dir: dir, Admin: admin, Log: log, Version: version})
	if err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(con.ctx, 60*time.Second)
	defer cancel()
	err = world.Tell(limit, con.out)
	if err == nil && !x.Once {
		x.stay(con.ctx, con.out, world)
	}
	err = errors.Join(err, world.Close())
	if err != nil {
		fmt.Fprintln(con.out, "\nthe story did not end as it should:", err)
		return errFailed
	}
	return nil
}

func (x demoCmd) stay(ctx context.Context, out io.Writer, w *demo.World) {
	fmt.Fprintf(out, `
The bridge stays up. Look at it:
  console   http://%s/
  events    curl -s http://%s/api/v1/events
  metrics   curl -s http://%s/metrics
Ctrl-C ends it.
`, w.AdminAddr(), w.AdminAddr(), w.AdminAddr())
	<-ctx.Done()
}

// free reports whether an address can be listened on.
func free(addr string) bool {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	return l.Close() == nil
}
