package app

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pergabridge/pergabridge/bridge/listener"
	"github.com/pergabridge/pergabridge/webhooks"
)

// certificate reads the pair of a listener, nil without TLS.
func (a *App) certificate(t *listener.TLS) (*listener.Certificate, error) {
	if t == nil {
		return nil, nil
	}
	return listener.NewCertificate(*t, a.o.Now, a.o.Log)
}

// An entrance is one of the two listeners: it answers as the generation in force says.
type entrance struct {
	a           *App
	handler     func(*generation) http.Handler
	certificate func(*generation) *listener.Certificate
}

func (a *App) publicEntrance() entrance {
	return entrance{a, func(g *generation) http.Handler { return g.public }, func(g *generation) *listener.Certificate { return g.publicCertificate }}
}

func (a *App) adminEntrance() entrance {
	return entrance{a, func(g *generation) http.Handler { return g.admin }, func(g *generation) *listener.Certificate { return g.adminCertificate }}
}

// ServeHTTP answers under the config in force.
func (e entrance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.handler(e.a.current.Load()).ServeHTTP(w, r)
}

// server makes the HTTP server.
func (e entrance) server() *http.Server {
	s := webhooks.NewServer("", e, e.a.o.Log)
	s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 250}
	return s
}

// serve answers what comes in at l until the server is shut down. Whether it speaks TLS is decided once.
func (e entrance) serve(s *http.Server, l net.Listener) error {
	if e.certificate(e.a.current.Load()) == nil {
		return s.Serve(l)
	}
	s.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return e.certificate(e.a.current.Load()).Server(), nil
	}}
	return s.ServeTLS(l, "", "")
}

// certificateChecks are shown in readiness: a renewal that failed, an end that is near.
func (g *generation) certificateChecks(shown map[string]func(context.Context) error) {
	for name, c := range g.certificates() {
		shown["certificate "+name] = func(context.Context) error { return c.Err() }
	}
}

// certificates returns those that are served, by listener.
func (g *generation) certificates() map[string]*listener.Certificate {
	out := map[string]*listener.Certificate{}
	if g.publicCertificate != nil {
		out["public"] = g.publicCertificate
	}
	if g.adminCertificate != nil {
		out["admin"] = g.adminCertificate
	}
	return out
}

var certificateEnd = prometheus.NewDesc("pergabridge_certificate_expiry_timestamp_seconds", "When the certificate that a listener shows ends.", []string{"listener"}, nil)

// certificatesInForce shows when the certificates end.
type certificatesInForce struct{ a *App }

// Describe implements [prometheus.Collector].
func (certificatesInForce) Describe(c chan<- *prometheus.Desc) { c <- certificateEnd }

// Collect implements [prometheus.Collector].
func (x certificatesInForce) Collect(c chan<- prometheus.Metric) {
	for name, cert := range x.a.current.Load().certificates() {
		c <- prometheus.MustNewConstMetric(certificateEnd, prometheus.GaugeValue, float64(cert.Expires().Unix()), name)
	}
}
