package outboundtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A CA is a certificate authority that nobody but the test trusts.
type CA struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

// NewCA makes a certificate authority.
func NewCA(t testing.TB) *CA {
	t.Helper()
	a := &CA{t: t, next: 2}
	a.key = a.newKey()
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "outboundtest CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert = a.sign(tpl, tpl, &a.key.PublicKey)
	return a
}

// Server returns a TLS config with a certificate for 127.0.0.1 and localhost, or for hosts if given.
func (a *CA) Server(hosts ...string) *tls.Config {
	a.t.Helper()
	if len(hosts) == 0 {
		hosts = []string{"127.0.0.1", "localhost"}
	}
	tpl := a.leaf("server", x509.ExtKeyUsageServerAuth)
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			tpl.IPAddresses = append(tpl.IPAddresses, ip)
		} else {
			tpl.DNSNames = append(tpl.DNSNames, h)
		}
	}
	return &tls.Config{Certificates: []tls.Certificate{a.issue(tpl)}, MinVersion: tls.VersionTLS12}
}

// MutualServer is [CA.Server] with client certificates of this authority required.
func (a *CA) MutualServer(hosts ...string) *tls.Config {
	a.t.Helper()
	c := a.Server(hosts...)
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.ClientCAs = x509.NewCertPool()
	c.ClientCAs.AddCert(a.cert)
	return c
}

// File writes the authority's certificate into a temporary file and returns its path.
func (a *CA) File() string {
	a.t.Helper()
	return a.write("ca.pem", "CERTIFICATE", a.cert.Raw)
}

// ClientFiles writes a client certificate and its key into temporary files.
func (a *CA) ClientFiles(name string) (cert, key string) {
	a.t.Helper()
	c := a.issue(a.leaf(name, x509.ExtKeyUsageClientAuth))
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		a.t.Fatalf("outboundtest: %v", err)
	}
	return a.write(name+".pem", "CERTIFICATE", c.Certificate[0]), a.write(name+"-key.pem", "PRIVATE KEY", der)
}

func (a *CA) leaf(name string, use x509.ExtKeyUsage) *x509.Certificate {
	a.next++
	return &x509.Certificate{
		SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{use},
	}
}

func (a *CA) issue(tpl *x509.Certificate) tls.Certificate {
	a.t.Helper()
	key := a.newKey()
	cert := a.sign(tpl, a.cert, &key.PublicKey)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

func (a *CA) newKey() *ecdsa.PrivateKey {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatalf("outboundtest: %v", err)
	}
	return key
}

func (a *CA) sign(tpl, parent *x509.Certificate, pub *ecdsa.PublicKey) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tpl, parent, pub, a.key)
	if err != nil {
		a.t.Fatalf("outboundtest: %v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatalf("outboundtest: %v", err)
	}
	return cert
}

func (a *CA) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.t.TempDir(), name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatalf("outboundtest: %v", err)
	}
	return path
}
