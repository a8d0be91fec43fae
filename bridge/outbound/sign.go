package outbound

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// A signer signs bodies as Standard Webhooks v1.
type signer struct {
	webhook *standardwebhooks.Webhook
	now     func() time.Time
}

func newSigner(s StandardWebhooks, now func() time.Time) (*signer, error) {
	w, err := standardwebhooks.NewWebhook(s.Secret.Reveal())
	if err != nil { // its text could repeat the secret
		return nil, errors.New("standard_webhooks: the secret is not base64")
	}
	return &signer{w, now}, nil
}

func (s *signer) apply(_ context.Context, m *message) error {
	id, at := m.id, s.now()
	if id == "" {
		id = uuid.NewString()
	}
	signature, err := s.webhook.Sign(id, at, m.body)
	if err != nil {
		return errors.New("standard_webhooks: the body cannot be signed")
	}
	m.header.Set(standardwebhooks.HeaderWebhookID, id)
	m.header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	m.header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}

func (*signer) renew(context.Context, *message) bool { return false }
