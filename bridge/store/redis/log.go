package redisstore

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/pergabridge/pergabridge/bridge/secret"
)

// go-redis has one logger for the whole process, and it may be set only before anybody uses it.
func init() { redis.SetLogger(driverLog{}) }

// driver is where the driver's own words go: the log of the store that was opened last.
var driver atomic.Pointer[slog.Logger]

type driverLog struct{}

// Printf implements the logger of go-redis. What it says (a connection failed, a Sentinel did not
// answer) comes with the error of the call as well, so it is for whoever looks closely.
func (driverLog) Printf(ctx context.Context, format string, args ...any) {
	if log := driver.Load(); log != nil && log.Enabled(ctx, slog.LevelDebug) {
		log.Debug("redis driver", "says", secret.Mask(fmt.Sprintf(format, args...)))
	}
}
