package redisstore

import (
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
)

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// payload returns what a published message says.
func payload(m any) (string, bool) {
	if msg, ok := m.(*redis.Message); ok {
		return msg.Payload, true
	}
	return "", false
}
