// Package dovecottest runs a real Dovecot for tests; see package dovecot.
package dovecottest

import (
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/pergabridge/pergabridge/mailin/dovecottest/dovecot"
)

// The user of every server.
const (
	User     = dovecot.User
	Password = dovecot.Password
)

// Options configures a server.
type Options = dovecot.Options

// A Server is a running Dovecot.
type Server struct{ *dovecot.Server }

// Start runs a server until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := dovecot.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &Server{s}
}

// Run starts the program, again after Stop.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	if err := s.Server.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Stop ends the program and all its connections.
func (s *Server) Stop(testing.TB) { s.Server.Stop() }

// Mail returns a mail of about size bytes that names a task.
func Mail(n int, task string, size int) []byte { return dovecot.Mail(n, task, size) }

// Client returns a connection that is logged in.
func (s *Server) Client(t testing.TB) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialInsecure(s.IMAP, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Login(User, Password).Wait(); err != nil {
		t.Fatalf("%v: %s", err, s.Log())
	}
	return c
}

// Append puts mails into a folder, as if they had come in at the given time.
func Append(t testing.TB, c *imapclient.Client, folder string, came time.Time, mails ...[]byte) {
	t.Helper()
	for _, m := range mails {
		cmd := c.Append(folder, int64(len(m)), &imap.AppendOptions{Time: came})
		if _, err := cmd.Write(m); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

// Count returns how many mails a folder holds; -1 if it does not exist.
func Count(t testing.TB, c *imapclient.Client, folder string) int {
	t.Helper()
	d, err := c.Status(folder, &imap.StatusOptions{NumMessages: true}).Wait()
	if err != nil {
		return -1
	}
	return int(*d.NumMessages)
}
