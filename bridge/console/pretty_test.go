package console

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPayloadsAreLaidOut(t *testing.T) {
	for in, want := range map[string]string{
		`{"b":1,"a":[true]}`:                                       "{\n  \"b\": 1,\n  \"a\": [\n    true\n  ]\n}",
		"POST /x\nA: b\n\n{\"b\":1}":                               "POST /x\nA: b\n\n{\n  \"b\": 1\n}",
		`<a><b x="1">t &amp; u</b><c/><d></d></a>`:                 "<a>\n  <b x=\"1\">t &amp; u</b>\n  <c/>\n  <d></d>\n</a>",
		`<?xml version="1.0"?><s:a xmlns:s="u"><s:b>1</s:b></s:a>`: "<?xml version=\"1.0\"?>\n<s:a xmlns:s=\"u\">\n  <s:b>1</s:b>\n</s:a>",
		`<a>{"not": "json"}`:                                       `<a>{"not": "json"}`,
		`{"cut":`:                                                  `{"cut":`,
		"plain & text":                                             "plain & text",
		"":                                                         "",
		"</a>":                                                     "</a>",
	} {
		require.Equal(t, want, pretty(in), in)
	}
	for _, deep := range []string{strings.Repeat("[", 9000) + strings.Repeat("]", 9000), strings.Repeat("<a>", 9000) + strings.Repeat("</a>", 9000)} {
		require.Less(t, len(pretty(deep)), 1<<20, "not the square of its depth")
	}
	long := "{" + strings.Repeat(" ", maxPretty) + "}"
	require.Equal(t, long, pretty(long))
}

func FuzzPretty(f *testing.F) {
	for _, s := range []string{`{"a":1}`, "<a><b/></a>", "POST /\n\n<a>", "<!-- x --><a>y</a>", "<a></b>"} {
		f.Add(s)
	}
	squeeze := strings.NewReplacer(" ", "", "\n", "", "\t", "", "\r", "")
	f.Fuzz(func(t *testing.T, s string) {
		require.Equal(t, squeeze.Replace(s), squeeze.Replace(pretty(s)), "nothing but white space may change")
	})
}
