package redisstore_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
)

func TestAServerThatMayLoseWritesIsRefusedUnlessItIsWrittenOut(t *testing.T) {
	for name, c := range map[string]struct {
		set  []string
		says string
	}{
		"no AOF":      {[]string{"--appendonly", "no"}, `appendonly is "no"`},
		"everysec":    {[]string{"--appendfsync", "everysec"}, `appendfsync is "everysec"`},
		"no fsync":    {[]string{"--appendfsync", "no"}, `appendfsync is "no"`},
		"an eviction": {[]string{"--maxmemory-policy", "allkeys-lru"}, `maxmemory-policy is "allkeys-lru"`},
	} {
		t.Run(name, func(t *testing.T) {
			srv := startServer(t, c.set...)
			for _, d := range []redisstore.Durability{redisstore.DurabilityAlways, redisstore.DurabilityAsserted} {
				_, err := redisstore.Open(ctx, srv.URL(), redisstore.Options{Namespace: space(), Durability: d, Log: quiet()})
				require.ErrorContains(t, err, c.says)
			}
			var log bytes.Buffer
			open(t, srv.URL(), redisstore.Options{Durability: redisstore.DurabilityRelaxed, Log: slog.New(slog.NewTextHandler(&log, nil))})
			require.Contains(t, log.String(), "may lose")
		})
	}
}

func TestAServerThatHidesItsSettingsNeedsAnAssertion(t *testing.T) {
	srv := startServer(t, "--user", "default", "on", "nopass", "~*", "&*", "+@all", "-config")
	_, err := redisstore.Open(ctx, srv.URL(), redisstore.Options{Namespace: space(), Log: quiet()})
	require.ErrorContains(t, err, "durability: asserted")
	open(t, srv.URL(), redisstore.Options{Durability: redisstore.DurabilityAsserted})
}

func TestAGoodServerHasNoFindings(t *testing.T) {
	srv := startServer(t)
	c := redis.NewClient(&redis.Options{Addr: srv.Addr()})
	defer c.Close()
	found, known, err := redisstore.Doctor(ctx, c)
	require.NoError(t, err)
	require.True(t, known)
	require.Empty(t, found)
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ url, namespace, says string }{
		{"redis://127.0.0.1:1", "", "namespace"},
		{"redis://127.0.0.1:1", "a{b}", "namespace"},
		{"http://127.0.0.1:1", "n", `scheme "http"`},
		{"redis://a,b", "n", "redis+sentinel://"},
		{"redis+sentinel://a,b", "n", "name of the master"},
		{"redis://a/x", "n", "number of a database"},
		{"redis://a/1/2", "n", "too many parts"},
		{"redis://a?x=1", "n", `unknown parameter "x"`},
		{"redis:///0", "n", "no host"},
		{"redis://127.0.0.1:1/0", "n", "connection refused"},
	} {
		_, err := redisstore.Open(ctx, c.url, redisstore.Options{Namespace: c.namespace, Log: quiet()})
		require.ErrorContains(t, err, c.says, c.url)
	}
	_, err := redisstore.Open(ctx, "redis://user:geheim\x7f@a", redisstore.Options{Namespace: "n"})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "geheim")
}

func TestAnACLUserOfItsOwnIsEnough(t *testing.T) {
	srv := startServer(t, "--user", "default", "off", "--user", "bridge", "on", ">s3:cret/", "~{pb:*", "&{pb:*", "-@all",
		"+@read", "+@write", "+@scripting", "+@pubsub", "+@connection", "+@transaction", "+wait", "+config|get")
	s := open(t, "redis://bridge:s3%3Acret%2F@"+srv.Addr()+"/0", redisstore.Options{})
	link(t, s, "", 1)
	woken(t, s)
	_, err := redisstore.Open(ctx, "redis://bridge:wrong@"+srv.Addr()+"/0", redisstore.Options{Namespace: "n", Log: quiet()})
	require.ErrorContains(t, err, "WRONGPASS")
}
