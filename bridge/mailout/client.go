package mailout

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/outbound/mailauth"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Config says which server takes our mail; sections inline it.
type Config struct {
	SMTP string          `yaml:"smtp" required:"true" doc:"smtps://host[:465], or smtp://host[:587] with STARTTLS"`
	Auth mailauth.Config `yaml:",inline"`
	TLS  outbound.TLS    `yaml:"tls" doc:"private CA and client certificate"`
	// Plain allows a connection without encryption.
	Plain   bool            `yaml:"unencrypted" doc:"true: smtp:// without STARTTLS; for servers on this machine only"`
	Hello   string          `yaml:"hello" doc:"our name in EHLO; default: the name of this machine"`
	Timeout config.Duration `yaml:"timeout" default:"30s" doc:"how long connection and each answer may take"`
}

// ValidateConfig checks what the tags cannot say.
func (c *Config) ValidateConfig(n *config.Node) {
	if c.SMTP == "" {
		return
	}
	if _, _, _, problem := c.address(); problem != "" {
		n.Key("smtp").Problemf("smtps://mail.example.com", "%s", problem)
	}
	if strings.HasPrefix(c.SMTP, "smtps:") && c.Plain {
		n.Key("unencrypted").Problemf("remove it, or write smtp://", "together with smtps://")
	}
}

func (c *Config) address() (host string, port int, implicit bool, problem string) {
	u, err := url.Parse(c.SMTP)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps":
		return "", 0, false, "must be smtps://host or smtp://host"
	case u.User != nil:
		return "", 0, false, "must not hold a user name or password; use username and password"
	case u.Path != "" && u.Path != "/" || u.RawQuery != "":
		return "", 0, false, "must not hold a path"
	}
	port = map[string]int{"smtp": 587, "smtps": 465}[u.Scheme]
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil || port < 1 || port > 65535 {
			return "", 0, false, "has no valid port"
		}
	}
	return u.Hostname(), port, u.Scheme == "smtps", ""
}

// A Client sends mail to one server. It is safe for concurrent use; each mail has its own connection.
type Client struct {
	name   string
	config Config
	tls    *tls.Config
	auth   *mailauth.Source
}

// New makes the client of the destination called name. It connects to nothing.
func New(name string, c Config, o outbound.Options) (*Client, error) {
	if _, _, _, problem := c.address(); problem != "" {
		return nil, fmt.Errorf("%s: smtp %s", name, problem)
	}
	if c.Timeout <= 0 {
		c.Timeout = config.Duration(30 * time.Second)
	}
	if c.Hello == "" {
		if c.Hello, _ = os.Hostname(); c.Hello == "" {
			c.Hello = "localhost"
		}
	}
	secure, err := c.TLS.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("%s: tls: %w", name, err)
	}
	auth, err := mailauth.New(name, c.Auth, o)
	if err != nil {
		return nil, err
	}
	return &Client{name: name, config: c, tls: secure, auth: auth}, nil
}

// Close drops idle connections to the token endpoint.
func (c *Client) Close() { c.auth.Close() }

// Wait is what a server that said "later" is given.
const Wait = time.Minute

// Deliver sends a letter.
func (c *Client) Deliver(ctx context.Context, l Letter) bridge.Outcome {
	m, err := l.message()
	if err != nil {
		return bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.MappingFailed, Detail: secret.Mask(c.name + ": " + err.Error())}
	}
	o := c.send(ctx, m)
	o.Detail = outbound.Excerpt([]byte(o.Detail))
	o.Request = outbound.Excerpt([]byte(l.Show()))
	return o
}

// Check connects, encrypts and signs in as for a mail, and says good-bye. It sends nothing.
func (c *Client) Check(ctx context.Context) (string, error) {
	login, err := c.auth.Login(ctx)
	if err != nil {
		return "", fmt.Errorf("%s: %w", c.name, err)
	}
	var raw net.Conn
	client, err := c.client(login, &raw)
	if err != nil {
		return "", fmt.Errorf("%s: %w", c.name, err)
	}
	defer func() {
		if raw != nil {
			_ = raw.Close()
		}
	}()
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		c.auth.Drop(login)
		return "", fmt.Errorf("%s: %w", c.name, err)
	}
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })() // go-mail does not look at ctx any more
	_ = session.Quit()                                         // whatever comes of good-byes
	if login.Mechanism == "" {
		return "the mail server takes connections; no login is configured", nil
	}
	return "the mail server let us in", nil
}

func (c *Client) send(ctx context.Context, m *mail.Msg) bridge.Outcome {
	if ctx.Err() != nil {
		return bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.Canceled, Detail: c.name + ": stopped before a connection was made"}
	}
	login, err := c.auth.Login(ctx)
	if err != nil {
		return c.notSent(ctx, err, bridge.Unauthorized)
	}
	var raw net.Conn
	client, err := c.client(login, &raw)
	if err != nil {
		return c.notSent(ctx, err, bridge.NotSent)
	}
	defer func() {
		if raw != nil {
			_ = raw.Close()
		}
	}()
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		if said, ok := errors.AsType[*textproto.Error](err); ok && (said.Code == 535 || said.Code == 534 || said.Code == 530) {
			c.auth.Drop(login)
			return c.notSent(ctx, err, bridge.Unauthorized)
		}
		return c.notSent(ctx, err, bridge.NotSent)
	}
	defer context.AfterFunc(ctx, func() { _ = raw.Close() })() // go-mail does not look at ctx any more
	err = client.SendWithSMTPClient(session, m)
	if m.IsDelivered() {
		_ = session.Quit() // the mail is taken, whatever comes of good-byes
		return bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered, Answer: outbound.Excerpt([]byte(m.ServerResponse()))}
	}
	return c.failed(ctx, err)
}

