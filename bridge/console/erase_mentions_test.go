package console

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

func TestMentions(t *testing.T) {
	const ann = "Ann@example.com"
	body := func(s string) *bridge.Event { return &bridge.Event{Inbound: &bridge.Inbound{Body: []byte(s)}} }
	for _, text := range []string{"From: Joann <joann@example.com>", "see ann@example.com.au", "mail to hans-ann@example.com", "ann@example.company",
		"ann@example.com-munich.de", "x%2Dann@example.com", "j%6Fann@example.com", `{"a":"tann@example.com"}`, "jo.ann%40example.com", "mann@example.com und \u00e4ann@example.com"} {
		require.False(t, mentions(&bridge.Event{Text: text}, nil, ann, nil), text)
		require.False(t, mentions(body(text), nil, ann, nil), text)
	}
	for _, text := range []string{"ann@example.com", "write to ANN@EXAMPLE.COM.", "<ann@example.com>", "joann@example.com, ann@example.com", "mailto:ann%40example.com?x",
		`{"mail":"ann\u0040example.com"}`, `{"mail":"hello\nann@example.com"}`, `cut: {"mail":"hello\nann\u0040example.com"`, "text=hello+ann%40example.com&x=1", "ann&#64;example.com"} {
		require.True(t, mentions(&bridge.Event{Text: text}, nil, ann, nil), text)
		require.True(t, mentions(body(text), nil, ann, nil), text)
		require.True(t, mentions(&bridge.Event{}, []bridge.Attempt{{Request: text}}, ann, nil), text)
	}
	inner, err := json.Marshal(map[string]string{"payload": `{"mail":"x\nann@example.com"}`})
	require.NoError(t, err)
	require.True(t, mentions(body(string(inner)), nil, ann, nil))
	// Its own mail is read by the reader of mails.
	mail := &bridge.Event{Inbound: &bridge.Inbound{Entrance: bridge.ByMailbox, Body: []byte("raw")}}
	require.True(t, mentions(mail, nil, ann, func(raw []byte) []string { return []string{"read " + string(raw), "ann@example.com"} }))
	require.False(t, mentions(mail, nil, ann, nil))
}

func FuzzMentions(f *testing.F) {
	f.Add("ann@example.com")
	f.Add("%zz\\u00")
	f.Add("\\")
	f.Fuzz(func(t *testing.T, text string) {
		mentions(&bridge.Event{Text: text}, nil, "ann@example.com", nil)
		require.True(t, mentions(&bridge.Event{Text: text + " ann@example.com"}, nil, "ann@example.com", nil))
	})
}
