package redisstore_test

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	redisstore "github.com/pergabridge/pergabridge/bridge/store/redis"
	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
)

func configured(t *testing.T, text string) (redisstore.Config, config.Problems) {
	t.Helper()
	n, err := config.Parse("store.yaml", []byte(text))
	require.NoError(t, err)
	var c redisstore.Config
	config.Decode(n, &c)
	return c, n.Problems()
}

func TestTheSectionSaysWhatIsWrongWithIt(t *testing.T) {
	t.Setenv("REDIS_PASSWORD", "a-password")
	for _, c := range []struct{ text, path, says string }{
		{"{url: 'redis://a'}", "namespace", "required"},
		{"{url: 'redis://a', namespace: 'a b'}", "namespace", "letters"},
		{"{url: 'redis://u:geheim@a', namespace: n}", "url", "password must not"},
		{"{url: 'redis+sentinel://a/m?sentinel_password=geheim', namespace: n}", "url", "password must not"},
		{"{url: 'redis://a,b', namespace: n}", "url", "Cluster is not supported yet"},
		{"{url: 'redis-cluster://a', namespace: n}", "url", "Cluster is not supported yet"},
		{"{url: 'redis+sentinel://a', namespace: n}", "url", "name of the master"},
		{"{url: 'redis://a', namespace: n, ca_file: ca.pem}", "ca_file", "without TLS"},
		{"{url: 'rediss://a', namespace: n, ca_file: ca.pem}", "url", "CA file"},
		{"{url: 'redis://u@a', namespace: n, username: v}", "username", "a user already"},
		{"{url: 'redis://a', namespace: n, sentinel_password: {env: REDIS_PASSWORD}}", "url", "no Sentinels"},
		{"{url: 'redis://a', namespace: n, wait: -1}", "wait", "between 0"},
		{"{url: 'redis://a', namespace: n, wait: 1, wait_timeout: 4s}", "wait_timeout", "half of timeout"},
		{"{url: 'redis://a', namespace: n, durability: never}", "durability", "one of"},
	} {
		_, p := configured(t, c.text)
		require.Len(t, p, 1, c.text)
		require.Equal(t, c.path, p[0].Path, c.text)
		require.Contains(t, p[0].Error(), c.says, c.text)
		require.NotContains(t, p.Error(), "geheim")
	}
}

func TestTheSectionBecomesOptions(t *testing.T) {
	t.Setenv("REDIS_PASSWORD", "a-password")
	c, p := configured(t, "{url: 'redis+sentinel://u@a,b/m/2', namespace: n, password: {env: REDIS_PASSWORD}, sentinel_username: s, sentinel_password: {env: REDIS_PASSWORD}, "+
		"durability: asserted, wait: 2, wait_timeout: 1s, timeout: 3s}")
	require.Empty(t, p)
	o := c.Options()
	require.Equal(t, redisstore.DurabilityAsserted, o.Durability)
	require.Equal(t, "a-password", o.Password.Reveal())
	require.Equal(t, "a-password", o.SentinelPassword.Reveal())
	require.Equal(t, []any{"n", "s", 2, time.Second, 3 * time.Second}, []any{o.Namespace, o.SentinelUsername, o.Wait, o.WaitTimeout, o.Timeout})
	c, p = configured(t, "{url: 'redis://a', namespace: n}")
	require.Empty(t, p)
	require.Equal(t, redisstore.DurabilityAlways, c.Options().Durability)
}

func TestNobodySeesThePasswordOfAURL(t *testing.T) {
	for _, raw := range []string{"redis://u:geheim@a:1/0", "redis+sentinel://u:geheim@a,b/m?sentinel_password=geheim", "redis://u:geheim\x7f@a", "u:geheim"} {
		require.NotContains(t, strings.TrimPrefix(redisstore.Masked(raw), "u:geheim"), "geheim", raw)
	}
	require.Equal(t, "redis+sentinel://u:xxxxx@a,b/m", redisstore.Masked("redis+sentinel://u:geheim@a,b/m"))
}

