package console

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// A User is a person the config lets in.
type User struct {
	Name string
	Role Role
	Hash PasswordHash
}

// A PasswordHash is a password as the config holds it: bcrypt ($2a$, $2b$, $2y$) or Argon2id in
// the PHC form ($argon2id$v=19$m=…,t=…,p=…$salt$hash). It never prints.
type PasswordHash struct {
	bcrypt []byte
	argon  *argonHash
}

type argonHash struct {
	time, memory uint32
	threads      uint8
	salt, key    []byte
}

// Bounds of what one comparison may cost, so that a hash pasted from elsewhere cannot stop the
// bridge: a sign-in takes well under a second.
const (
	maxBcryptCost  = 15
	maxArgonMemory = 256 << 10 // KiB
	maxArgonTime   = 16
	maxArgonLanes  = 16
	maxPassword    = 512 // bytes
)

// ParsePasswordHash reads a hash. Its error never repeats what was written.
func ParsePasswordHash(s string) (PasswordHash, error) {
	switch {
	case strings.HasPrefix(s, "$2a$"), strings.HasPrefix(s, "$2b$"), strings.HasPrefix(s, "$2y$"):
		cost, err := bcrypt.Cost([]byte(s))
		if err != nil || len(s) != 60 {
			return PasswordHash{}, errors.New("this bcrypt hash is not complete")
		}
		if cost > maxBcryptCost {
			return PasswordHash{}, fmt.Errorf("bcrypt cost %d is too slow for a sign-in; use 12, at most %d", cost, maxBcryptCost)
		}
		return PasswordHash{bcrypt: []byte(s)}, nil
	case strings.HasPrefix(s, "$argon2id$"):
		return parseArgon(s)
	}
	return PasswordHash{}, errors.New("neither bcrypt ($2b$…) nor Argon2id ($argon2id$…)")
}

func parseArgon(s string) (PasswordHash, error) {
	bad := errors.New("this Argon2id hash is not complete; it is written $argon2id$v=19$m=65536,t=3,p=4$SALT$HASH")
	parts := strings.Split(s, "$") // "", argon2id, v, parameters, salt, key
	if len(parts) != 6 || parts[2] != "v=19" {
		return PasswordHash{}, bad
	}
	a := &argonHash{}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &a.memory, &a.time, &a.threads); n != 3 || err != nil {
		return PasswordHash{}, bad
	}
	if a.time < 1 || a.threads < 1 || a.memory < 8*uint32(a.threads) || a.memory > maxArgonMemory || a.time > maxArgonTime || a.threads > maxArgonLanes {
		return PasswordHash{}, fmt.Errorf("the Argon2id parameters are out of bounds: at most m=%d, t=%d, p=%d", maxArgonMemory, maxArgonTime, maxArgonLanes)
	}
	var errSalt, errKey error
	a.salt, errSalt = base64.RawStdEncoding.DecodeString(parts[4])
	a.key, errKey = base64.RawStdEncoding.DecodeString(parts[5])
	if errSalt != nil || errKey != nil || len(a.salt) < 8 || len(a.salt) > 64 || len(a.key) < 16 || len(a.key) > 64 {
		return PasswordHash{}, bad
	}
	return PasswordHash{argon: a}, nil
}

// Matches reports whether password is the one. It takes as long as the hash says.
func (h PasswordHash) Matches(password string) bool {
	if len(password) > maxPassword {
		return false
	}
	switch {
	case h.argon != nil:
		a := h.argon
		got := argon2.IDKey([]byte(password), a.salt, a.time, a.memory, a.threads, uint32(len(a.key)))
		return subtle.ConstantTimeCompare(got, a.key) == 1
	case h.bcrypt != nil:
		return bcrypt.CompareHashAndPassword(h.bcrypt, []byte(password)) == nil
	}
	return false
}

// String says nothing.
func (h PasswordHash) String() string { return "[hash]" }

// GoString says nothing.
func (h PasswordHash) GoString() string { return "[hash]" }
