//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
)

const containerDir = "../../../../docs/container"

// An instruction of a Containerfile.
type instruction struct{ name, rest string }

func containerfile(t *testing.T) (out []instruction) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(containerDir, "Containerfile"))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			name, rest, _ := strings.Cut(line, " ")
			out = append(out, instruction{name, rest})
		}
	}
	return out
}

// The rules for the image: a base with a tag, nothing fetched or run while it is built, no secrets, a
// user without rights by number, programs as lists so that no shell is needed.
func TestContainerfile(t *testing.T) {
	last := map[string]string{}
	for n, i := range containerfile(t) {
		last[i.name] = i.rest
		switch i.name {
		case "FROM":
			require.Zero(t, n, "one stage")
			require.Regexp(t, `^[a-z.]+/[a-z/0-9-]+:[a-z0-9.-]+$`, i.rest)
			require.NotContains(t, i.rest, ":latest")
		case "ARG":
			require.Equal(t, "TARGETARCH=amd64", i.rest)
		case "COPY":
			require.Regexp(t, `^--(chmod=0755|chown=65532:65532) dist/\S+ /\S+$`, i.rest)
		case "USER", "WORKDIR", "VOLUME", "EXPOSE", "STOPSIGNAL":
		case "ENTRYPOINT", "CMD":
			var list []string
			require.NoError(t, json.Unmarshal([]byte(i.rest), &list), "%s must be a list: there is no shell", i.name)
		default:
			t.Errorf("%s is not allowed in the image", i.name)
		}
	}
	require.Equal(t, "65532:65532", last["USER"])
	require.Equal(t, `["/usr/bin/pergabridge"]`, last["ENTRYPOINT"])
	require.Equal(t, "SIGTERM", last["STOPSIGNAL"])
	require.Equal(t, last["VOLUME"], last["WORKDIR"])
}

// tryImage does what the COPY lines say, and runs what came out of it as the user of the image.
func tryImage(t *testing.T, dist, arch string) {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.Chmod(root, 0o755))
	for _, i := range containerfile(t) {
		if i.name != "COPY" {
			continue
		}
		f := strings.Fields(strings.ReplaceAll(i.rest, "${TARGETARCH}", arch))
		from, to := filepath.Join(filepath.Dir(dist), f[1]), filepath.Join(root, f[2])
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
		run(t, "/", "cp", "-r", from, to)
		kind, value, _ := strings.Cut(strings.TrimPrefix(f[0], "--"), "=")
		run(t, "/", kind, value, to)
	}
	require.Contains(t, run(t, "/", "chroot", "--userspec=65532:65532", root, "/usr/bin/pergabridge", "version"), "pergabridge 1.2.3-rc.1")
}

// The compose file: nothing with more rights than it needs, pinned images, and a Redis with which the store
// itself is content, whatever the server's own defaults are.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(containerDir, "compose.yaml"))
	require.NoError(t, err)
	var c struct {
		Services map[string]struct {
			Image       string
			User        string
			ReadOnly    bool     `yaml:"read_only"`
			CapDrop     []string `yaml:"cap_drop"`
			SecurityOpt []string `yaml:"security_opt"`
			Ports       []string
			Command     []string
		}
		Volumes map[string]any
	}
	require.NoError(t, yaml.Unmarshal(text, &c))
	require.Len(t, c.Services, 2)
	for name, s := range c.Services {
		require.True(t, s.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		require.Equal(t, []string{"no-new-privileges:true"}, s.SecurityOpt, name)
		require.Regexp(t, `^[1-9][0-9]*:[1-9][0-9]*$`, s.User, name)
		for _, p := range s.Ports {
			require.Regexp(t, regexp.MustCompile(`^127\.0\.0\.1:`), p, "others reach it through a proxy")
		}
	}
	redis := c.Services["redis"]
	require.Regexp(t, `^docker\.io/library/redis:[0-9]+\.[0-9]+-`, redis.Image)
	require.Empty(t, redis.Ports, "nobody but the bridge talks to it")
	require.Equal(t, "redis-server", redis.Command[0])

	weak := []string{"--appendonly", "no", "--appendfsync", "everysec", "--maxmemory-policy", "allkeys-lru"}
	url := func(s *redistest.Server) string { return fmt.Sprintf("redis://127.0.0.1:%d/0", s.Port) }
	_, err = redisstore.Check(t.Context(), url(redistest.Start(t, weak...)), redisstore.Options{Namespace: "compose"})
	require.Error(t, err, "the check can fail")
	warnings, err := redisstore.Check(t.Context(), url(redistest.Start(t, append(weak, redis.Command[1:]...)...)), redisstore.Options{Namespace: "compose"})
	require.NoError(t, err)
	require.Empty(t, warnings)
}
