package app_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/provider/http/vendortest"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// families returns the metrics of a running bridge with the names of their labels.
func families(t *testing.T) map[string][]string {
	t.Helper()
	ssp, err := ssptest.Start(ssptest.Options{})
	require.NoError(t, err)
	t.Cleanup(ssp.Close)
	vendor, err := vendortest.Start(vendortest.Options{})
	require.NoError(t, err)
	t.Cleanup(vendor.Close)
	for name, value := range map[string]string{"INTAKE": "intake-key-of-the-test", vendortest.TokenEnv: vendor.Token(), vendortest.SecretEnv: vendor.Secret()} {
		t.Setenv(name, value)
	}
	poll := "poll: {every: 1s, url: \"/changes?since=${cursor}\", items: answer.items}\n"
	dir := t.TempDir()
	trusted := writePair(t, dir) // a listener with a certificate has one metric more
	c, err := app.Parse(filepath.Join(dir, "x.yaml"), fmt.Appendf(nil, `server: {tls: {cert: cert.pem, key: key.pem}, listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
store: sqlite:%s
ssp:
  url: %s
  intake: {auth: {header: {name: X-Bridge-Key, secret: {env: INTAKE}}}}
providers:
  acme:
%s`, filepath.Join(dir, "x.db"), ssp.URL(), vendortest.Indented(vendortest.Config(vendor.URL(), poll), 4)))
	require.NoError(t, err)
	a, err := app.New(t.Context(), c, app.Options{})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })

	body := `{"task": "1", "request_type": "Mystery"}`
	for _, key := range []string{"intake-key-of-the-test", "wrong"} {
		req := httptest.NewRequest(http.MethodPost, "https://"+a.PublicAddr()+"/ssp/acme", strings.NewReader(body))
		req.RequestURI = ""
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Bridge-Key", key)
		res, err := trusted.Do(req)
		require.NoError(t, err)
		res.Body.Close()
	}
	sample := regexp.MustCompile(`(?m)^([a-z_]+)(\{[^\n]*\})? `)
	label := regexp.MustCompile(`([a-z_]+)="`)
	out := map[string][]string{}
	require.Eventually(t, func() bool {
		res, err := http.Get("http://" + a.AdminAddr() + "/metrics")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		var text strings.Builder
		if err := res.Write(&text); err != nil {
			return false
		}
		for _, m := range sample.FindAllStringSubmatch(text.String(), -1) {
			for _, l := range label.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(out[m[1]], l[1]) {
					out[m[1]] = append(out[m[1]], l[1])
				}
			}
			if out[m[1]] == nil {
				out[m[1]] = []string{}
			}
		}
		return len(out["pergabridge_source_age_seconds"]) > 0 && len(out["pergabridge_quarantined"]) > 0 && len(out["pergabridge_events_accepted_total"]) > 0
	}, 20*time.Second, 50*time.Millisecond, "the poll, the quarantine and the intake are seen")
	return out
}

var (
	metricName = regexp.MustCompile(`\b(pergabridge|process|go)_[a-z_]+\b`)
	selector   = regexp.MustCompile(`\b((?:pergabridge|process|go)_[a-z_]+)\{([^}]*)\}`)
	grouping   = regexp.MustCompile(`(?:by|on) \(([^)]*)\)`)
	labelName  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!=|!~|=)`)
	// Prometheus itself adds these to every series.
	targetLabels = []string{"instance", "job", "le"}
)

// uses checks that an expression asks for nothing that is not there.
func uses(t *testing.T, have map[string][]string, where, expr string) {
	t.Helper()
	names := metricName.FindAllString(expr, -1)
	require.NotEmpty(t, names, where)
	var labels []string
	for _, n := range names {
		require.Contains(t, have, n, "%s: there is no such metric", where)
		labels = append(labels, have[n]...)
	}
	for _, m := range selector.FindAllStringSubmatch(expr, -1) {
		for _, l := range labelName.FindAllStringSubmatch(m[2], -1) {
			require.Contains(t, append(slices.Clone(have[m[1]]), targetLabels...), l[1], "%s: %s has no such label", where, m[1])
		}
	}
	for _, m := range grouping.FindAllStringSubmatch(expr, -1) {
		for l := range strings.SplitSeq(m[1], ",") {
			require.Contains(t, append(slices.Clone(labels), targetLabels...), strings.TrimSpace(l), where)
		}
	}
	require.Equal(t, strings.Count(expr, "("), strings.Count(expr, ")"), where)
}

func TestDashboardAndAlertsUseOnlyWhatThereIs(t *testing.T) {
	have := families(t)
	raw, err := os.ReadFile("../../../docs/monitoring/alerts.yaml")
	require.NoError(t, err)
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	require.NoError(t, yaml.UnmarshalWithOptions(raw, &rules, yaml.Strict()))
	seen := map[string]bool{}
	for _, r := range rules.Groups[0].Rules {
		require.False(t, seen[r.Alert], r.Alert)
		seen[r.Alert] = true
		uses(t, have, r.Alert, r.Expr)
		_, err := time.ParseDuration(r.For)
		require.NoError(t, err, r.Alert)
		require.Contains(t, []string{"warning", "critical"}, r.Labels["severity"])
		require.NotEmpty(t, r.Annotations["summary"])
		require.NotEmpty(t, r.Annotations["description"])
	}
	require.GreaterOrEqual(t, len(seen), 10)

	raw, err = os.ReadFile("../../../docs/monitoring/grafana-dashboard.json")
	require.NoError(t, err)
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct{ List []struct{ Query string } }
	}
	require.NoError(t, json.Unmarshal(raw, &board))
	ids := map[int]bool{}
	for _, p := range board.Panels {
		require.False(t, ids[p.ID])
		ids[p.ID] = true
		require.NotEmpty(t, p.Targets, p.Title)
		for _, x := range p.Targets {
			uses(t, have, p.Title, x.Expr)
		}
	}
	require.Greater(t, len(ids), 10)
}

// writePair writes the certificate of httptest and its key, and returns a client that trusts it.
func writePair(t *testing.T, dir string) *http.Client {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	pair := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, "key.pem": {Type: "PRIVATE KEY", Bytes: key}} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
	return s.Client()
}