func TestThePasswordMayStandBesideTheURL(t *testing.T) {
	t.Setenv("REDIS_PASSWORD", "s3:cret/")
	srv := startServer(t, "--user", "default", "off", "--user", "bridge", "on", ">s3:cret/", "~{pb:*", "&{pb:*", "-@all",
		"+@read", "+@write", "+@scripting", "+@pubsub", "+@connection", "+@transaction", "+wait", "+config|get", "+time")
	c, p := configured(t, "{url: '"+srv.URL()+"', namespace: n, state: '"+filepath.Join(t.TempDir(), "state.json")+"', username: bridge, password: {env: REDIS_PASSWORD}}")
	require.Empty(t, p)
	warnings, err := redisstore.Check(ctx, c.URL, c.Options())
	require.NoError(t, err)
	require.Empty(t, warnings)
	open(t, c.URL, c.Options())
}

func TestTheDoctorSaysWhatAnOperatorShouldKnow(t *testing.T) {
	srv := startServer(t)
	o := redisstore.Options{Namespace: space(), Wait: 1, WaitTimeout: 10 * time.Millisecond, Now: func() time.Time { return time.Now().Add(-5 * time.Second) }}
	warnings, err := redisstore.Check(ctx, srv.URL(), o)
	require.NoError(t, err)
	require.Len(t, warnings, 2)
	require.Contains(t, warnings[0], "only 0 of 1 replicas")
	require.Contains(t, warnings[1], "clock of this machine differs from that of Redis by 5")
	keys, err := srv.Client(t).DBSize(ctx).Result()
	require.NoError(t, err)
	require.Zero(t, keys, "a check changes nothing")

	var log bytes.Buffer
	o.Wait, o.Log = 0, slog.New(slog.NewTextHandler(&log, nil))
	s := open(t, srv.URL(), o)
	require.Contains(t, log.String(), "clock of this machine")
	_, shown := s.Conditions()
	require.ErrorContains(t, shown["store_server"](ctx), "clock of this machine")
	require.NoError(t, srv.Client(t).ConfigSet(ctx, "appendfsync", "no").Err())
	require.ErrorContains(t, shown["store_server"](ctx), `appendfsync is "no"`, "it looks again")
}

func TestARedisClusterIsNotSupportedYet(t *testing.T) {
	srv := startServer(t, "--cluster-enabled", "yes")
	_, err := redisstore.Check(ctx, srv.URL(), redisstore.Options{Namespace: space()})
	require.ErrorContains(t, err, "Redis Cluster, which is not supported yet")
	_, err = redisstore.Open(ctx, srv.URL(), redisstore.Options{Namespace: space(), Log: quiet()})
	require.ErrorContains(t, err, "not supported yet")
}

// A bridge that starts while Redis is down says so to every caller, and works when Redis is there.
func TestAPatientStoreWaitsForItsRedis(t *testing.T) {
	port := redistest.FreePort(t)
	s, err := redisstore.Open(ctx, "redis://127.0.0.1:"+strconv.Itoa(port), redisstore.Options{Namespace: space(), Patient: true, Log: quiet()})
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Accept(ctx, []bridge.Event{submit("1")})
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	_, err = s.Counts(ctx)
	require.ErrorIs(t, err, bridge.ErrUnavailable)
	srv := redistest.StartAt(t, port, "--appendfsync", "everysec")
	require.Eventually(t, func() bool {
		_, err := s.Counts(ctx)
		return err != nil && strings.Contains(err.Error(), "everysec")
	}, 20*time.Second, 10*time.Millisecond, "a server that may lose writes is not used")
	require.NoError(t, srv.Client(t).ConfigSet(ctx, "appendfsync", "always").Err())
	require.Eventually(t, func() bool {
		_, err := s.Accept(ctx, []bridge.Event{submit("1")})
		return err == nil
	}, 20*time.Second, 10*time.Millisecond, "once it is as it has to be, work begins")
	require.NotEmpty(t, s.Epoch())
}

func TestAPatientStoreDoesNotWaitForWhatIsRefused(t *testing.T) {
	_, err := redisstore.Open(ctx, startServer(t, "--requirepass", "x").URL(), redisstore.Options{Namespace: space(), Patient: true, Log: quiet()})
	require.ErrorContains(t, err, "correct username and password")
	_, err = redisstore.Open(ctx, startServer(t, "--appendonly", "no").URL(), redisstore.Options{Namespace: space(), Patient: true, Log: quiet()})
	require.ErrorContains(t, err, "may lose")
}
