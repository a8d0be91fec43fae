package mailauth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// tokens is what is kept.
type tokens struct {
	Refresh string `json:"refresh"`
	// Access holds the access tokens by the scopes they were asked with.
	Access map[string]access `json:"access,omitempty"`
}

type access struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires,omitzero"` // zero: not known, so it is not shared
}

// A safe keeps the tokens that come of one refresh token in the vault, sealed. Mailbox and mail server
// often share one: so it is known by the secrets, not by who uses it.
type safe struct {
	vault outbound.Vault
	name  string
	aead  cipher.AEAD
}

// newSafe makes the safe of a configured refresh token.
func newSafe(v outbound.Vault, o *OAuth2) (*safe, error) {
	secrets := []byte(o.RefreshToken.Reveal() + "\x00" + o.ClientSecret.Reveal() + "\x00" + o.ClientID + "\x00" + o.TokenURL)
	derive := func(what string, n int) ([]byte, error) {
		return hkdf.Key(sha256.New, secrets, nil, "pergabridge kept token: "+what, n)
	}
	key, err := derive("key", 32)
	if err != nil {
		return nil, fmt.Errorf("key of the kept token: %w", err)
	}
	name, err := derive("name", 16)
	if err != nil {
		return nil, fmt.Errorf("name of the kept token: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("key of the kept token: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("key of the kept token: %w", err)
	}
	return &safe{v, hex.EncodeToString(name), aead}, nil
}

func (s *safe) lock(ctx context.Context) (func(), error) {
	unlock, err := s.vault.Lock(ctx, s.name)
	if err != nil {
		return nil, fmt.Errorf("wait for the other replica that gets a token: %w", err)
	}
	return unlock, nil
}

// load returns what is kept; nil if there is nothing that can be read.
func (s *safe) load(ctx context.Context) (*tokens, error) {
	sealed, err := s.vault.Load(ctx, s.name)
	if err != nil {
		return nil, fmt.Errorf("read the kept token: %w", err)
	}
	return s.unseal(sealed), nil
}

func (s *safe) unseal(sealed []byte) *tokens {
	plain, err := s.aead.Open(nil, nil, sealed, []byte(s.name))
	if err != nil {
		return nil
	}
	var t tokens
	if json.Unmarshal(plain, &t) != nil || t.Refresh == "" {
		return nil
	}
	secret.Register(t.Refresh)
	for _, a := range t.Access {
		secret.Register(a.Token)
	}
	return &t
}

func (s *safe) seal(t tokens) ([]byte, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	return s.aead.Seal(nil, nil, plain, []byte(s.name)), nil
}

func (s *safe) save(ctx context.Context, t tokens) error {
	sealed, err := s.seal(t)
	if err != nil {
		return fmt.Errorf("keep the token: %w", err)
	}
	if err := s.vault.Save(ctx, s.name, sealed); err != nil {
		return fmt.Errorf("keep the token: %w", err)
	}
	return nil
}
