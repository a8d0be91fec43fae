package binding

import (
	"crypto/sha1" // #nosec: what the service wants, not what we would choose
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"slices"
	"strings"

	"golang.org/x/text/encoding/unicode"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// Hash is a hash over other arguments, the way SSP protects services of its own.
type Hash struct {
	Algorithm string         `yaml:"algorithm" required:"true" enum:"sha1|sha256|sha512" doc:"hash function"`
	Over      []string       `yaml:"over" required:"true" doc:"names of the arguments, in their order; the word secret stands for the secret"`
	Separator string         `yaml:"separator" doc:"what stands between them"`
	Secret    *config.Secret `yaml:"secret" doc:"a secret that goes into the hash and nowhere else"`
	Encoding  string         `yaml:"encoding" enum:"hex|base64" default:"hex" doc:"form of the hash"`
	Case      string         `yaml:"case" enum:"upper|lower" default:"upper" doc:"letters of the hex form"`
	Charset   string         `yaml:"charset" enum:"utf-8|utf-16le" default:"utf-8" doc:"how the texts become bytes"`
}

// secretWord stands for the secret in Over.
const secretWord = "secret"

// ValidateConfig checks that the secret has a place.
func (h *Hash) ValidateConfig(n *config.Node) {
	named := slices.Contains(h.Over, secretWord)
	switch {
	case h.Secret != nil && !named && len(h.Over) > 0:
		n.Key("over").Problemf("over: [secret, …]", "does not say where the secret stands")
	case h.Encoding == "base64" && n.Key("case").Exists():
		n.Key("case").Problemf("", "base64 has no case to choose")
	}
}

// of returns the hash of the values.
func (h *Hash) of(value func(path string) string) string {
	var words []string
	for _, name := range h.Over {
		if name == secretWord && h.Secret != nil {
			words = append(words, h.Secret.Reveal())
			continue
		}
		words = append(words, value(name))
	}
	data := []byte(strings.Join(words, h.Separator))
	if h.Charset == "utf-16le" {
		// Encoding legal UTF-8 cannot fail.
		data, _ = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().Bytes(data)
	}
	var sum hash.Hash
	switch h.Algorithm {
	case "sha1":
		sum = sha1.New()
	case "sha512":
		sum = sha512.New()
	default:
		sum = sha256.New()
	}
	sum.Write(data)
	b := sum.Sum(nil)
	switch {
	case h.Encoding == "base64":
		return base64.StdEncoding.EncodeToString(b)
	case h.Case == "lower":
		return hex.EncodeToString(b)
	}
	return strings.ToUpper(hex.EncodeToString(b))
}
