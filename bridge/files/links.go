package files

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// Errors of [Links.Open].
var (
	ErrForged  = errors.New("files: the link is not one of ours")
	ErrExpired = errors.New("files: the link has ended")
)

// Links signs and reads the links of files. It is safe for concurrent use; a nil one makes none.
type Links struct {
	base string
	keys [][]byte
	life time.Duration
	max  int64
}

// NewLinks makes the links of a config; nil when they are not switched on. public is the address
// under which the public listener is reached.
func NewLinks(c Config, public string) *Links {
	if c.Links == nil {
		return nil
	}
	l := &Links{base: strings.TrimRight(public, "/") + Path, life: c.Links.For.Std(), max: c.Max.Bytes()}
	for _, s := range c.Links.Secret.Texts() {
		l.keys = append(l.keys, []byte(s.Reveal()))
	}
	return l
}

// Path is where the public listener gives files; a token follows.
const Path = "/files/"

// head begins every token: what a text hash recognises it by ([bridge.TextHash]).
const head = bridge.LinkMark

const (
	macLen   = 16
	maxToken = 400
)

var code = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func mac(key, payload []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("pergabridge file link\x00"))
	h.Write(payload)
	return h.Sum(nil)[:macLen]
}

// Until is when the links of an event end: its life runs from when the event was received, so that
// every try says the same.
func (l *Links) Until(e *bridge.Event) time.Time {
	return e.Received.Add(l.life).Truncate(time.Second)
}

// URL returns the link of file number n of e.
func (l *Links) URL(e *bridge.Event, n int) string {
	payload := binary.BigEndian.AppendUint64(nil, uint64(l.Until(e).Unix()))
	payload = binary.BigEndian.AppendUint16(payload, uint16(n))
	payload = append(payload, e.ID...)
	return l.base + head + code.EncodeToString(append(mac(l.keys[0], payload), payload...))
}

// Open reads a token: the event and the number of the file it stands for. The error is [ErrForged]
// or [ErrExpired].
func (l *Links) Open(token string, now time.Time) (event string, n int, err error) {
	rest, ok := strings.CutPrefix(token, head)
	if l == nil || !ok || len(token) > maxToken {
		return "", 0, ErrForged
	}
	b, err := code.DecodeString(rest)
	if err != nil || len(b) <= macLen+10 || code.EncodeToString(b) != rest {
		return "", 0, ErrForged
	}
	given, payload := b[:macLen], b[macLen:]
	good := false
	for _, key := range l.keys {
		good = hmac.Equal(mac(key, payload), given) || good
	}
	if !good {
		return "", 0, ErrForged
	}
	if until := time.Unix(int64(binary.BigEndian.Uint64(payload)), 0); now.After(until) {
		return "", 0, ErrExpired
	}
	return string(payload[10:]), int(binary.BigEndian.Uint16(payload[8:])), nil
}

// Text puts the links into the text of an event for SSP, behind the names of the files. A text that
// does not end with their list (attachments: none) stays as it is.
func (l *Links) Text(e *bridge.Event) string {
	if l == nil || e.Dir != bridge.In {
		return e.Text
	}
	list := bridge.FilesOf(e)
	plain := List(list)
	before, ok := strings.CutSuffix(e.Text, plain)
	if plain == "" || !ok {
		return e.Text
	}
	until := " (until " + l.Until(e).UTC().Format(time.DateOnly) + ")"
	return before + lines(list, func(f *bridge.File) string {
		if int64(f.Size) > l.max {
			return ""
		}
		return " " + l.URL(e, f.N) + until
	})
}

// Linked reports whether files of an event in this state may be fetched by a link: it was delivered,
// or may have been. What a person or a rule has put aside is private.
func Linked(e *bridge.Event) bool {
	if e.Dir != bridge.In {
		return false
	}
	switch e.State {
	case bridge.StateDone, bridge.StateLeased, bridge.StateQueued, bridge.StateParked:
		return true
	}
	return false
}
