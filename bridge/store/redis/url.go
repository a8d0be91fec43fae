package redisstore

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Timeouts of the connections. A call is repeated at most twice, under the same call id.
const (
	dialTimeout = time.Second
	ioTimeout   = 2 * time.Second
	retries     = 2
	poolSize    = 16
)

// target is what a URL says.
type address struct {
	addrs            []string
	master           string // of Sentinel, else empty
	user, pass       string
	sentinelUser     string
	sentinelPassword string
	db               int
	tls              *tls.Config
}

// parse reads a URL; see the package documentation for its forms.
func parse(raw string, caFile string) (address, error) {
	var a address
	one, hosts := oneHost(raw)
	u, err := url.Parse(one)
	if err != nil {
		return a, errors.New("redis: the URL cannot be read (special characters of a password must be percent-encoded)") // err shows the URL, and with it the password
	}
	if pass, ok := u.User.Password(); ok {
		a.pass = pass
		secret.Register(pass)
	}
	a.user = u.User.Username()
	path := strings.Split(strings.Trim(u.Path, "/"), "/")
	port, withTLS := "6379", false
	switch u.Scheme {
	case "redis":
	case "rediss":
		withTLS = true
	case "redis+sentinel", "rediss+sentinel":
		withTLS, port = strings.HasPrefix(u.Scheme, "rediss"), "26379"
		if a.master, path = path[0], path[1:]; a.master == "" {
			return a, errors.New("redis: redis+sentinel://HOST:PORT,…/MASTER[/DB]: the name of the master is missing")
		}
	default:
		return a, fmt.Errorf("redis: scheme %q: use redis, rediss, redis+sentinel or rediss+sentinel (Redis Cluster is not supported yet)", u.Scheme)
	}
	if len(path) > 1 {
		return a, errors.New("redis: the path of the URL has too many parts")
	}
	if len(path) == 1 && path[0] != "" {
		if a.db, err = strconv.Atoi(path[0]); err != nil || a.db < 0 {
			return a, fmt.Errorf("redis: %q is not the number of a database", path[0])
		}
	}
	for _, host := range hosts {
		if host == "" {
			return a, errors.New("redis: the URL names no host")
		}
		if !strings.Contains(host, ":") || strings.HasSuffix(host, "]") {
			host += ":" + port
		}
		a.addrs = append(a.addrs, host)
	}
	if a.master == "" && len(a.addrs) > 1 {
		return a, errors.New("redis: several hosts need redis+sentinel:// (Redis Cluster is not supported yet)")
	}
	for name, values := range u.Query() {
		switch name {
		case "sentinel_user":
			a.sentinelUser = values[0]
		case "sentinel_password":
			a.sentinelPassword = values[0]
			secret.Register(values[0])
		default:
			return a, fmt.Errorf("redis: unknown parameter %q in the URL", name)
		}
	}
	if withTLS {
		if a.tls, err = tlsConfig(caFile); err != nil {
			return a, err
		}
	}
	return a, nil
}

// oneHost takes the list of hosts out of a URL and leaves one in its place: net/url reads only one.
func oneHost(raw string) (one string, hosts []string) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return raw, []string{""}
	}
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	user := authority[:strings.LastIndexByte(authority, '@')+1]
	hosts = strings.Split(authority[len(user):], ",")
	return scheme + "://" + user + hosts[0] + path, hosts
}

func tlsConfig(caFile string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("redis: read the CA file: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("redis: CA file %s holds no certificate", caFile)
	}
	return c, nil
}

// dial makes the client; it does not connect yet.
func dial(raw string, o Options) (*redis.Client, error) {
	a, err := parse(raw, o.CAFile)
	if err != nil {
		return nil, err
	}
	a.user, a.pass = cmp.Or(o.Username, a.user), cmp.Or(o.Password.Reveal(), a.pass)
	a.sentinelUser, a.sentinelPassword = cmp.Or(o.SentinelUsername, a.sentinelUser), cmp.Or(o.SentinelPassword.Reveal(), a.sentinelPassword)
	off := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if a.master != "" {
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: a.master, SentinelAddrs: a.addrs, SentinelUsername: a.sentinelUser, SentinelPassword: a.sentinelPassword,
			Username: a.user, Password: a.pass, DB: a.db, TLSConfig: a.tls, Protocol: 2, DisableIdentity: true,
			DialTimeout: dialTimeout, ReadTimeout: ioTimeout, WriteTimeout: ioTimeout, PoolTimeout: ioTimeout, ContextTimeoutEnabled: true,
			MaxRetries: retries, MinRetryBackoff: 10 * time.Millisecond, MaxRetryBackoff: 100 * time.Millisecond, DialerRetries: 1, PoolSize: poolSize,
		}), nil
	}
	return redis.NewClient(&redis.Options{
		Addr: a.addrs[0], Username: a.user, Password: a.pass, DB: a.db, TLSConfig: a.tls, Protocol: 2, DisableIdentity: true, MaintNotificationsConfig: off,
		DialTimeout: dialTimeout, ReadTimeout: ioTimeout, WriteTimeout: ioTimeout, PoolTimeout: ioTimeout, ContextTimeoutEnabled: true,
		MaxRetries: retries, MinRetryBackoff: 10 * time.Millisecond, MaxRetryBackoff: 100 * time.Millisecond, DialerRetries: 1, PoolSize: poolSize,
	}), nil
}
