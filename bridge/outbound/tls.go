package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/secret"
)

// maxPEM bounds certificate files; a bundle of all public authorities has 250 kB.
const maxPEM = 1 << 20

// ClientConfig returns t in the form of crypto/tls, for connections that are not HTTP.
func (t TLS) ClientConfig() (*tls.Config, error) { return newTLS(t) }

func newTLS(t TLS) (*tls.Config, error) {
	c := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.MinVersion == "1.3" {
		c.MinVersion = tls.VersionTLS13
	}
	if t.CA != "" {
		pool, err := loadCA(t)
		if err != nil {
			return nil, err
		}
		c.RootCAs = pool
	}
	if t.Cert != "" || !t.Key.Empty() {
		cert, err := loadClientCert(t)
		if err != nil {
			return nil, err
		}
		// Handed out whatever authorities the server names: a server with a wrong list then says
		// what it does not like, instead of seeing no certificate at all.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
		// IIS with TLS 1.2 asks for the certificate of one path by renegotiation.
		c.Renegotiation = tls.RenegotiateOnceAsClient
	}
	return c, nil
}

func loadCA(t TLS) (*x509.CertPool, error) {
	pem, err := readPEM(string(t.CA))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("file %s holds no certificate in PEM form", t.CA)
	}
	return pool, nil
}

func loadClientCert(t TLS) (tls.Certificate, error) {
	if t.Cert == "" || t.Key.Empty() {
		return tls.Certificate{}, errors.New("a client certificate needs cert and key")
	}
	pem, err := readPEM(string(t.Cert))
	if err != nil {
		return tls.Certificate{}, err
	}
	cert, err := tls.X509KeyPair(pem, []byte(t.Key.Reveal()))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("client certificate %s and its key: %s", t.Cert, secret.Mask(strings.TrimPrefix(err.Error(), "tls: ")))
	}
	return cert, nil
}

func readPEM(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxPEM {
		return nil, fmt.Errorf("file %s is not a PEM file", path)
	}
	return os.ReadFile(path)
}
