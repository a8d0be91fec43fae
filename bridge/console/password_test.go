package console_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/pergabridge/pergabridge/bridge/console"
)

func argon(password string, memory, time uint32, threads uint8) string {
	salt := []byte("0123456789abcdef")
	key := argon2.IDKey([]byte(password), salt, time, memory, threads, 32)
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", memory, time, threads, base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

func TestPasswordsAreCompared(t *testing.T) {
	t.Parallel()
	raw, err := bcrypt.GenerateFromPassword([]byte("tr0ub4dor é"), bcrypt.MinCost)
	require.NoError(t, err)
	for _, text := range []string{string(raw), strings.Replace(string(raw), "$2a$", "$2y$", 1), argon("tr0ub4dor é", 64, 1, 2)} {
		h, err := console.ParsePasswordHash(text)
		require.NoError(t, err, text)
		require.True(t, h.Matches("tr0ub4dor é"), text)
		for _, wrong := range []string{"", "tr0ub4dor", text, strings.Repeat("x", 10_000)} {
			require.False(t, h.Matches(wrong))
		}
		require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", h, h, h, h), text[len(text)-10:])
	}
	require.False(t, console.PasswordHash{}.Matches(""))
}

func TestHashesThatCannotServeAreRefused(t *testing.T) {
	t.Parallel()
	good := argon("x", 64, 1, 1)
	for text, want := range map[string]string{
		"":                                       "neither bcrypt",
		"hunter2-in-clear":                       "neither bcrypt",
		"$1$old$md5":                             "neither bcrypt",
		"$2b$12$short":                           "not complete",
		"$2b$31$" + strings.Repeat("a", 53):      "too slow",
		strings.Replace(good, "v=19", "v=16", 1): "not complete",
		strings.Replace(good, "m=64", "m=99999999", 1): "out of bounds",
		strings.Replace(good, "t=1", "t=0", 1):         "out of bounds",
		strings.Replace(good, "p=1", "p=99", 1):        "out of bounds",
		good[:len(good)-30]:                            "not complete",
		good + "$more":                                 "not complete",
		"$argon2id$v=19$m=x,t=1,p=1$AAAA$AAAA":         "not complete",
	} {
		_, err := console.ParsePasswordHash(text)
		require.ErrorContains(t, err, want, text)
		if text != "" {
			require.NotContains(t, err.Error(), text)
		}
	}
}

func FuzzPasswordHash(f *testing.F) {
	f.Add(argon("x", 64, 1, 1))
	f.Add("$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234")
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := console.ParsePasswordHash(s); err != nil && len(s) > 45 { // longer than the example in the message
			require.NotContains(t, err.Error(), s)
		}
	})
}
