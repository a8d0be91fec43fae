package redisstore

import (
	"net/url"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Config is the section `store` of a bridge whose ledger is a Redis. See the package documentation
// for the forms of the URL.
type Config struct {
	URL              string          `yaml:"url" required:"true" doc:"sqlite:PATH, redis://HOST:PORT/DB, rediss:// (TLS), redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DB or rediss+sentinel://; a user name may be part of it, a password not"`
	Namespace        string          `yaml:"namespace" required:"true" doc:"Redis: name of this bridge there; its replicas share it, other bridges have their own"`
	Username         string          `yaml:"username" doc:"Redis: ACL user"`
	Password         *config.Secret  `yaml:"password" doc:"Redis: password"`
	SentinelUsername string          `yaml:"sentinel_username" doc:"Redis: ACL user of the Sentinels"`
	SentinelPassword *config.Secret  `yaml:"sentinel_password" doc:"Redis: password of the Sentinels"`
	CAFile           config.Path     `yaml:"ca_file" doc:"Redis: PEM file of the authorities trusted for rediss://, instead of the system's"`
	Durability       string          `yaml:"durability" enum:"always|relaxed|asserted" default:"always" doc:"Redis: always refuses a server that may lose what it was told; relaxed takes it and warns; asserted takes your word where the server does not show its settings"`
	Wait             int             `yaml:"wait" doc:"Redis: how many replicas of Redis must have a write before it is answered"`
	WaitTimeout      config.Duration `yaml:"wait_timeout" default:"500ms" doc:"Redis: how long they may take; then the caller is answered 503, and its repeat is a duplicate"`
	State            config.Path     `yaml:"state" doc:"Redis: file in which this process remembers which ledger it worked with, so that it notices at its next start that Redis was wiped or restored; default data/redis-NAMESPACE.json beside the config"`
	Timeout          config.Duration `yaml:"timeout" default:"5s" doc:"Redis: the longest time one call may take, repeats included"`
}

// maxWait bounds the replicas that are waited for.
const maxWait = 16

// ValidateConfig checks what the tags cannot say.
func (c *Config) ValidateConfig(n *config.Node) {
	at := n.Key("url")
	if !at.Exists() || c.URL == "" {
		return
	}
	one, _ := oneHost(c.URL)
	if u, err := url.Parse(one); err == nil {
		if _, ok := u.User.Password(); ok || u.Query().Has("sentinel_password") {
			at.Problemf("write password: {env: REDIS_PASSWORD} beside it (for Sentinels: sentinel_password)", "a password must not be written into this file")
			return
		}
	}
	a, err := parse(c.URL, string(c.CAFile))
	if err != nil {
		at.Problemf("", "%s", strings.TrimPrefix(err.Error(), "redis: "))
		return
	}
	if c.Namespace != "" && !namespace.MatchString(c.Namespace) {
		n.Key("namespace").Problemf("for example support", "%q is not made of at most 64 letters, digits, dots, dashes and underscores", c.Namespace)
	}
	if c.State == "" {
		c.State = config.Path(n.Abs("data/redis-" + c.Namespace + ".json"))
	}
	if c.Username != "" && a.user != "" {
		n.Key("username").Problemf("", "the url names a user already")
	}
	if c.CAFile != "" && a.tls == nil {
		n.Key("ca_file").Problemf("use rediss:// or rediss+sentinel://", "has no meaning without TLS")
	}
	if a.master == "" && (c.SentinelPassword != nil || c.SentinelUsername != "") {
		n.Key("url").Problemf("use redis+sentinel://", "names no Sentinels, and there are credentials for them")
	}
	if c.Wait < 0 || c.Wait > maxWait {
		n.Key("wait").Problemf("", "must be between 0 and %d", maxWait)
	}
	if c.WaitTimeout <= 0 || c.Timeout <= 0 || c.Wait > 0 && 2*c.WaitTimeout > c.Timeout {
		n.Key("wait_timeout").Problemf("for example wait_timeout: 500ms and timeout: 5s", "must be positive and at most half of timeout")
	}
}

// Options returns what [Open] needs beside the URL.
func (c *Config) Options() Options {
	o := Options{
		Namespace: c.Namespace, Username: c.Username, SentinelUsername: c.SentinelUsername, CAFile: string(c.CAFile), State: string(c.State),
		Durability: Durability(c.Durability), Wait: c.Wait, WaitTimeout: c.WaitTimeout.Std(), Timeout: c.Timeout.Std(),
	}
	if c.Password != nil {
		o.Password = c.Password.Text
	}
	if c.SentinelPassword != nil {
		o.SentinelPassword = c.SentinelPassword.Text
	}
	return o
}

// Masked returns a URL without what nobody should see.
func Masked(raw string) string {
	one, hosts := oneHost(raw)
	u, err := url.Parse(one)
	if err != nil {
		return secret.Shown
	}
	u.Host = strings.Join(hosts, ",")
	q := u.Query()
	if q.Has("sentinel_password") {
		q.Set("sentinel_password", "xxxxx")
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}
