// Package dovecottest runs a real Dovecot for tests: on free loopback ports, in a folder of its own,
// with a certificate of its own authority. It needs the program dovecot (Debian: dovecot-imapd), and
// root, because Dovecot gives up rights that only root has.
package dovecottest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// The user of every server.
const (
	User     = "support@example.com"
	Password = "mailbox-password"
)

// Options configures a server.
type Options struct {
	// Introspect is the address of an OAuth 2.0 introspection endpoint; with it tokens are accepted.
	Introspect string
}

// A Server is a running Dovecot.
type Server struct {
	IMAP  string // host:port, plain and STARTTLS
	IMAPS string // host:port, implicit TLS
	CA    string // file with the certificate to trust
	Dir   string

	cmd  *exec.Cmd
	done chan struct{}
}

// Start runs a server until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "dovecot") // not t.TempDir: Dovecot's own users have to get in
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Dir: dir, IMAP: free(t), IMAPS: free(t), CA: filepath.Join(dir, "cert.pem")}
	t.Cleanup(func() {
		s.Stop(t)
		_ = os.RemoveAll(dir)
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.certificate(t)
	s.write(t, "users", User+":{PLAIN}"+Password+"::::::\n")
	_, port, _ := net.SplitHostPort(s.IMAP)
	_, secure, _ := net.SplitHostPort(s.IMAPS)
	oauth := ""
	if o.Introspect != "" {
		s.write(t, "oauth2.conf", "introspection_mode = post\nintrospection_url = "+o.Introspect+"\nusername_attribute = username\nactive_attribute = active\nactive_value = true\n")
		oauth = "passdb {\n driver = oauth2\n mechanisms = xoauth2 oauthbearer\n args = " + dir + "/oauth2.conf\n}\n"
	}
	s.write(t, "dovecot.conf", strings.NewReplacer("DIR", dir, "PORT", port, "SECURE", secure, "OAUTH", oauth).Replace(`base_dir = DIR/run
state_dir = DIR/state
log_path = DIR/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <DIR/cert.pem
ssl_key = <DIR/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_cache_size = 0
auth_failure_delay = 0
first_valid_uid = 1
mail_location = maildir:DIR/mail/%u
mailbox_list_index = no
OAUTHpassdb {
 driver = passwd-file
 mechanisms = plain login
 args = DIR/users
}
userdb {
 driver = static
 args = uid=dovecot gid=dovecot home=DIR/mail/%u
}
default_internal_user = dovecot
default_login_user = dovenull
service imap-login {
 chroot =
 inet_listener imap {
  address = 127.0.0.1
  port = PORT
 }
 inet_listener imaps {
  address = 127.0.0.1
  port = SECURE
  ssl = yes
 }
}
`))
	mail := filepath.Join(dir, "mail")
	if err := os.Mkdir(mail, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(mail, 0o777); err != nil {
		t.Fatal(err)
	}
	s.Run(t)
	return s
}

// Run starts the program, again after Stop.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	program, err := exec.LookPath("dovecot")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/dovecot"); err != nil {
			t.Fatal("dovecot is needed: apt install dovecot-imapd")
		}
	}
	s.cmd = exec.Command(program, "-F", "-c", filepath.Join(s.Dir, "dovecot.conf"))
	var out bytes.Buffer
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		_ = cmd.Wait() // it is killed
		close(done)
	}(s.cmd, s.done)
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := net.Dial("tcp", s.IMAP); err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-s.done:
			t.Fatalf("dovecot ended: %s %s", out.String(), s.Log())
		case <-ctx.Done():
			t.Fatalf("dovecot does not listen: %s", s.Log())
		case <-tick.C:
		}
	}
}

// Stop ends the program and all its connections.
func (s *Server) Stop(testing.TB) {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // the master ends its children
	select {
	case <-s.done:
	case <-time.After(5 * time.Second):
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.done
	}
	s.cmd = nil
}

// Log returns what the server wrote.
func (s *Server) Log() string {
	b, err := os.ReadFile(filepath.Join(s.Dir, "dovecot.log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

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

func (s *Server) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// certificate makes a certificate for 127.0.0.1 that is its own authority.
func (s *Server) certificate(t testing.TB) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "dovecottest"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	s.write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})))
	if err := os.Chmod(filepath.Join(s.Dir, "key.pem"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Mail returns a mail of about size bytes that names a task.
func Mail(n int, task string, size int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: Jo Helper <jo@acme.example>\r\nTo: %s\r\nSubject: Task %s\r\nMessage-ID: <test.%d@acme.example>\r\nDate: %s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n[[Task]]: %s\r\n[[Message]]: news number %d\r\n",
		User, task, n, time.Now().Format(time.RFC1123Z), task, n)
	b.WriteString("\r\n-----Original Message-----\r\n")
	for b.Len() < size {
		b.WriteString("What was said before stands below, line after line, as it does.\r\n")
	}
	return b.Bytes()
}
