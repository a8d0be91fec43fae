// Package dovecot runs a real Dovecot on free loopback ports, in a folder of its own, with a certificate
// of its own authority. It needs the program dovecot (Debian: dovecot-imapd). As root the server uses
// the users that the package made; as anybody else it runs as that user alone.
package dovecot

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pergabridge/pergabridge/bridge/listener/freeport"
)

// The user of every server.
const (
	User     = "support@example.com"
	Password = "mailbox-password"
)

// ErrMissing means that the program is not installed; the text says how to get it.
var ErrMissing = errors.New("dovecot is needed; Debian and Ubuntu: apt install dovecot-imapd")

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

	program string
	cmd     *exec.Cmd
	done    chan struct{}
}

// Program returns where dovecot is. The error is [ErrMissing].
func Program() (string, error) {
	for _, name := range []string{"dovecot", "/usr/sbin/dovecot", "/usr/local/sbin/dovecot"} {
		if p, err := exec.LookPath(name); err == nil {
			return p, nil
		}
	}
	return "", ErrMissing
}

// Start runs a server until [Server.Close].
func Start(ctx context.Context, o Options) (_ *Server, err error) {
	s := &Server{}
	if s.program, err = Program(); err != nil {
		return nil, err
	}
	if s.Dir, err = os.MkdirTemp("", "dovecot"); err != nil {
		return nil, fmt.Errorf("dovecot: %w", err)
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	s.CA = filepath.Join(s.Dir, "cert.pem")
	if s.IMAP, err = freeport.Address(); err != nil {
		return nil, err
	}
	if s.IMAPS, err = freeport.Address(); err != nil {
		return nil, err
	}
	if err := s.certificate(); err != nil {
		return nil, fmt.Errorf("dovecot: certificate: %w", err)
	}
	if err := s.files(o); err != nil {
		return nil, fmt.Errorf("dovecot: %w", err)
	}
	return s, s.Run(ctx)
}

// files writes the config and makes the folder for mail; Dovecot's own users have to get in. Where the kernel gives it no
// inotify (128 for a user of this machine, whoever else has some) an IDLE looks every half minute by itself: here every second.
func (s *Server) files(o Options) error {
	if err := os.Chmod(s.Dir, 0o755); err != nil {
		return err
	}
	if err := s.write("users", User+":{PLAIN}"+Password+"::::::\n"); err != nil {
		return err
	}
	oauth := ""
	if o.Introspect != "" {
		if err := s.write("oauth2.conf", "introspection_mode = post\nintrospection_url = "+o.Introspect+"\nusername_attribute = username\nactive_attribute = active\nactive_value = true\n"); err != nil {
			return err
		}
		oauth = "passdb {\n driver = oauth2\n mechanisms = xoauth2 oauthbearer\n args = " + s.Dir + "/oauth2.conf\n}\n"
	}
	internal, login, group := "dovecot", "dovenull", "dovecot"
	if os.Geteuid() != 0 {
		me, err := user.Current()
		if err != nil {
			return err
		}
		mine, err := user.LookupGroupId(me.Gid)
		if err != nil {
			return err
		}
		internal, login, group = me.Username, me.Username, mine.Name
	}
	_, port, _ := net.SplitHostPort(s.IMAP)
	_, secure, _ := net.SplitHostPort(s.IMAPS)
	err := s.write("dovecot.conf", strings.NewReplacer("DIR", s.Dir, "PORT", port, "SECURE", secure, "OAUTH", oauth, "INTERNAL", internal, "LOGIN", login, "GROUP", group).Replace(`base_dir = DIR/run
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
mailbox_idle_check_interval = 1 secs
OAUTHpassdb {
 driver = passwd-file
 mechanisms = plain login
 args = DIR/users
}
userdb {
 driver = static
 args = uid=INTERNAL gid=GROUP home=DIR/mail/%u
}
default_internal_user = INTERNAL
default_internal_group = GROUP
default_login_user = LOGIN
service anvil {
 chroot =
}
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
	if err != nil {
		return err
	}
	mail := filepath.Join(s.Dir, "mail")
	if err := os.Mkdir(mail, 0o777); err != nil {
		return err
	}
	return os.Chmod(mail, 0o777)
}

// patience is how long the program may take to listen.
const patience = 15 * time.Second

// Run starts the program, again after Stop.
func (s *Server) Run(ctx context.Context) error {
	s.cmd = exec.Command(s.program, "-F", "-c", filepath.Join(s.Dir, "dovecot.conf"))
	var out bytes.Buffer
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	ownGroup(s.cmd)
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("dovecot: %w", err)
	}
	s.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		_ = cmd.Wait() // it is killed
		close(done)
	}(s.cmd, s.done)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := net.Dial("tcp", s.IMAP); err == nil {
			return c.Close()
		}
		select {
		case <-s.done:
			return fmt.Errorf("dovecot: it ended: %s %s", strings.TrimSpace(out.String()), s.Log())
		case <-ctx.Done():
			return fmt.Errorf("dovecot: it does not listen: %s", s.Log())
		case <-tick.C:
		}
	}
}

// Stop ends the program and all its connections.
func (s *Server) Stop() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // the master ends its children
	select {
	case <-s.done:
	case <-time.After(5 * time.Second):
		killGroup(s.cmd)
		<-s.done
	}
	s.cmd = nil
}

// Close stops the program and removes its folder.
func (s *Server) Close() {
	s.Stop()
	_ = os.RemoveAll(s.Dir) // what stays is in the system's folder for temporary files
}

// Put lays mail number n into the inbox as a delivery agent would: the server finds it when it looks.
func (s *Server) Put(n int, mail []byte) error {
	box := filepath.Join(s.Dir, "mail", User)
	for _, dir := range []string{box, filepath.Join(box, "tmp"), filepath.Join(box, "new"), filepath.Join(box, "cur")} {
		if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("dovecot: %w", err)
		} else if err == nil {
			if err := os.Chmod(dir, 0o777); err != nil {
				return fmt.Errorf("dovecot: %w", err)
			}
		}
	}
	name := fmt.Sprintf("%d.M%dP1.host", time.Now().Unix(), n)
	if err := os.WriteFile(filepath.Join(box, "new", name), mail, 0o666); err != nil {
		return fmt.Errorf("dovecot: %w", err)
	}
	return nil
}

// Held returns how many mails lie in a folder other than the inbox, as its files say.
func (s *Server) Held(folder string) int {
	n := 0
	for _, dir := range []string{"new", "cur"} {
		list, err := os.ReadDir(filepath.Join(s.Dir, "mail", User, "."+folder, dir))
		if err == nil { // it may not be there yet
			n += len(list)
		}
	}
	return n
}

// Log returns what the server wrote.
func (s *Server) Log() string {
	b, err := os.ReadFile(filepath.Join(s.Dir, "dovecot.log"))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (s *Server) write(name, text string) error {
	return os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o644)
}

// certificate makes a certificate for 127.0.0.1 that is its own authority.
func (s *Server) certificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "dovecottest"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := s.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.Dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600)
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
