package app_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
)

// TestNoSecretGetsOut seeds a secret in every place in which the config can name one, and a token
// that is obtained; lets everybody outside repeat them; and looks for them in everything that people
// and programs can see.
func TestNoSecretGetsOut(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		noSecretGetsOut(t, func(s *seeds) (config, files string) {
			s.used = append(s.used, "store.password", "store.sentinel_password") // it has none
			return "sqlite:" + filepath.Join(s.dir, "x.db"), filepath.Join(s.dir, "x.db*")
		})
	})
	t.Run("redis", func(t *testing.T) {
		noSecretGetsOut(t, func(s *seeds) (config, files string) {
			password, sentinel := s.name("store.password"), s.name("store.sentinel_password")
			r := redistest.StartSentinels(t, redistest.SentinelOptions{Down: time.Minute, Alone: true, Password: s.secret("store.password"), SentinelPassword: s.secret("store.sentinel_password")})
			return fmt.Sprintf("{url: %q, namespace: seeded, password: %s, sentinel_password: %s}", r.URL, password, sentinel), filepath.Join(r.Master.Dir, "appendonlydir", "*")
		})
	})
}

func noSecretGetsOut(t *testing.T, store func(*seeds) (config, files string)) {
	p, mail := newParrot(t), mailParrot(t)
	s := &seeds{t: t, dir: t.TempDir(), by: map[string]string{"(obtained)": p.obtained}}
	storeConfig, storeFiles := store(s)
	file := filepath.Join(s.dir, "pergabridge.yaml")
	config := s.config(p, mail, storeConfig)

	places := map[string]bool{}
	secretPlaces(app.Schema(), nil, places)
	for place := range places {
		require.Contains(t, s.used, place, "the config can name a secret here; seed one, and let it be repeated")
	}
	c, err := app.Parse(file, []byte(config))
	require.NoError(t, err)
	log := &safe{}
	a, err := app.New(t.Context(), c, app.Options{Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	running := true
	t.Cleanup(func() {
		if running {
			stop()
			<-ended
		}
	})
	public, admin := "http://"+a.PublicAddr(), "http://"+a.AdminAddr()

	// Everything at once, as somebody might paste it into a ticket.
	var all strings.Builder
	for _, place := range slices.Sorted(maps.Keys(s.by)) {
		for _, f := range forms(s.by[place])[:5] {
			all.WriteString(f + "\n")
		}
	}
	said := all.String()
	post := func(path, body string, header ...string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, public+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Empty(t, s.leaks(fmt.Sprint(res.Header)+string(answer)), "the answer to %s", path)
	}
	basic := func(user, place string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+s.secret(place)))
	}
	call := func(task string, more ...string) string {
		f := map[string]string{"task": task, "request_type": "Submit Request", "text": said, "title": said, "unknown": said}
		for i := 0; i < len(more); i += 2 {
			f[more[i]] = more[i+1]
		}
		b, err := json.Marshal(f)
		require.NoError(t, err)
		return string(b)
	}
	// A token can be hidden once it was obtained: that comes first.
	sum := sha256.Sum256([]byte(s.secret("hash.secret") + "|5|first"))
	post("/ssp/p5", call("5", "text", "first", "title", "first", "unknown", "first", "check", hex.EncodeToString(sum[:])))
	require.Eventually(t, func() bool { return strings.Contains(log.String(), `"provider":"p5","kind":"submit"`) }, 20*time.Second, 10*time.Millisecond)
	post("/ssp/p1", call("1"), "X-Key", s.secret("header.secret"))
	post("/ssp/p2", call("2"), "Authorization", basic("ssp", "basic.password'"))
	post("/ssp/p3/"+s.secret("token.secret"), call("3"))
	post("/ssp/p4", call("4", "password", s.secret("field.secret")))
	post("/ssp/p6", call("6"), "X-Key", s.secret("header.secret''"))
	post("/ssp/p7", call("10"), "X-Key", s.secret("header.secret'''"))
	// What is not let in, and what nobody understands.
	post("/ssp/p1", call("7"), "X-Key", s.secret("auth.bearer"))
	post("/ssp/p3/"+s.secret("auth.bearer"), call("7"))
	post("/webhooks/p3/wrong-"+s.secret("token.secret"), said)
	post("/ssp/p1", call("8", "request_type", "Mystery "+said), "X-Key", s.secret("header.secret"))
	post("/ssp/p1", `{"broken": "`+s.secret("auth.bearer"), "X-Key", s.secret("header.secret"))
	for _, hook := range []string{said, call("9", "type", "mystery")} {
		post("/webhooks/p2", hook, "X-Hook", s.secret("webhook.secret'"))
		post("/webhooks/p6?key="+url.QueryEscape(s.secret("query.secret")), hook, "Authorization", basic("vendor", "basic.password"))
		post("/webhooks/p1", hook)
	}
	// An answer for SSP, whose fault repeats our credentials: the bond is made by hand.
	token := s.secret("server.admin_token")
	ask := func(method, path, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, admin+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("X-Pergabridge-Person", "Eve")
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Idempotency-Key", "once") // so that the answer is remembered
		}
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, fmt.Sprint(res.Header) + string(answer)
	}
	note, err := json.Marshal(map[string]string{"provider": "p2", "task": "2", "reference": "R-2", "note": said[:400]})
	require.NoError(t, err)
	status, answer := ask("POST", "/api/v1/bonds/link", string(note))
	require.Equal(t, 200, status, answer)
	hook, err := json.Marshal(map[string]string{"type": "comment", "id": "1", "ticket": "R-2", "text": said})
	require.NoError(t, err)
	post("/webhooks/p2", string(hook), "X-Hook", s.secret("webhook.secret'"))

	counted := func() (parked, quarantined int) {
		_, text := ask("GET", "/metrics", "")
		for _, m := range regexp.MustCompile(`(?m)^pergabridge_events\{state="(parked|quarantined)"\} (\d+)$`).FindAllStringSubmatch(text, -1) {
			n := 0
			_, err := fmt.Sscan(m[2], &n)
			require.NoError(t, err)
			if m[1] == "parked" {
				parked = n
			} else {
				quarantined = n
			}
		}
		return parked, quarantined
	}
	require.Eventually(t, func() bool {
		parked, quarantined := counted()
		return parked >= 5 && quarantined >= 3 && len(p.told()) > 0
	}, 60*time.Second, 100*time.Millisecond, "all but the linked ticket are parked, and somebody is told: %v", log)

	require.Eventually(t, func() bool {
		_, text := ask("GET", "/api/v1/mailboxes", "")
		return strings.Count(text, "heard") >= 2
	}, 30*time.Second, 50*time.Millisecond, "both mailboxes say what their server repeats")

	// Everything that can be seen.
	type sight struct{ where, text string }
	var sights []sight
	seen := map[string]bool{}
	queue := []string{"/", "/login", "/metrics", "/readyz", "/healthz", "/api/v1/openapi.json", "/api/v1/counts", "/api/v1/status", "/api/v1/events?limit=1000",
		"/api/v1/lanes", "/api/v1/bonds", "/api/v1/destinations", "/api/v1/quarantine?waiting=true", "/api/v1/activity", "/api/v1/mailboxes", "/api/v1/backup", "/tasks?q=seed"}
	link := regexp.MustCompile(`href="(/[^"#]*)`)
	ids := regexp.MustCompile(`"id":"([0-9a-f-]{36})"`)
	for len(queue) > 0 {
		path := html.UnescapeString(queue[0])
		queue = queue[1:]
		if seen[path] || len(seen) > 400 {
			continue
		}
		seen[path] = true
		status, text := ask("GET", path, "")
		require.Less(t, status, 500, path)
		sights = append(sights, sight{path, text})
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			queue = append(queue, m[1])
		}
		if strings.HasPrefix(path, "/api/v1/events?") {
			for _, m := range ids.FindAllStringSubmatch(text, -1) {
				queue = append(queue, "/api/v1/events/"+m[1])
			}
		}
	}
	require.Greater(t, len(seen), 60, "the pages were walked through")
	for i, m := range p.told() {
		sights = append(sights, sight{fmt.Sprintf("notification %d", i), m})
	}
	// The board: answers that are remembered, how mailboxes do, replicas, repairs.
	for _, kind := range []string{"answer", "mailbox", api.NoticeReplica, "repair"} {
		notices, err := a.Store().Notices(t.Context(), kind, "")
		require.NoError(t, err)
		for _, n := range notices {
			sights = append(sights, sight{"notice " + kind + " " + n.Key, n.Key + string(n.Value) + unfolded(n.Value)})
		}
		if kind != "repair" {
			require.NotEmpty(t, notices, kind)
		}
	}
	stop()
	require.NoError(t, <-ended)
	running = false
	sights = append(sights, sight{"the log", log.String()})
	files, err := filepath.Glob(storeFiles)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		raw, err := os.ReadFile(f)
		require.NoError(t, err)
		sights = append(sights, sight{f, string(raw)})
	}
	masked := 0
	for _, x := range sights {
		require.Empty(t, s.leaks(x.text), x.where)
		masked += strings.Count(x.text, "[secret]")
	}
	require.Greater(t, masked, 200, "the secrets were really there")
}

// unfolded returns every string of a JSON value that is base64 of a text, decoded: the bodies of
// remembered answers are kept so.
func unfolded(raw []byte) string {
	var out strings.Builder
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			if b, err := base64.StdEncoding.DecodeString(v); err == nil {
				out.WriteString("\n" + string(b))
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	var v any
	if json.Unmarshal(raw, &v) == nil {
		walk(v)
	}
	return out.String()
}
