package outbound

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/secret"
)

func TestExcerpt(t *testing.T) {
	secret.Register("excerpt-secret-value")
	require.Equal(t, "", Excerpt(nil))
	require.Equal(t, "line\n\tline é", Excerpt([]byte("li\x00ne\r\n\tline \x1bé")))
	require.Equal(t, "a \uFFFD b", Excerpt([]byte("a \xff\xfe b")))
	require.Equal(t, "key=[secret]", Excerpt([]byte("key=excerpt-secret-value")))

	long := Excerpt([]byte(strings.Repeat("é", 3000)))
	require.LessOrEqual(t, len(long), excerptMax)
	require.True(t, utf8.ValidString(long))
	require.Contains(t, long, "… (6000 bytes)")

	for pad := excerptMax - 40; pad < excerptMax+5; pad++ { // a secret across the cut
		got := Excerpt([]byte(strings.Repeat("x", pad) + "excerpt-secret-value" + strings.Repeat("y", 100)))
		require.NotContains(t, got, "excerpt")
		require.LessOrEqual(t, len(got), excerptMax)
	}
	for pad := excerptSource - 25; pad < excerptSource+5; pad++ { // across the end of what is looked at
		require.NotContains(t, Excerpt([]byte(strings.Repeat("x", pad)+"excerpt-secret-value")), "excerpt")
	}
}

func FuzzExcerpt(f *testing.F) {
	f.Add([]byte("a\x00b\xff"), 3)
	f.Fuzz(func(t *testing.T, b []byte, times int) {
		if times > 0 && len(b) > 0 {
			b = []byte(strings.Repeat(string(b), min(times, 200_000/len(b)+1)))
		}
		got := Excerpt(b)
		require.LessOrEqual(t, len(got), excerptMax)
		require.True(t, utf8.ValidString(got))
		require.False(t, strings.ContainsAny(got, "\x00\x1b\r"))
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"0", "", 0},
		{"30", "", 30 * time.Second},
		{" 30 ", "", 30 * time.Second},
		{"1.5", "", 1500 * time.Millisecond},
		{"-5", "", 0},
		{"3600", "", time.Hour},
		{"999999", "", time.Hour},
		{"99999999999999999999999999", "", time.Hour},
		{"1e400", "", 0},
		{"NaN", "", 0},
		{"Inf", "", time.Hour},
		{"soon", "", 0},
		{"Sun, 01 Mar 2026 12:00:20 GMT", "", 20 * time.Second},
		{"Sun, 01 Mar 2026 11:00:00 GMT", "", 0},
		{"Mon, 02 Mar 2026 12:00:00 GMT", "", time.Hour},
		{"Sun, 01 Mar 2026 12:10:20 GMT", "Sun, 01 Mar 2026 12:10:00 GMT", 20 * time.Second},
		{"Sun, 01 Mar 2026 12:00:20 GMT", "yesterday", 20 * time.Second},
	} {
		h := http.Header{}
		h.Set("Retry-After", c.value)
		h.Set("Date", c.date)
		require.Equal(t, c.want, RetryAfter(h, now, time.Hour), "%q %q", c.value, c.date)
	}
	require.Zero(t, RetryAfter(nil, now, time.Hour))
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("30", "")
	f.Add("Sun, 01 Mar 2026 12:00:20 GMT", "Sun, 01 Mar 2026 12:00:00 GMT")
	f.Fuzz(func(t *testing.T, value, date string) {
		d := RetryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, time.Unix(1, 0), time.Hour)
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.LessOrEqual(t, d, time.Hour)
	})
}
