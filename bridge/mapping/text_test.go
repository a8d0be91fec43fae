package mapping

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHTMLToText(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                                                           "plain",
		"a &amp; b &lt;c&gt; &eacute; &#28450;":                           "a & b <c> é 漢",
		"<p>one</p><p class=x>two</p>":                                    "one\n\ntwo",
		"one<br>two<br/>three<br />four":                                  "one\ntwo\nthree\nfour",
		"<div>a</div><div>b</div>":                                        "a\nb",
		"<ul><li>x</li><li>y</li></ul>z":                                  "- x\n- y\nz",
		"a <b>bold</b>, <i>it</i>.":                                       "a bold, it.",
		"<b>a</b> <b>b</b>":                                               "a b",
		"x<script>alert('<p>')</script>y":                                 "xy",
		"<style>p{}</style>x":                                             "x",
		`see <a href="https://e.example/x">this</a> now`:                  "see this (https://e.example/x) now",
		`<a href="https://e.example/">https://e.example</a>`:              "https://e.example",
		`<a href="javascript:x()">go</a>`:                                 "go",
		"<pre>a  b\n c</pre>d":                                            "a  b\n c\nd",
		"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>": "a b\nc",
		"a\n  b\t c":                                                      "a b c",
		"a&nbsp;b":                                                        "a b",
		"5 < 6 and 7 > 2":                                                 "5 < 6 and 7 > 2",
		"<h1>T</h1>x<hr>y":                                                "T\n\nx\n---\ny",
		"":                                                                "",
	} {
		require.Equal(t, want, HTMLToText(in), in)
	}
}

func TestTextToHTML(t *testing.T) {
	require.Equal(t, "a &lt;b&gt;<br>\nc", TextToHTML("a <b>\r\nc"))
	require.Equal(t, "a <b>\nc", HTMLToText(TextToHTML("a <b>\nc")))
}

func TestJiraToText(t *testing.T) {
	for in, want := range map[string]string{
		"h1. Title\n* one\n** two\n# three":                      "Title\n- one\n- two\n- three",
		"a *bold* and _it_ with snake_case_name and 2*3*4":       "a bold and it with snake_case_name and 2*3*4",
		"see [the docs|https://e.example/x] [https://e.example]": "see the docs (https://e.example/x) https://e.example",
		"{code:java}x{code} {{mono}} {color:red}r{color}":        "x mono r",
		"hi [~ann] !shot.png|thumbnail!":                         "hi @ann [shot.png]",
		"bq. said":                                               "> said",
		"||a||b||\n|1|2|":                                        "|a|b|\n|1|2|",
	} {
		got, err := JiraToText(in)
		require.NoError(t, err)
		require.Equal(t, want, got, in)
	}
}

func TestJiraDocumentToText(t *testing.T) {
	doc, err := Decode("application/json", []byte(`{"type":"doc","version":1,"content":[
		{"type":"paragraph","content":[{"type":"text","text":"Hello "},{"type":"mention","attrs":{"text":"@ann"}},
			{"type":"hardBreak"},{"type":"text","text":"docs","marks":[{"type":"link","attrs":{"href":"https://e.example/x"}}]}]},
		{"type":"bulletList","content":[
			{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"one"}]}]},
			{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"two"}]}]}]},
		{"type":"paragraph","content":[{"type":"text","text":"end"}]}]}`))
	require.NoError(t, err)
	got, err := JiraToText(doc)
	require.NoError(t, err)
	require.Equal(t, "Hello @ann\ndocs (https://e.example/x)\n- one\n- two\n\nend", got)

	_, err = JiraToText(5)
	require.Error(t, err)
}

func TestTruncateAndAuthor(t *testing.T) {
	require.Equal(t, "äöü", Truncate("äöü", 3))
	require.Equal(t, "ä…", Truncate("äöü", 2))
	require.Equal(t, "", Truncate("x", 0))
	require.Equal(t, "Ann: hi", AuthorPrefix(" Ann ", "hi"))
	require.Equal(t, "hi", AuthorPrefix("", "hi"))
	require.Equal(t, "Ann", AuthorPrefix("Ann", ""))
}

func TestLinks(t *testing.T) {
	s, err := Links([]any{
		map[string]any{"filename": "a\n.png", "url": "https://e.example/a"},
		map[string]any{"name": "b", "content": "javascript:alert(1)"},
		"https://e.example/c", map[string]any{}, 5,
	}, "", "")
	require.NoError(t, err)
	require.Equal(t, "\n- a .png: https://e.example/a\n- b\n- https://e.example/c", s)

	s, err = Links(map[string]any{"n": "x", "u": "http://e.example"}, "n", "u")
	require.NoError(t, err)
	require.Equal(t, "\n- x: http://e.example", s)

	many := make([]any, maxLinks+5)
	for i := range many {
		many[i] = "https://e.example"
	}
	s, err = Links(many, "", "")
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(s, "… and 5 more"))
}

func TestFormatDate(t *testing.T) {
	for _, c := range []struct {
		in                 any
		format, zone, want string
	}{
		{"2026-07-01T10:00:00.5+02:00", "iso", "", "2026-07-01T10:00:00+02:00"},
		{"2026-07-01T10:00:00.000+0200", "iso", "UTC", "2026-07-01T08:00:00Z"},
		{"2026-07-01T08:00:00Z", "dd.MM.yyyy HH:mm", "Europe/Berlin", "01.07.2026 10:00"},
		{"01.07.2026 10:00", "iso", "Europe/Berlin", "2026-07-01T10:00:00+02:00"},
		{"2026-07-01 10:00:00", "unix", "", "1782900000"},
		{1782900000, "yyyy-MM-dd'T'H:mm:ss.fff", "", "2026-07-01T10:00:00.000"},
		{1782900000123, "unixms", "", "1782900000123"},
		{"1782900000", "date", "", "2026-07-01"},
		{time.Date(2026, 7, 1, 9, 5, 0, 0, time.UTC), "H:mm", "", "9:05"},
		{nil, "iso", "", ""}, {" ", "iso", "", ""},
	} {
		got, err := FormatDate(c.in, c.format, c.zone)
		require.NoError(t, err, c)
		require.Equal(t, c.want, got, c)
	}
	for _, c := range [][3]string{{"tomorrow", "iso", ""}, {"2026-07-01", "qq", ""}, {"2026-07-01", "iso", "Mars/Base"}, {"2026-07-01", "", ""}} {
		_, err := FormatDate(c[0], c[1], c[2])
		require.Error(t, err, c)
	}
}

func FuzzHTMLToText(f *testing.F) {
	for _, s := range []string{"<p>a<br>b</p>", "<a href=https://x>y</a>", "</a></pre>", "a < b", "<ul><li>"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		HTMLToText(s)
		_, _ = JiraToText(s)
		_, _ = ParseDate(s, time.UTC)
	})
}
