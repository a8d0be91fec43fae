package redisstore

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUnpackReadsWhatCmsgpackWrites(t *testing.T) {
	long := strings.Repeat("x", 300)
	for in, want := range map[string][]any{
		"\x90":                                     {},
		"\x97\x00\x7f\xff\xc2\xc3\xc0\xa2ab":       {int64(0), int64(127), int64(-1), false, true, nil, "ab"},
		"\x92\xcc\xff\xcd\x01\x00":                 {int64(255), int64(256)},
		"\x91\xcf\x00\x06\x4c\x1d\x00\x00\x00\x00": {int64(0x00064c1d00000000)},
		"\x92\xd0\x80\xd1\xff\x00":                 {int64(-128), int64(-256)},
		"\x91\xcb\x40\x04\x00\x00\x00\x00\x00\x00": {int64(2)},
		"\x91\xda\x01\x2c" + long:                  {long},
		"\xdc\x00\x01\xd9\x01a":                    {"a"},
		"\x92\x80\x91\xa1r":                        {[]any{}, []any{"r"}},
	} {
		got, err := unpack(in)
		require.NoError(t, err, "%q", in)
		require.Equal(t, want, got, "%q", in)
	}
	for _, in := range []string{"", "\x91", "\x01", "\x91\xa5ab", "\xdd\xff\xff\xff\xff", "\x90x", "\x91\xc1", "\x91\x91\x91\x91\x91\x91\x90"} {
		_, err := unpack(in)
		require.Error(t, err, "%q", in)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add("\x97\x00\x7f\xff\xc2\xc3\xc0\xa2ab")
	f.Add("\xdc\x00\x01\xd9\x01a")
	f.Add("\xdd\xff\xff\xff\xff")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := unpack(s); err == nil && len(a) > len(s) {
			t.Fatalf("%d values of %d bytes", len(a), len(s))
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"redis://u:p@h:1/2", "rediss://[::1]", "redis+sentinel://a:1,b/m/0?sentinel_user=x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := parse(s, ""); err == nil && len(a.addrs) == 0 {
			t.Fatalf("%q has no address", s)
		}
	})
}

func TestParse(t *testing.T) {
	a, err := parse("redis+sentinel://u:p@a:1,b/m/3?sentinel_user=x&sentinel_password=y", "")
	require.NoError(t, err)
	require.Equal(t, address{addrs: []string{"a:1", "b:26379"}, master: "m", user: "u", pass: "p", sentinelUser: "x", sentinelPassword: "y", db: 3}, a)
	a, err = parse("rediss://[::1]/", "")
	require.NoError(t, err)
	require.Equal(t, []string{"[::1]:6379"}, a.addrs)
	require.NotNil(t, a.tls)
}
