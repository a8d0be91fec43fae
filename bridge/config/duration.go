package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time: "500ms", "10s", "15m", "72h", "90d", "2w", and sums of them, largest
// first ("1h30m"). It is never negative. A day has 24 hours.
type Duration time.Duration

const durationHint = "write a number with its unit: 500ms, 10s, 15m, 72h, 90d"

var durationUnits = []struct {
	name string
	unit time.Duration
}{{"ms", time.Millisecond}, {"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

const durationPattern = `^(?:0|(?:[0-9]+(?:\.[0-9]+)?(?:ms|[wdhms]))+)$`

// Std returns d as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes d as it would stand in a config: the largest units first.
func (d Duration) String() string {
	if d == 0 {
		return "0s"
	}
	const day = 24 * time.Hour
	std := time.Duration(d)
	if std > 0 && std%day == 0 {
		return strconv.FormatInt(int64(std/day), 10) + "d"
	}
	s := std.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText writes d as [Duration.String] does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalConfig reads d.
func (d *Duration) UnmarshalConfig(n *Node) {
	if !n.want(Scalar, "a duration (10s)") {
		return
	}
	got, err := ParseDuration(n.text)
	if err != nil {
		n.Problemf(durationHint, "must be a duration, not %s", n.show())
		return
	}
	*d = got
}

// ConfigSchema describes a duration.
func (Duration) ConfigSchema() map[string]any {
	return map[string]any{
		"anyOf":    []any{map[string]any{"type": "string", "pattern": durationPattern}, map[string]any{"const": 0}},
		"examples": []any{"10s", "15m", "72h", "90d"},
	}
}

// ParseDuration reads a duration as it stands in a config.
func ParseDuration(s string) (Duration, error) {
	bad := fmt.Errorf("config: %s is not a duration: %s", quote(s), durationHint)
	if s == "0" {
		return 0, nil
	}
	if s == "" || len(s) > 40 {
		return 0, bad
	}
	var sum float64
	for rest := s; rest != ""; {
		end := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if end <= 0 || rest[0] == '.' || rest[end-1] == '.' {
			return 0, bad
		}
		x, err := strconv.ParseFloat(rest[:end], 64)
		if err != nil {
			return 0, bad
		}
		rest = rest[end:]
		unit := time.Duration(0)
		for _, u := range durationUnits {
			if strings.HasPrefix(rest, u.name) {
				unit, rest = u.unit, rest[len(u.name):]
				break
			}
		}
		if unit == 0 {
			return 0, bad
		}
		sum += x * float64(unit)
	}
	if sum >= 1<<63 {
		return 0, bad
	}
	return Duration(sum), nil
}
