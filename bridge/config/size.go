package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Size is a number of bytes: "512", "20kB" (20,000), "1MiB" (1,048,576).
type Size int64

const (
	sizeHint    = "write a number of bytes or use a unit: 512, 20kB, 1MiB"
	sizePattern = `^(?:[0-9]+(?: ?B)?|[0-9]+(?:\.[0-9]+)? ?(?:[kK]B|MB|GB|TB|[kK]iB|MiB|GiB|TiB))$`
)

var sizeUnits = []struct {
	name string
	unit int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"kiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1},
}

// Bytes returns s as a plain number.
func (s Size) Bytes() int64 { return int64(s) }

// String writes s with the largest unit that leaves a whole number.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if u.unit > 1 && int64(s) != 0 && int64(s)%u.unit == 0 && u.name != "kiB" {
			return strconv.FormatInt(int64(s)/u.unit, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// MarshalText writes s as [Size.String] does.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalConfig reads s.
func (s *Size) UnmarshalConfig(n *Node) {
	if !n.want(Scalar, "a size (1MiB)") {
		return
	}
	text := n.text
	if i, ok := n.value.(int64); ok { // also 0x100000
		text = strconv.FormatInt(i, 10)
	}
	got, err := ParseSize(text)
	if err != nil {
		n.Problemf(sizeHint, "must be a size, not %s", n.show())
		return
	}
	*s = got
}

// ConfigSchema describes a size.
func (Size) ConfigSchema() map[string]any {
	return map[string]any{
		"anyOf":    []any{map[string]any{"type": "string", "pattern": sizePattern}, map[string]any{"type": "integer", "minimum": 0}},
		"examples": []any{"20kB", "1MiB"},
	}
}

// ParseSize reads a size as it stands in a config.
func ParseSize(text string) (Size, error) {
	bad := fmt.Errorf("config: %s is not a size: %s", quote(text), sizeHint)
	number, unit := text, int64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(text, u.name); ok {
			number, unit = strings.TrimSuffix(rest, " "), u.unit
			break
		}
	}
	if number == "" || len(number) > 20 || strings.Trim(number, "0123456789.") != "" || number[0] == '.' || number[len(number)-1] == '.' {
		return 0, bad
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil {
		if n > (1<<63-1)/unit {
			return 0, bad
		}
		return Size(n * unit), nil
	}
	x, err := strconv.ParseFloat(number, 64)
	if err != nil || unit == 1 || x*float64(unit) >= 1<<63 {
		return 0, bad
	}
	return Size(x * float64(unit)), nil
}
