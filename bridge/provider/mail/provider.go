package mailprovider

import (
	"context"
	"fmt"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/mailout"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

func init() {
	provider.Register(provider.Of("mail", "a provider who has only a mailbox: tagged mail out, and in by a section under mailboxes", New))
}

// Destination sends events as mail. It implements [bridge.Destination] and [bridge.Renderer].
type Destination struct {
	name   string
	config *Config
	marks  *mailmark.Marks
	client *mailout.Client
	now    func() time.Time
	files  *files.Opener
}

// New builds a provider from a config without problems. It connects to nothing.
func New(name string, c *Config, d provider.Deps) (*provider.Provider, error) {
	d = d.WithDefaults()
	if err := d.Marks.Signs(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := c.Tables.Prepare(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	client, err := mailout.New(name, c.Server, d.Outbound)
	if err != nil {
		return nil, err
	}
	return &provider.Provider{
		Name:             name,
		Destination:      &Destination{name: name, config: c, marks: d.Marks, client: client, now: d.Now, files: d.Files},
		WithoutReference: true,
		Close:            client.Close,
		Checker:          checker{client, c.Server.SMTP},
	}, nil
}

// checker tries the mail server out without sending anything.
type checker struct {
	client *mailout.Client
	server string
}

// Check implements [provider.Checker].
func (k checker) Check(ctx context.Context) []provider.CheckResult {
	said, err := k.client.Check(ctx)
	r := provider.CheckResult{What: k.server, OK: err == nil, Detail: said}
	if err != nil {
		r.Detail = secret.Mask(err.Error())
	}
	return []provider.CheckResult{r}
}

// Deliver sends the mail about the event.
func (d *Destination) Deliver(ctx context.Context, l bridge.Lease) bridge.Outcome {
	if d.config.Send.by(l.Event.Kind).Skip {
		return bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Skipped, Detail: fmt.Sprintf("send.%s is skip: the provider is not told", l.Event.Kind)}
	}
	give, name, err := d.open(ctx, &l.Event)
	if err != nil { // the store does not answer; nothing was sent
		return bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.NotSent, Detail: secret.Mask(d.name + ": " + err.Error())}
	}
	letter, err := d.letter(&l, give, name)
	if err != nil {
		return bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.MappingFailed, Detail: secret.Mask(d.name + ": " + err.Error())}
	}
	return d.client.Deliver(ctx, letter)
}

// open returns the files to attach, and those that are only named.
func (d *Destination) open(ctx context.Context, e *bridge.Event) (give, name []bridge.File, err error) {
	if d.config.Attach != nil && !*d.config.Attach {
		return nil, bridge.FilesOf(e), nil
	}
	if d.files == nil {
		return nil, nil, nil
	}
	return d.files.Offer(ctx, e)
}

// Render shows the mail that Deliver would send.
func (d *Destination) Render(l bridge.Lease) (string, error) {
	if d.config.Send.by(l.Event.Kind).Skip {
		return fmt.Sprintf("nothing is sent: send.%s is skip\n", l.Event.Kind), nil
	}
	give, name, err := d.open(context.Background(), &l.Event)
	if err != nil {
		return "", fmt.Errorf("%s: %w", d.name, err)
	}
	letter, err := d.letter(&l, give, name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", d.name, err)
	}
	if _, err := letter.Raw(); err != nil { // what cannot be sent must not look well
		return "", fmt.Errorf("%s: %w", d.name, err)
	}
	return outbound.Excerpt([]byte(letter.Show())), nil
}
