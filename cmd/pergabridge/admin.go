package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pergabridge/pergabridge/bridge/console/client"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
)

// dial returns a client of the running bridge that the config describes.
func dial(c *cli, con *console) (*client.Client, error) {
	s, err := app.LoadServer(c.Config)
	if err != nil {
		return nil, complain(c, con, err)
	}
	return dialServer(s)
}

func dialServer(s *app.Server) (*client.Client, error) {
	var token secret.Text
	switch {
	case s.AdminToken != nil:
		token = s.AdminToken.Text
	case len(s.Users) > 0:
		return nil, errors.New("server.users let people in to the console; for verbs like this one, and for systemctl reload, write server.admin_token as well (it comes in force by kill -HUP, or a restart)")
	}
	o := client.Options{Address: s.AdminAddr(), Token: token, Person: person()}
	if s.AdminTLS != nil {
		trust, err := s.AdminTLS.Client()
		if err != nil {
			return nil, fmt.Errorf("server.admin_tls: %w", err)
		}
		o.Address, o.TLS = "https://"+o.Address, trust
	}
	return client.New(o)
}

// person is who is recorded with every command.
func person() string {
	if u := os.Getenv("SUDO_USER"); u != "" {
		return u
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// ask runs f with a client of the running bridge and explains what to do when nobody answers.
func ask(c *cli, con *console, f func(*client.Client) error) error {
	cl, err := dial(c, con)
	if err != nil {
		return err
	}
	defer cl.Close()
	err = f(cl)
	var gone *client.UnreachableError
	if errors.As(err, &gone) {
		return fmt.Errorf("%w\nstart it with: pergabridge serve --config %s", err, c.Config)
	}
	return err
}

// show prints v as JSON, or calls text.
func show(c *cli, con *console, v any, text func(w io.Writer)) error {
	if c.JSON {
		e := json.NewEncoder(con.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	w := tabwriter.NewWriter(con.out, 0, 0, 2, ' ', 0)
	text(w)
	return w.Flush()
}

// none says that a list is empty, instead of printing nothing.
func none(w io.Writer, n int, what string) bool {
	if n == 0 {
		fmt.Fprintln(w, "no "+what)
	}
	return n == 0
}

// when writes a time for people: how long ago for what is recent.
func when(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	d := time.Since(at)
	switch {
	case d < 0:
		return "in " + (-d).Round(time.Second).String()
	case d < time.Hour:
		return d.Round(time.Second).String() + " ago"
	}
	return at.Local().Format("2006-01-02 15:04:05")
}

// brief cuts a text to one short line.
func brief(s string, n int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return string(r)
}

// dash stands for an empty column.
func dash[T ~string](s T) string {
	if s == "" {
		return "-"
	}
	return string(s)
}
