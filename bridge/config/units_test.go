package config

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDurations(t *testing.T) {
	pattern := regexp.MustCompile(durationPattern)
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "500ms": 500 * time.Millisecond, "10s": 10 * time.Second, "1.5h": 90 * time.Minute,
		"1h30m": 90 * time.Minute, "72h": 72 * time.Hour, "90d": 90 * 24 * time.Hour, "2w": 14 * 24 * time.Hour,
		"1d12h": 36 * time.Hour, "1m500ms": time.Minute + 500*time.Millisecond,
	} {
		got, err := ParseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got.Std(), text)
		require.Regexp(t, pattern, text)
		back, err := ParseDuration(got.String())
		require.NoError(t, err, got.String())
		require.Equal(t, got, back, "what is shown can be written back")
	}
	for _, text := range []string{"", " ", "10", "s", "-1s", "+1s", "1 s", "1.s", ".5s", "1..5s", "1e3s", "1us", "1y", "10S", "1h 5m", "١s", "NaNs", "infh"} {
		_, err := ParseDuration(text)
		require.Error(t, err, text)
		require.NotRegexp(t, pattern, text)
	}
	_, err := ParseDuration("300000d")
	require.Error(t, err, "292 years is the most that fits")
}

func TestDurationIsShownAsAPersonWritesIt(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "90d": 90 * 24 * time.Hour, "3h": 3 * time.Hour, "1h30m": 90 * time.Minute, "10m": 10 * time.Minute,
		"10s": 10 * time.Second, "1h0m5s": time.Hour + 5*time.Second, "25h": 25 * time.Hour,
	} {
		require.Equal(t, want, Duration(d).String())
	}
	out, err := json.Marshal(struct {
		D Duration
		S Size
	}{Duration(time.Minute), 1 << 20})
	require.NoError(t, err)
	require.JSONEq(t, `{"D":"1m","S":"1MiB"}`, string(out))
}

func TestSizes(t *testing.T) {
	pattern := regexp.MustCompile(sizePattern)
	for text, want := range map[string]int64{
		"0": 0, "512": 512, "512B": 512, "512 B": 512, "20kB": 20_000, "20KB": 20_000, "1KiB": 1024, "1kiB": 1024,
		"1MiB": 1 << 20, "1.5MiB": 3 << 19, "2 GiB": 2 << 30, "1TB": 1e12, "9223372036854775807": 1<<63 - 1,
	} {
		got, err := ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got.Bytes(), text)
		require.Regexp(t, pattern, text)
		back, err := ParseSize(got.String())
		require.NoError(t, err, got.String())
		require.Equal(t, got, back, "what is shown can be written back")
	}
	for _, text := range []string{"", "B", "MiB", "-1", "1.5", "1.5B", "1..5kB", "1 mb", "1mB", "1M", "1e3", "1  kB", "0x10", "1,000"} {
		_, err := ParseSize(text)
		require.Error(t, err, text)
		require.NotRegexp(t, pattern, text)
	}
	for _, text := range []string{"9223372036854775808", "9000000TiB", "99999999.5TiB"} {
		_, err := ParseSize(text)
		require.Error(t, err, text+" does not fit")
	}
}

func TestSizeFromNumbers(t *testing.T) {
	for text, want := range map[string]Size{"s: 4096": 4096, "s: 0x100000": 1 << 20, "s: 20kB": 20_000} {
		n, err := Parse("c.yaml", []byte(text))
		require.NoError(t, err)
		var c struct {
			S Size `yaml:"s"`
		}
		Decode(n, &c)
		require.NoError(t, n.Problems().Err())
		require.Equal(t, want, c.S)
	}
}
