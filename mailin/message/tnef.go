package message

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// TNEF is what Outlook makes of a mail that goes to another Outlook: one file, winmail.dat, with
// everything in it (MS-OXTNEF). Only the files inside are of interest here; the text of the mail
// stands beside it as usual.
//
//	signature u32, key u16, then attributes: level u8, tag u32, length u32, data, checksum u16
//
// Numbers are little-endian. An attachment begins with its rendering data; its title, contents and
// MAPI properties (where the long name is) follow.

const (
	tnefSignature  = 0x223e9f78
	tnefRendering  = 0x00069002 // begins an attachment
	tnefTitle      = 0x00018010 // short name
	tnefData       = 0x0006800f
	tnefProperties = 0x00069005

	propLongName = 0x3707
	propMime     = 0x370e

	maxProperties = 500
)

// tnefFiles returns the files inside a winmail.dat; ok is false when it is none, or damaged. What was
// read until then is returned all the same.
func tnefFiles(b []byte) (list []*part, ok bool) {
	r := little{b: b}
	if r.u32() != tnefSignature {
		return nil, false
	}
	r.u16()
	var now *part
	for len(r.b) > 0 && !r.short {
		r.take(1)
		tag := r.u32()
		data := r.take(int(r.u32()))
		r.u16()
		if r.short {
			break
		}
		switch {
		case tag == tnefRendering:
			if len(list) >= MaxParts {
				return list, false
			}
			now = &part{media: "application/octet-stream", disposition: "attachment"}
			list = append(list, now)
		case now == nil: // of the message
		case tag == tnefTitle:
			now.name = first(now.name, fileName(zeroEnded(data)))
		case tag == tnefData:
			now.body = data
		case tag == tnefProperties:
			now.properties(data)
		}
	}
	return list, !r.short
}

// properties takes name and type out of MAPI properties, as far as they can be understood.
func (p *part) properties(b []byte) {
	r := little{b: b}
	for n := min(int(r.u32()), maxProperties); n > 0 && !r.short; n-- {
		kind, id := r.u16(), r.u16()
		if id >= 0x8000 { // named: a GUID, then a number or a text
			r.take(16)
			if r.u32() == 0 {
				r.take(4)
			} else {
				r.padded(int(r.u32()))
			}
		}
		value := r.value(kind)
		if r.short {
			return
		}
		switch text := propertyText(kind, value); {
		case text == "":
		case id == propLongName:
			p.name = fileName(text)
		case id == propMime:
			p.media, _ = mediaType(text, p.media)
		}
	}
}

func propertyText(kind uint16, b []byte) string {
	switch kind {
	case 0x1e:
		return zeroEnded(b)
	case 0x1f:
		var u []uint16
		for ; len(b) >= 2; b = b[2:] {
			c := binary.LittleEndian.Uint16(b)
			if c == 0 {
				break
			}
			u = append(u, c)
		}
		return string(utf16.Decode(u))
	}
	return ""
}

func zeroEnded(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return strings.TrimSpace(toUTF8("", b))
}

// little reads little-endian values; short is set once there were too few bytes.
type little struct {
	b     []byte
	short bool
}

func (r *little) take(n int) []byte {
	if r.short || n < 0 || n > len(r.b) {
		r.short = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

// padded is take of a value that ends at a multiple of four.
func (r *little) padded(n int) []byte {
	out := r.take(n)
	if pad := -n & 3; pad > 0 {
		r.take(min(pad, len(r.b))) // the last value may lack it
	}
	return out
}

func (r *little) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *little) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// value reads one value of a MAPI type; of several values it returns the first. A type that nobody
// knows has no length that anybody knows.
func (r *little) value(kind uint16) []byte {
	size, count, counted := 0, 1, false
	switch kind &^ 0x1000 {
	case 0x02, 0x03, 0x04, 0x0a, 0x0b:
		size = 4
	case 0x05, 0x06, 0x07, 0x14, 0x40:
		size = 8
	case 0x48:
		size = 16
	case 0x0d, 0x1e, 0x1f, 0x102:
		counted = true
	default:
		r.short = true
		return nil
	}
	if counted || kind&0x1000 != 0 {
		count = int(r.u32())
	}
	if count < 0 || count > maxProperties {
		r.short = true
	}
	var out []byte
	for i := 0; i < count && !r.short; i++ {
		n := size
		if counted {
			n = int(r.u32())
		}
		if v := r.padded(n); i == 0 {
			out = v
		}
	}
	return out
}
