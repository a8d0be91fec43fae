package vendortest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// defaultSecret signs webhooks where no other secret was chosen. It protects nothing but tests.
const defaultSecret = "whsec_cGVyZ2FicmlkZ2UtdmVuZG9ydGVzdC1zZWNyZXQ="

func signingKey(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("vendortest: the secret is not whsec_ and base64")
	}
	return key, nil
}

// Sign returns the signature header of Standard Webhooks v1 for a message.
func Sign(key []byte, id string, at time.Time, body []byte) string {
	m := hmac.New(sha256.New, key)
	fmt.Fprintf(m, "%s.%d.", id, at.Unix())
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// hooks sends webhooks in order, one at a time.
type hooks struct {
	v      *Vendor
	key    []byte
	client *http.Client

	mu      sync.Mutex
	url     string
	queue   []*Change
	changed chan struct{} // closed and replaced whenever url or queue change

	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
}

func newHooks(v *Vendor, key []byte, url string) *hooks {
	h := &hooks{
		v: v, key: key, url: url, changed: make(chan struct{}), done: make(chan struct{}),
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	go h.run()
	return h
}

func (h *hooks) stop() {
	h.cancel()
	<-h.done
}

func (h *hooks) notify() {
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *hooks) target(url string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.url = url; url == "" {
		h.queue = nil
	}
	h.notify()
}

func (h *hooks) push(c *Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.url == "" {
		return
	}
	h.queue = append(h.queue, c)
	h.notify()
}

// head waits for the next webhook; its sending is not over before pop.
func (h *hooks) head() (*Change, string, bool) {
	for {
		h.mu.Lock()
		if len(h.queue) > 0 {
			defer h.mu.Unlock()
			return h.queue[0], h.url, true
		}
		wait := h.changed
		h.mu.Unlock()
		select {
		case <-h.ctx.Done():
			return nil, "", false
		case <-wait:
		}
	}
}

func (h *hooks) pop(c *Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) > 0 && h.queue[0] == c {
		h.queue = h.queue[1:]
	}
	h.notify()
}

func (h *hooks) idle(ctx context.Context) error {
	for {
		h.mu.Lock()
		n, wait := len(h.queue), h.changed
		h.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("vendortest: %d webhooks are not delivered: %w", n, ctx.Err())
		case <-h.ctx.Done():
			return h.ctx.Err()
		case <-wait:
		}
	}
}

func (h *hooks) run() {
	defer close(h.done)
	for {
		c, url, ok := h.head()
		if !ok {
			return
		}
		if err := h.send(c, url); err != nil {
			h.v.log.Info("vendortest: webhook not taken", "change", c.ID, "error", err)
			select {
			case <-h.ctx.Done():
				return
			case <-time.After(h.v.opts.HookRetry):
			}
			continue
		}
		h.pop(c)
	}
}

func (h *hooks) send(c *Change, url string) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(h.ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	at := h.v.now()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Webhook-Id", c.ID)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("Webhook-Signature", Sign(h.key, c.ID, at, body))
	res, err := h.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}
