package listener

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// maxPEM bounds certificate files.
const maxPEM = 1 << 20

// TLS is the section of a listener that speaks HTTPS itself.
type TLS struct {
	Cert       config.Path `yaml:"cert" required:"true" doc:"PEM file with the certificate, then those that lead to its authority; read again when it changes"`
	Key        config.Path `yaml:"key" required:"true" doc:"PEM file with the private key, without a passphrase; read again when it changes"`
	MinVersion string      `yaml:"min_version" enum:"1.2|1.3" default:"1.2" doc:"lowest TLS version"`
}

// ValidateConfig reads the files.
func (t *TLS) ValidateConfig(n *config.Node) {
	if t.Cert == "" || t.Key == "" || n.StandIns() {
		return
	}
	_, err := load(string(t.Cert), string(t.Key), time.Now())
	var p *pairError
	if errors.As(err, &p) {
		at := n.Key("cert")
		if p.key {
			at = n.Key("key")
		}
		at.Problemf(p.hint, "%s", p.msg)
	}
}

// A pairError says what is wrong with a certificate and its key.
type pairError struct {
	key       bool // it is the key's fault
	msg, hint string
}

func (e *pairError) Error() string { return e.msg }

// load reads a pair that may be served at now.
func load(certFile, keyFile string, now time.Time) (*tls.Certificate, error) {
	certPEM, err := read(certFile)
	if err != nil {
		return nil, &pairError{msg: err.Error(), hint: "relative paths start at the folder of the config file"}
	}
	keyPEM, err := read(keyFile)
	if err != nil {
		return nil, &pairError{key: true, msg: err.Error(), hint: "relative paths start at the folder of the config file"}
	}
	switch {
	case !bytes.Contains(certPEM, []byte("-----BEGIN CERTIFICATE-----")):
		hint := ""
		if bytes.Contains(certPEM, []byte("PRIVATE KEY-----")) {
			hint = "this looks like the key; are cert and key swapped?"
		}
		return nil, &pairError{msg: "file " + certFile + " holds no certificate in PEM form", hint: hint}
	case bytes.Contains(keyPEM, []byte("ENCRYPTED")):
		return nil, &pairError{key: true, msg: "the key in " + keyFile + " has a passphrase", hint: "openssl pkey -in KEY -out plain.pem, readable by the bridge alone"}
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		why := strings.TrimPrefix(err.Error(), "tls: ")
		if strings.Contains(why, "does not match") {
			return nil, &pairError{key: true, msg: "the key in " + keyFile + " does not belong to the certificate in " + certFile, hint: "the first certificate in the file must be the server's own"}
		}
		return nil, &pairError{key: true, msg: fmt.Sprintf("%s and %s are no pair of certificate and key: %s", certFile, keyFile, why)}
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, &pairError{msg: fmt.Sprintf("%s: %v", certFile, err)}
		}
	}
	switch leaf := pair.Leaf; {
	case now.After(leaf.NotAfter):
		return nil, &pairError{msg: fmt.Sprintf("the certificate in %s expired on %s", certFile, leaf.NotAfter.UTC().Format("2006-01-02 15:04 UTC")), hint: "renew it"}
	case now.Before(leaf.NotBefore):
		return nil, &pairError{msg: fmt.Sprintf("the certificate in %s is not valid before %s", certFile, leaf.NotBefore.UTC().Format("2006-01-02 15:04 UTC")), hint: "compare the clock of this machine"}
	}
	return &pair, nil
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("file %s does not exist", path)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxPEM:
		return nil, fmt.Errorf("%s is not a PEM file", path)
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("file %s may not be read; give the user that runs the bridge the right to read it", path)
	}
	return b, err
}

// lookEvery is how often, at most, the files are looked at.
const lookEvery = time.Second

// A Certificate is a pair that follows its files. It is safe for concurrent use.
type Certificate struct {
	config TLS
	now    func() time.Time
	log    *slog.Logger
	server *tls.Config

	mu     sync.Mutex
	pair   *tls.Certificate
	stamp  [2]stamp
	looked time.Time
	err    error
}

// A stamp tells whether a file is another one.
type stamp struct {
	size  int64
	mtime time.Time
}

// NewCertificate reads the pair of a config. Nothing runs in the background: the files are looked at
// when somebody connects.
func NewCertificate(t TLS, now func() time.Time, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{config: t, now: now, log: log, looked: now()}
	c.stamp = c.stamps()
	var err error
	if c.pair, err = load(string(t.Cert), string(t.Key), now()); err != nil {
		return nil, err
	}
	c.server = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil },
	}
	if t.MinVersion == "1.3" {
		c.server.MinVersion = tls.VersionTLS13
	}
	return c, nil
}

func (c *Certificate) stamps() (out [2]stamp) {
	for i, path := range []config.Path{c.config.Cert, c.config.Key} {
		if info, err := os.Stat(string(path)); err == nil {
			out[i] = stamp{info.Size(), info.ModTime()}
		}
	}
	return out
}

// current returns the pair, a renewed one if the files have changed.
func (c *Certificate) current() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if d := now.Sub(c.looked); d >= 0 && d < lookEvery {
		return c.pair
	}
	c.looked = now
	stamp := c.stamps()
	if stamp == c.stamp {
		return c.pair
	}
	pair, err := load(string(c.config.Cert), string(c.config.Key), now)
	if err != nil { // perhaps only one of the two has been replaced yet: looked at again
		if c.err == nil || c.err.Error() != err.Error() {
			c.log.Error("the renewed certificate cannot be used; the one before is served", "error", err, "until", c.pair.Leaf.NotAfter)
		}
		c.err = err
		return c.pair
	}
	c.pair, c.stamp, c.err = pair, stamp, nil
	c.log.Info("the certificate was renewed", "file", string(c.config.Cert), "until", pair.Leaf.NotAfter)
	return c.pair
}

// soon is how long before its end a certificate is shown as a trouble.
const soon = 14 * 24 * time.Hour

// Err says what is wrong with the certificate: its renewal, or that its end is near.
func (c *Certificate) Err() error {
	pair := c.current()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return fmt.Errorf("the renewed certificate is not used: %w", c.err)
	}
	if c.now().Add(soon).After(pair.Leaf.NotAfter) {
		return fmt.Errorf("the certificate in %s ends on %s", c.config.Cert, pair.Leaf.NotAfter.UTC().Format("2006-01-02 15:04 UTC"))
	}
	return nil
}

// Expires returns the end of the certificate that is served.
func (c *Certificate) Expires() time.Time { return c.current().Leaf.NotAfter }

// Server returns the config of a connection; it is the same at every call, so that sessions can be
// resumed.
func (c *Certificate) Server() *tls.Config { return c.server }

// Client returns what a program on the same machine, which can read the same file, trusts: the
// certificate in it and no other, whatever name it is called by.
func (t TLS) Client() (*tls.Config, error) {
	data, err := read(string(t.Cert))
	if err != nil {
		return nil, err
	}
	want, err := first(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Cert, err)
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection compares the certificate itself
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, want) {
				return errors.New("the admin listener shows another certificate than the one in " + string(t.Cert))
			}
			return nil
		},
	}, nil
}

// first returns the first certificate of a PEM file.
func first(data []byte) ([]byte, error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return block.Bytes, nil
		}
	}
	return nil, errors.New("no certificate in PEM form")
}
