package processcall_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
)

// FuzzRead proves of any input: no panic, bounds are kept, what is let in becomes exactly one
// event that either can be used or says why not, and what is stored reads back to the same event.
func FuzzRead(f *testing.F) {
	for _, s := range [][2]string{
		{"application/json", whole},
		{"application/json", `{"task": T-1}`},
		{"application/json", `{"task":"#REPLACE-FORMFIELD-X#","a":[1,[2],{"b":null}]}`},
		{"application/x-www-form-urlencoded", "task=1&request_type=Update&text=%C3%A9"},
		{"text/xml", `<SSPAdapterCall><Field Name="task">1</Field></SSPAdapterCall>`},
		{"text/xml", soap11 + `<soap:Header/><soap:Body><c><task>1</task></c></soap:Body></soap:Envelope>`},
		{"application/soap+xml", soap12 + `<soap:Body><c><task>1</task></c></soap:Body></soap:Envelope>`},
		{"text/xml", `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`},
		{"text/xml; charset=utf-16", wide(`<c><task>1</task></c>`, true, true)},
		{"", "\xef\xbb\xbf{}"},
		{"text/plain; charset=windows-1252", "{\"text\":\"\xe9\"}"},
	} {
		f.Add(s[0], []byte(s[1]))
	}
	r := open(f, "aliases: {x: task}\ntypes: {y: submit}\nlimits: {depth: 8, fields: 50}")
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		rd, err := r.Read(bridge.Inbound{ContentType: contentType, Body: body})
		if err != nil {
			require.ErrorIs(t, err, processcall.ErrFormat)
			return
		}
		e := rd.Event
		require.Equal(t, bridge.Out, e.Dir)
		require.NotNil(t, e.Inbound)
		require.LessOrEqual(t, len(e.Fields), 50)
		if e.Quarantine == "" {
			require.NotEmpty(t, e.Task)
			require.True(t, e.Kind != "" || e.Echo == bridge.EchoByDirection, "a usable event has a kind or is an echo")
		} else {
			require.NotEmpty(t, e.Detail)
			require.True(t, utf8.ValidString(e.Detail) || !utf8.Valid(body))
			require.Empty(t, e.Key)
		}
		again, err := r.Receive(t.Context(), *e.Inbound)
		require.NoError(t, err)
		require.Equal(t, []bridge.Event{e}, again)
	})
}

// FuzzJSON holds the flattening of JSON against the standard library's reading of it.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{whole, `{}`, `{"a":{"b":[1,{"c":true}]}}`, `{"a":1`, `[]`, `{"a":"\ud800"}`, `{"a":1e400}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !utf8.Valid(body) || strings.HasPrefix(string(body), "\xef\xbb\xbf") {
			return // another character set: not JSON's business
		}
		got, err := processcall.Decode("application/json; charset=utf-8", body, 200, 100_000)
		var want map[string]any
		d := json.NewDecoder(strings.NewReader(string(body)))
		d.UseNumber()
		valid := json.Valid(body) && d.Decode(&want) == nil && want != nil
		if !valid {
			require.Error(t, err)
			return
		}
		if err != nil {
			require.Regexp(t, "deeper|longer than|more than", err.Error(), "only bounds may refuse valid JSON")
			return
		}
		require.LessOrEqual(t, leaves(want), len(got.Fields), "no value is lost")
	})
}

func leaves(v any) int {
	n := 0
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for _, x := range v {
			n += leaves(x)
		}
	case []any:
		for _, x := range v {
			n += leaves(x)
		}
	default:
		n = 1
	}
	return n
}
