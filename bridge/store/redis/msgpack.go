package redisstore

import (
	"encoding/binary"
	"errors"
	"math"
)

var errPacked = errors.New("not what cmsgpack writes")

// unpack reads one array as Lua's cmsgpack writes it: texts, numbers, booleans, and arrays of such.
// Numbers come back as int64 (fractions are cut off).
func unpack(s string) ([]any, error) {
	p := packed{s}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	a, ok := v.([]any)
	if !ok || p.rest != "" {
		return nil, errPacked
	}
	return a, nil
}

type packed struct{ rest string }

func (p *packed) take(n int) (string, error) {
	if n < 0 || n > len(p.rest) {
		return "", errPacked
	}
	s := p.rest[:n]
	p.rest = p.rest[n:]
	return s, nil
}

// uint reads n bytes, big-endian.
func (p *packed) uint(n int) (uint64, error) {
	s, err := p.take(n)
	if err != nil {
		return 0, err
	}
	var b [8]byte
	copy(b[8-n:], s)
	return binary.BigEndian.Uint64(b[:]), nil
}

func (p *packed) text(n uint64, err error) (any, error) {
	if err != nil || n > uint64(len(p.rest)) {
		return nil, errPacked
	}
	return p.take(int(n)) //nolint:gosec // bounded by the line above
}

func (p *packed) array(n uint64, err error, depth int) (any, error) {
	if err != nil || depth > 4 || n > uint64(len(p.rest)) {
		return nil, errPacked
	}
	out := make([]any, n)
	for i := range out {
		if out[i], err = p.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p *packed) value(depth int) (any, error) {
	head, err := p.take(1)
	if err != nil {
		return nil, err
	}
	switch c := head[0]; {
	case c <= 0x7f:
		return int64(c), nil
	case c == 0x80: // cmsgpack's empty table may be a map
		return []any{}, nil
	case c >= 0x90 && c <= 0x9f:
		return p.array(uint64(c&0x0f), nil, depth)
	case c >= 0xa0 && c <= 0xbf:
		return p.text(uint64(c&0x1f), nil)
	case c == 0xc0:
		return nil, nil //nolint:nilnil // nil is the value
	case c == 0xc2, c == 0xc3:
		return c == 0xc3, nil
	case c == 0xca:
		n, err := p.uint(4)
		return int64(math.Float32frombits(uint32(n))), err //nolint:gosec // 4 bytes
	case c == 0xcb:
		n, err := p.uint(8)
		return int64(math.Float64frombits(n)), err
	case c >= 0xcc && c <= 0xcf:
		n, err := p.uint(1 << (c - 0xcc))
		return int64(n), err //nolint:gosec // Lua's numbers have 53 bits
	case c >= 0xd0 && c <= 0xd3:
		size := 1 << (c - 0xd0)
		n, err := p.uint(size)
		shift := 64 - 8*size
		return int64(n<<shift) >> shift, err //nolint:gosec // sign extension
	case c >= 0xd9 && c <= 0xdb:
		n, err := p.uint(1 << (c - 0xd9))
		return p.text(n, err)
	case c == 0xdc, c == 0xdd:
		n, err := p.uint(2 << (c - 0xdc))
		return p.array(n, err, depth)
	case c >= 0xe0:
		return int64(int8(c)), nil //nolint:gosec // a small negative number
	}
	return nil, errPacked
}
