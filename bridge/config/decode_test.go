package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type listener struct {
	Listen string `yaml:"listen" required:"true" doc:"address to listen at, like 127.0.0.1:8080"`
	Admin  string `yaml:"admin" default:"127.0.0.1:8081"`
}

type common struct {
	Mode    string   `yaml:"mode" enum:"deliver|observe" default:"deliver"`
	Timeout Duration `yaml:"timeout" default:"10s"`
}

type providerSection struct {
	common   `yaml:",inline"`
	Kind     string            `yaml:"kind" required:"true" enum:"http|mail"`
	URL      string            `yaml:"url"`
	Header   map[string]string `yaml:"header"`
	Statuses []int             `yaml:"retry_statuses" default:"[429, 503]"`
	Poll     *poll             `yaml:"poll"`
	Key      Secret            `yaml:"key"`
	Old      Secrets           `yaml:"secrets"`
	Raw      *Node             `yaml:"raw"`
	Rules    []rule            `yaml:"rules"`
}

func (p *providerSection) ValidateConfig(n *Node) {
	if p.URL != "" && !strings.HasPrefix(p.URL, "https://") {
		n.Key("url").Problemf("write https://…", "must be an https address")
	}
	if p.URL == "" && p.Kind == "http" {
		n.Key("url").Problemf("", "is required for kind http")
	}
}

type poll struct {
	Every time.Duration `yaml:"every" required:"true"`
	Max   Size          `yaml:"max" default:"1MiB"`
	Ratio float64       `yaml:"ratio" default:"0.5"`
}

type rule struct {
	When string   `yaml:"when"`
	Sets []string `yaml:"sets" enum:"acknowledge|update|resolve"`
	Body any      `yaml:"body"`
}

type sample struct {
	Server    listener                   `yaml:"server"`
	Providers map[string]providerSection `yaml:"providers"`
	Workers   uint8                      `yaml:"workers" default:"4"`
	Debug     bool                       `yaml:"debug"`
	WSDL      Path                       `yaml:"wsdl"`
	computed  string
}

func read(t *testing.T, file string) (sample, Problems) {
	t.Helper()
	var s sample
	n, err := ReadFile(file)
	if err != nil {
		var ps Problems
		require.ErrorAs(t, err, &ps)
		return s, ps
	}
	Decode(n, &s)
	return s, n.Problems()
}

func TestGoodFileIsReadWhole(t *testing.T) {
	t.Setenv("PB_TEST_KEY", "s3cret-key\n")
	got, problems := read(t, "testdata/good.yaml")
	require.NoError(t, problems.Err())
	require.Equal(t, listener{Listen: "127.0.0.1:8080", Admin: "127.0.0.1:8081"}, got.Server)
	acme := got.Providers["acme"]
	require.Equal(t, common{Mode: "observe", Timeout: Duration(90 * time.Second)}, acme.common)
	require.Equal(t, []int{429, 503}, acme.Statuses)
	require.Equal(t, &poll{Every: 72 * time.Hour, Max: 1 << 20, Ratio: 0.5}, acme.Poll)
	require.Equal(t, "s3cret-key", acme.Key.Reveal())
	require.Len(t, acme.Old, 2)
	require.Equal(t, "old-secret", acme.Old[1].Reveal())
	require.Equal(t, map[string]any{"a": []any{int64(1), "x", true}}, acme.Raw.Value())
	require.Equal(t, "deliver", got.Providers["fibre"].Mode)
	require.Equal(t, "https://acme.example.com", got.Providers["fibre"].Header["Origin"])
	require.Equal(t, uint8(4), got.Workers)
	require.Equal(t, Path(filepath.Join("testdata", "a.wsdl")), got.WSDL)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", got, got, acme.Key), "s3cret-key")
	require.Empty(t, got.computed)
}

// TestBadFiles has one file per rule; what an operator would see stands beside it in a .golden file.
// UPDATE_GOLDEN=1 writes them.
func TestBadFiles(t *testing.T) {
	t.Setenv("PB_TEST_KEY", "s3cret-key")
	t.Setenv("PB_TEST_EMPTY", "")
	files, err := filepath.Glob("testdata/bad/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 40)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			_, problems := read(t, file)
			require.NotEmpty(t, problems)
			got := problems.Error() + "\n"
			require.NotContains(t, got, "hunter2", "a message must not repeat a secret")
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if os.Getenv("UPDATE_GOLDEN") != "" {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}
