package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
)

var ctx = context.Background()

func startServer(t testing.TB, settings ...string) *redistest.Server {
	t.Helper()
	return redistest.Start(t, settings...)
}

func startProxy(t testing.TB, target string) *redistest.Proxy {
	t.Helper()
	return redistest.StartProxy(t, target)
}

func startSentinels(t testing.TB, down time.Duration) *redistest.Sentinels {
	t.Helper()
	return redistest.StartSentinels(t, redistest.SentinelOptions{Down: down})
}
