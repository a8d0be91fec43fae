package message

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Bounds of one message.
const (
	MaxParts   = 300 // in the mail and all messages inside it together
	MaxDepth   = 12
	MaxInside  = 3       // levels of messages inside messages that are read; deeper ones are files
	MaxText    = 1 << 20 // bytes of text kept
	MaxHeaders = 1000
)

// A Message is one mail as a program can use it.
type Message struct {
	Header  Header
	From    Address
	ReplyTo Address
	To, Cc  []Address
	Subject string
	Date    time.Time // zero if there is none
	// ID is the Message-ID without brackets; InReplyTo and References likewise, in order.
	ID         string
	InReplyTo  []string
	References []string

	// Text is the whole text, HTML turned into text; FromHTML says that it was.
	Text     string
	FromHTML bool
	// Forwarded are messages inside this one.
	Forwarded   []*Message
	Attachments []Attachment
	Calendar    []Calendar
	// Report is set on a delivery report (bounce), standard or not.
	Report *Report
	// Encrypted is set when the content can be read by its recipient's key only.
	Encrypted bool

	// Reader names the reader that understood the mail; Defects what was wrong with it.
	Reader  string
	Defects []string
}

// An Address is somebody in a header.
type Address struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
}

// String returns the name, or the address where there is none.
func (a Address) String() string {
	if a.Name != "" {
		return a.Name
	}
	return a.Email
}

// Domain returns the part behind the @ in small letters.
func (a Address) Domain() string {
	_, d, _ := strings.Cut(strings.ToLower(a.Email), "@")
	return d
}

// An Attachment is a part that is not text of the message.
type Attachment struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
	Inline bool   `json:"inline,omitempty"`
	// Data are its bytes. They share memory with the message.
	Data []byte `json:"-"`
}

// Calendar is an invitation or its answer.
type Calendar struct {
	Method  string `json:"method,omitempty"`
	Summary string `json:"summary,omitempty"`
	Start   string `json:"start,omitempty"`
}

// ErrUnreadable means that neither reader could make a message of the bytes.
var ErrUnreadable = errors.New("message: unreadable")

// Parse reads a raw mail. The error wraps [ErrUnreadable].
func Parse(raw []byte) (*Message, error) {
	return parse(raw, 0, &budget{bytes: max(1<<20, len(raw))})
}

// A budget is what one mail may take in memory, with all messages inside it: each level of those is a copy
// of what the level above has copied, and one level may hold many. A large file inside a message inside a
// message is copied twice, and no more.
type budget struct {
	parts int // read so far
	bytes int // left for messages inside
}

func parse(raw []byte, depth int, b *budget) (m *Message, err error) {
	raw = clean(raw)
	before := b.parts
	root, strict := readStrict(raw, depth, &b.parts)
	reader := "go-message"
	if strict != nil {
		var lenient error
		b.parts = before
		if root, lenient = readLenient(raw, depth, &b.parts); lenient != nil {
			return nil, fmt.Errorf("%w: %v; %v", ErrUnreadable, strict, lenient)
		}
		reader = "enmime"
	}
	if !root.header.plausible() {
		return nil, fmt.Errorf("%w: it has no header of a mail", ErrUnreadable)
	}
	m = &Message{Reader: reader}
	if strict != nil {
		m.defect("not well-formed: " + strict.Error())
	}
	m.readHeader(root.header)
	m.readBody(root, depth, b)
	return m, nil
}

func (m *Message) defect(what string) {
	if len(m.Defects) >= 20 {
		return
	}
	if len(what) > 300 {
		what = what[:300]
	}
	m.Defects = append(m.Defects, strings.ToValidUTF8(what, "?"))
}
