package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// A Sender makes one try at telling a message.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// A SenderFunc is a function that sends.
type SenderFunc func(ctx context.Context, m Message) error

// Send calls f.
func (f SenderFunc) Send(ctx context.Context, m Message) error { return f(ctx, m) }

// NewSender returns the sender of a config, and what closes it.
func NewSender(c *Config, o outbound.Options) (Sender, func(), error) {
	if c.Webhook == nil {
		return NewCommand(c.Command), func() {}, nil
	}
	return NewWebhook(c.Webhook, o)
}

// NewWebhook posts Standard Webhooks. Every status of 200 to 299 means that it was taken.
func NewWebhook(w *Webhook, o outbound.Options) (Sender, func(), error) {
	c := w.Config
	c.Auth.StandardWebhooks = &outbound.StandardWebhooks{Secret: w.Secret}
	client, err := outbound.New("notify", c, o)
	if err != nil {
		return nil, nil, err
	}
	return SenderFunc(func(ctx context.Context, m Message) error {
		body, err := json.Marshal(m)
		if err != nil {
			return fmt.Errorf("notify: %w", err)
		}
		a, err := client.Do(ctx, outbound.Request{Method: http.MethodPost, URL: w.URL, ID: m.ID, Body: body,
			Header: http.Header{"Content-Type": {"application/json"}}})
		if err != nil {
			return fmt.Errorf("notify: %w", err)
		}
		if a.Status < 200 || a.Status > 299 {
			return fmt.Errorf("notify: the webhook was answered with status %d", a.Status)
		}
		return nil
	}), client.Close, nil
}

// Bounds of a command.
const (
	commandTime   = 30 * time.Second
	commandOutput = 4 << 10
)

// NewCommand runs a program, without a shell. The message comes as JSON on its standard input; kind,
// phase, subject and text also come as PERGABRIDGE_KIND and so on. Exit code 0 means that it was
// told.
func NewCommand(command []string) Sender {
	return SenderFunc(func(ctx context.Context, m Message) error {
		if len(command) == 0 {
			return errors.New("notify: no command")
		}
		body, err := json.Marshal(m)
		if err != nil {
			return fmt.Errorf("notify: %w", err)
		}
		ctx, cancel := context.WithTimeout(ctx, commandTime)
		defer cancel()
		c := exec.CommandContext(ctx, command[0], command[1:]...)
		c.Stdin = bytes.NewReader(body)
		c.WaitDelay = time.Second
		c.Env = append(os.Environ(), "PERGABRIDGE_MESSAGE="+m.ID, "PERGABRIDGE_KIND="+string(m.Data.Kind), "PERGABRIDGE_PHASE="+string(m.Data.Phase),
			"PERGABRIDGE_SUBJECT="+m.Data.Subject, "PERGABRIDGE_TEXT="+m.Data.Text)
		out := &bounded{}
		c.Stdout, c.Stderr = out, out
		if err := c.Run(); err != nil {
			return fmt.Errorf("notify: %s: %w: %s", command[0], err, secret.Mask(strings.TrimSpace(out.String())))
		}
		return nil
	})
}

// bounded keeps the beginning of an output.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if room := commandOutput - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
