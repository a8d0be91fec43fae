package mapping

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		ct, body string
		want     any
	}{
		{"application/json", `{"a":1,"b":1.5,"c":12345678901234567890,"d":1e3,"e":[true,null]}`,
			map[string]any{"a": 1, "b": 1.5, "c": "12345678901234567890", "d": 1000.0, "e": []any{true, nil}}},
		{"application/vnd.acme+json; charset=utf-8", `[1]`, []any{1}},
		{"text/plain", "\xef\xbb\xbf {\"a\":\"x\"}", map[string]any{"a": "x"}},
		{"", `<t id="1"><n>A</n><n>B</n><e/></t>`,
			map[string]any{"t": map[string]any{"@id": "1", "n": []any{"A", "B"}, "e": ""}}},
		{"application/soap+xml", `<s:E xmlns:s="urn:x"><s:B a="1">x &amp; y</s:B></s:E>`,
			map[string]any{"E": map[string]any{"B": map[string]any{"@a": "1", "#text": "x & y"}}}},
		{"text/xml", "<?xml version=\"1.0\" encoding=\"windows-1252\"?><a>\xe9</a>", map[string]any{"a": "é"}},
		{"text/xml; charset=iso-8859-1", "<a>\xe9</a>", map[string]any{"a": "é"}},
		{"text/xml", "<a>caf\xe9</a>", map[string]any{"a": "café"}},
		{"text/xml", "\xff\xfe<\x00a\x00>\x00\xe9\x00<\x00/\x00a\x00>\x00", map[string]any{"a": "é"}},
		{"application/json; charset=windows-1252", "{\"a\":\"caf\xe9 \x80\"}", map[string]any{"a": "café €"}},
		{"application/json", "{\"a\":\"caf\xe9\"}", map[string]any{"a": "café"}},
		{"application/json; charset=iso-8859-1", `{"a":"é"}`, map[string]any{"a": "é"}}, // as many servers say of their UTF-8
		{"application/x-www-form-urlencoded", ` {"a":1}`, map[string]any{"a": 1}},
		{"application/x-www-form-urlencoded", "<a>1</a>", map[string]any{"a": "1"}},
		{"application/x-www-form-urlencoded; charset", "a=1", map[string]any{"a": "1"}},
		{"application/x-www-form-urlencoded", "a=caf%E9", map[string]any{"a": "café"}},
		{"application/x-www-form-urlencoded; charset=iso-8859-15", "a=%A4", map[string]any{"a": "€"}},
		{"application/x-www-form-urlencoded", "a=1&b=x+y&b=%C3%A9", map[string]any{"a": "1", "b": []any{"x y", "é"}}},
	} {
		got, err := Decode(c.ct, []byte(c.body))
		require.NoError(t, err, c.body)
		require.Equal(t, c.want, got, c.body)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ ct, body string }{
		{"", ""}, {"", "hello"}, {"application/json", `{"a":1} x`}, {"application/json", `{"a"`}, {"application/json", "<a/>"},
		{"text/xml", "<a>"}, {"text/xml", "<a/><b/>"}, {"text/xml", "<!-- -->"},
		{"text/xml", `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`},
		{"application/x-www-form-urlencoded", "a=%zz"}, {"application/x-www-form-urlencoded", " "},
		{"application/json; charset=klingon", "{\"a\":\"\xe9\"}"},
		{"application/json", strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1)},
		{"text/xml", strings.Repeat("<a>", MaxDepth+1) + strings.Repeat("</a>", MaxDepth+1)},
	} {
		_, err := Decode(c.ct, []byte(c.body))
		require.ErrorIs(t, err, ErrUnreadable, c.body)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("application/json", []byte(`{"a":[1,{"b":"\"["}]}`))
	f.Add("text/xml", []byte(`<a x="1">t<b/></a>`))
	f.Add("application/x-www-form-urlencoded", []byte(`a=1&a=2`))
	f.Fuzz(func(t *testing.T, ct string, b []byte) {
		v, err := Decode(ct, b)
		if err != nil {
			require.ErrorIs(t, err, ErrUnreadable)
		}
		_ = v
	})
}
