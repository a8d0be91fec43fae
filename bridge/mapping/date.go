package mapping

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones work on machines without a zone database, too
)

// inputLayouts are the forms in which systems write times, most exact first.
var inputLayouts = []string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999-0700", // Jira
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999 -0700",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04",
	"2006-01-02 15:04",
	"2006-01-02",
	"02.01.2006 15:04:05",
	"02.01.2006 15:04",
	"02.01.2006",
	time.RFC1123Z,
	time.RFC1123,
}

// unixMillisFrom is the number from which on a time counts as milliseconds (year 5138 in seconds,
// 1973 in milliseconds).
const unixMillisFrom = 100_000_000_000

// ParseDate reads a time: RFC 3339 and its usual variants, dd.MM.yyyy, RFC 1123, or Unix seconds
// or milliseconds. A time without a zone is taken to be in zone.
func ParseDate(v any, zone *time.Location) (time.Time, error) {
	switch x := v.(type) {
	case time.Time:
		return x, nil
	case int:
		return unixTime(int64(x)), nil
	case int64:
		return unixTime(x), nil
	case float64:
		if x != x || x > 1e15 || x < -1e15 {
			return time.Time{}, fmt.Errorf("%v is not a time", x)
		}
		return unixTime(int64(x)), nil
	case string:
		s := strings.TrimSpace(x)
		for _, l := range inputLayouts {
			if t, err := time.ParseInLocation(l, s, zone); err == nil {
				return t, nil
			}
		}
		if n, err := strconv.ParseInt(s, 10, 64); err == nil && len(s) >= 9 {
			return unixTime(n), nil
		}
		return time.Time{}, fmt.Errorf("%q is not a time", Truncate(s, 60))
	default:
		return time.Time{}, fmt.Errorf("a %T is not a time", v)
	}
}

func unixTime(n int64) time.Time {
	if n >= unixMillisFrom || n <= -unixMillisFrom {
		return time.UnixMilli(n).UTC()
	}
	return time.Unix(n, 0).UTC()
}

// FormatDate writes a time in another format: iso (RFC 3339), date (yyyy-MM-dd), unix, unixms, or
// a pattern of yyyy yy MM M dd d HH H hh mm ss fff (or SSS) zzz, where text in '…' is literal. An
// absent value gives "".
func FormatDate(v any, format, zone string) (string, error) {
	if s, ok := v.(string); v == nil || ok && strings.TrimSpace(s) == "" {
		return "", nil
	}
	loc := time.UTC
	if zone != "" {
		var err error
		if loc, err = time.LoadLocation(zone); err != nil {
			return "", fmt.Errorf("date: there is no zone %q", zone)
		}
	}
	t, err := ParseDate(v, loc)
	if err != nil {
		return "", fmt.Errorf("date: %w", err)
	}
	if zone != "" {
		t = t.In(loc)
	}
	switch format {
	case "iso":
		return t.Format(time.RFC3339), nil
	case "date":
		return t.Format("2006-01-02"), nil
	case "unix":
		return strconv.FormatInt(t.Unix(), 10), nil
	case "unixms":
		return strconv.FormatInt(t.UnixMilli(), 10), nil
	default:
		return byPattern(t, format)
	}
}

// patterns maps pattern runs to Go layouts.
var patterns = map[string]string{
	"yyyy": "2006", "yy": "06", "MMMM": "January", "MMM": "Jan", "MM": "01", "M": "1", "dddd": "Monday", "ddd": "Mon",
	"dd": "02", "d": "2", "HH": "15", "hh": "03", "h": "3", "mm": "04", "m": "4", "ss": "05", "s": "5", "tt": "PM",
	"zzz": "-07:00", "XXX": "Z07:00", "K": "Z07:00",
}

func byPattern(t time.Time, format string) (string, error) {
	if format == "" {
		return "", errors.New("date: the format is empty")
	}
	var b strings.Builder
	for i := 0; i < len(format); {
		c := format[i]
		if c == '\'' {
			end := strings.IndexByte(format[i+1:], '\'')
			if end < 0 {
				return "", fmt.Errorf("date: ' without its end in the format %q", format)
			}
			b.WriteString(format[i+1 : i+1+end])
			i += end + 2
			continue
		}
		j := i
		for j < len(format) && format[j] == c {
			j++
		}
		run := format[i:j]
		switch layout, ok := patterns[run]; {
		case ok:
			b.WriteString(t.Format(layout))
		case run == "H":
			b.WriteString(strconv.Itoa(t.Hour()))
		case run == "f", run == "ff", run == "fff", run == "SSS":
			b.WriteString(fmt.Sprintf("%03d", t.Nanosecond()/1e6)[:len(run)])
		case (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') && c != 'T' && c != 'Z':
			return "", fmt.Errorf("date: %q in the format %q is unknown; literal text stands in '…'", run, format)
		default:
			b.WriteString(run)
		}
		i = j
	}
	return b.String(), nil
}