// client makes go-mail's client for one mail; raw becomes its connection.
func (c *Client) client(login mailauth.Login, raw *net.Conn) (*mail.Client, error) {
	host, port, implicit, _ := c.config.address()
	secure := c.tls.Clone()
	if secure.ServerName == "" {
		secure.ServerName = host
	}
	options := []mail.Option{
		mail.WithPort(port), mail.WithTimeout(c.config.Timeout.Std()), mail.WithHELO(c.config.Hello), mail.WithTLSConfig(secure), mail.WithoutNoop(), mail.WithoutRset(),
		mail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			*raw = conn
			if !implicit {
				return conn, nil
			}
			t := tls.Client(conn, secure)
			if err := t.HandshakeContext(ctx); err != nil {
				_ = conn.Close()
				return nil, fmt.Errorf("tls: %w", err)
			}
			return t, nil
		}),
	}
	switch {
	case implicit:
		options = append(options, mail.WithSSL())
	case c.config.Plain:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if login.Mechanism != "" {
		options = append(options, mail.WithSMTPAuthCustom(&saslAuth{login: login, host: host, port: port}))
	}
	return mail.NewClient(host, options...)
}

// notSent is the outcome of a failure before the mail was offered.
func (c *Client) notSent(ctx context.Context, err error, why bridge.Reason) bridge.Outcome {
	o := bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: why, Down: true, Detail: fmt.Sprintf("%s: %v", c.name, err)}
	if ctx.Err() != nil {
		o.Reason, o.Down = bridge.Canceled, false
	}
	if said, ok := errors.AsType[*textproto.Error](err); ok && said.Code/100 == 4 {
		o.Reason, o.After, o.Status = bridge.Throttled, Wait, said.Code
	}
	return o
}

// failed is the outcome of a mail that was offered and not confirmed.
func (c *Client) failed(ctx context.Context, err error) bridge.Outcome {
	e, ok := errors.AsType[*mail.SendError](err)
	if !ok {
		return bridge.Outcome{Kind: bridge.OutcomeUnknown, Reason: bridge.NoAnswer, Detail: fmt.Sprintf("%s: %v", c.name, err)}
	}
	o := bridge.Outcome{Detail: fmt.Sprintf("%s: %v", c.name, err), Status: e.ErrorCode()}
	switch code := e.ErrorCode(); {
	case code/100 == 4:
		o.Kind, o.Reason, o.After, o.Down = bridge.OutcomeRetry, bridge.Throttled, Wait, true
	case code/100 == 5:
		o.Kind, o.Reason = bridge.OutcomeRefused, bridge.RefusedAnswer
		if code == 530 || code == 535 {
			o.Kind, o.Reason, o.Down = bridge.OutcomeRetry, bridge.Unauthorized, true
		}
	case slices.Contains([]mail.SendErrReason{mail.ErrGetSender, mail.ErrGetRcpts, mail.ErrNoUnencoded}, e.Reason):
		o.Kind, o.Reason = bridge.OutcomeRefused, bridge.MappingFailed
	case e.Reason == mail.ErrSMTPDataClose || e.Reason == mail.ErrAmbiguous:
		o.Kind, o.Reason, o.Down = bridge.OutcomeUnknown, bridge.NoAnswer, ctx.Err() == nil
	default: // the final dot was not sent: nobody keeps such a mail
		o.Kind, o.Reason, o.Down = bridge.OutcomeRetry, bridge.NotSent, true
		if ctx.Err() != nil {
			o.Reason, o.Down = bridge.Canceled, false
		}
	}
	return o
}

// saslAuth lets go-mail use our logins.
type saslAuth struct {
	login  mailauth.Login
	host   string
	port   int
	client sasl.Client

	answers []string // of LOGIN
}

// Start begins the login; a server without PLAIN is shown LOGIN.
func (a *saslAuth) Start(server *smtp.ServerInfo) (string, []byte, error) {
	a.client = a.login.Client(a.host, a.port)
	if a.login.Mechanism == mailauth.Plain && !slices.Contains(server.Auth, "PLAIN") && slices.Contains(server.Auth, "LOGIN") {
		a.answers = []string{a.login.Username, a.login.Secret}
		return "LOGIN", nil, nil
	}
	return a.client.Start()
}

// Next answers a challenge.
func (a *saslAuth) Next(challenge []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case len(a.answers) > 0: // whatever words the server uses, it asks in this order
		next := a.answers[0]
		a.answers = a.answers[1:]
		return []byte(next), nil
	}
	return a.client.Next(challenge)
}
