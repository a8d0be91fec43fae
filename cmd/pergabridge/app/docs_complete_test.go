package app

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

func TestTheRunbookHasEveryReason(t *testing.T) {
	text := docTexts(t)["docs/runbook.md"]
	for _, r := range bridge.Reasons() {
		assert.True(t, strings.Contains(text, "\n| `"+string(r)+"` |"), "the runbook has no row for %s", r)
	}
	known := map[bridge.Reason]bool{}
	for _, r := range bridge.Reasons() {
		known[r] = true
	}
	_, runbook, _ := strings.Cut(text, "## Every reason")
	runbook, _, _ = strings.Cut(runbook, "\n## ")
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(runbook, -1) {
		require.True(t, known[bridge.Reason(m[1])], "%s is no reason", m[1])
	}
}

func TestTheRunbookHasEveryAlert(t *testing.T) {
	rules, err := os.ReadFile(filepath.Join(repository, "docs/monitoring/alerts.yaml"))
	require.NoError(t, err)
	var alerts, rows []string
	for _, m := range regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllSubmatch(rules, -1) {
		alerts = append(alerts, string(m[1]))
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(Pergabridge\\w+)` \\|").FindAllStringSubmatch(docTexts(t)["docs/runbook.md"], -1) {
		rows = append(rows, m[1])
	}
	require.NotEmpty(t, alerts)
	require.Equal(t, alerts, rows, "the rows of the runbook, in the order of the rules")
}

func TestTheDocsNameEveryMetric(t *testing.T) {
	c := &Config{Store: Store{Path: filepath.Join(t.TempDir(), "a.db")}}
	store, err := c.Store.open(t.Context(), docNow, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer store.Close()
	all := make(chan *prometheus.Desc)
	go func() {
		newObserver(c, Options{Now: docNow}, store).Registry().Describe(all)
		close(all)
	}()
	text, n := docTexts(t)["docs/operations.md"], 0
	for d := range all {
		name := regexp.MustCompile(`fqName: "([a-z_]+)"`).FindStringSubmatch(d.String())[1]
		if strings.HasPrefix(name, "pergabridge_") {
			n++
			assert.True(t, strings.Contains(text, "`"+name+"`"), "the metric %s is not named", name)
		}
	}
	require.NotZero(t, n)
}

var (
	docLink    = regexp.MustCompile(`\]\(([^)#:]*)(#[^)]*)?\)`)
	docHeading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	docMarkup  = regexp.MustCompile("[^a-z0-9 _-]")
)

// docAnchors are the places of a page that a link can lead to, as GitHub names them.
func docAnchors(text string) map[string]bool {
	out := map[string]bool{}
	for _, m := range docHeading.FindAllStringSubmatch(docFence.ReplaceAllString(text, ""), -1) {
		out["#"+strings.ReplaceAll(docMarkup.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return out
}

func TestLinksInTheDocsLeadSomewhere(t *testing.T) {
	anchors := 0
	for name, text := range docTexts(t) {
		for _, m := range docLink.FindAllStringSubmatch(docFence.ReplaceAllString(text, ""), -1) {
			path := filepath.Join(repository, filepath.Dir(name), m[1])
			if m[1] == "" { // the same page
				path = filepath.Join(repository, name)
			}
			_, err := os.Stat(path)
			require.NoError(t, err, "%s links to %s", name, m[1])
			if m[2] != "" {
				anchors++
				page, err := os.ReadFile(path)
				require.NoError(t, err)
				require.True(t, docAnchors(string(page))[m[2]], "%s links to %s%s, and that page has no such heading", name, m[1], m[2])
			}
		}
	}
	require.NotZero(t, anchors)
}

// Documents name tests as TestName, and rules of the store as "subject: rule".
var (
	docTestName = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9]*)`")
	docRuleName = regexp.MustCompile("`storetest: ([a-z_]+)`")
)

func TestTestsThatTheDocsNameExist(t *testing.T) {
	var code strings.Builder
	require.NoError(t, filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		if strings.HasSuffix(path, "_test.go") || strings.Contains(filepath.ToSlash(path), "storetest/") {
			text, err := os.ReadFile(path)
			code.Write(text)
			return err
		}
		return nil
	}))
	n := 0
	for name, text := range docTexts(t) {
		for _, m := range docTestName.FindAllStringSubmatch(text, -1) {
			n++
			require.Contains(t, code.String(), "func "+m[1]+"(", "%s names %s", name, m[1])
		}
		for _, m := range docRuleName.FindAllStringSubmatch(text, -1) {
			n++
			require.Contains(t, code.String(), "{\""+m[1]+"\", ", "%s names the rules %s", name, m[1])
		}
	}
	require.NotZero(t, n)
}
