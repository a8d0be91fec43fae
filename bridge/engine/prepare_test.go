package engine

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

func prepared(t *testing.T, ev bridge.Event) bridge.Event {
	t.Helper()
	e := build(t, newFakeStore(), Options{CaseSensitive: map[string]bool{"acme": true}}, nil, nil)
	got, err := e.prepare([]bridge.Event{ev})
	require.NoError(t, err)
	require.Len(t, got, 1)
	return got[0]
}

func TestPrepareCompletes(t *testing.T) {
	ev := out(" 4711 ", bridge.Submit)
	ev.Reference, ev.Key = " INC-Ab\u0065\u0301 ", " k "
	got := prepared(t, ev)
	require.NotEmpty(t, got.ID)
	require.WithinDuration(t, time.Now(), got.Received, time.Minute)
	require.Equal(t, "4711", got.Task)
	require.Equal(t, "k", got.Key)
	require.Equal(t, "INC-Ab\u00e9", got.RefKey, "this provider's references keep their case")
	require.Equal(t, bridge.DefaultWindow, got.Window)
	require.Empty(t, got.Quarantine)
	require.Empty(t, ev.ID, "the caller's event is not changed")
}

func TestPrepareKeepsWhatIsThere(t *testing.T) {
	ev := in("1", bridge.Update)
	ev.ID, ev.RefKey, ev.Reference = "mine", "given", "Other"
	ev.Received = time.Unix(1, 0)
	got := prepared(t, ev)
	require.Equal(t, "mine", got.ID)
	require.Equal(t, "given", got.RefKey)
	require.Equal(t, time.Unix(1, 0), got.Received)
}

func TestPrepareQuarantinesWhatNobodyCanApply(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*bridge.Event)
		reason bridge.Reason
		says   string
	}{
		"no task":                     {func(e *bridge.Event) { e.Task = " " }, bridge.MissingField, "task id"},
		"nothing to go by":            {func(e *bridge.Event) { e.Dir, e.Kind, e.Task = bridge.In, bridge.Update, "" }, bridge.MissingField, "neither"},
		"kind of the other direction": {func(e *bridge.Event) { e.Kind = bridge.Resolve }, bridge.UnknownType, "resolve"},
		"no kind":                     {func(e *bridge.Event) { e.Kind = "" }, bridge.UnknownType, "kind"},
		"endless key":                 {func(e *bridge.Event) { e.Key = strings.Repeat("k", MaxID+1) }, bridge.TooLarge, "key has 513 bytes"},
		"endless text":                {func(e *bridge.Event) { e.Text = strings.Repeat("é", MaxText/2+1) }, bridge.TooLarge, "text has"},
		"endless title":               {func(e *bridge.Event) { e.Title = strings.Repeat("t", MaxLine+1) }, bridge.TooLarge, "title"},
		"endless fields":              {func(e *bridge.Event) { e.Fields = map[string]any{"x": strings.Repeat("f", MaxFields)} }, bridge.TooLarge, "fields"},
		"fields that are no data":     {func(e *bridge.Event) { e.Fields = map[string]any{"x": func() {}} }, bridge.TooLarge, "cannot be stored"},
	} {
		t.Run(name, func(t *testing.T) {
			ev := out("4711", bridge.Update)
			c.change(&ev)
			got := prepared(t, ev)
			require.Equal(t, c.reason, got.Quarantine)
			require.Contains(t, got.Detail, c.says)
			require.LessOrEqual(t, len(got.Key), MaxID)
			require.LessOrEqual(t, len(got.Text), MaxText)
			require.True(t, utf8.ValidString(got.Text))
			n, err := fieldsSize(got.Fields)
			require.NoError(t, err)
			require.LessOrEqual(t, n, MaxFields)
		})
	}
}

func TestPrepareKeepsTheReasonOfTheSource(t *testing.T) {
	ev := bridge.Event{Provider: "acme", Entrance: bridge.ByProcessCall, Quarantine: bridge.Unreplaced, Detail: "task is #REPLACE-TASK#"}
	got := prepared(t, ev)
	require.Equal(t, bridge.Unreplaced, got.Quarantine)
	require.Equal(t, "task is #REPLACE-TASK#", got.Detail)
	require.Equal(t, bridge.Out, got.Dir)
	ev.Entrance = bridge.ByWebhook
	require.Equal(t, bridge.In, prepared(t, ev).Dir)
}

func TestPrepareRefusesWhatNoSourceMayMake(t *testing.T) {
	e := build(t, newFakeStore(), Options{}, nil, nil)
	for _, ev := range []bridge.Event{
		{Provider: "nobody", Dir: bridge.In, Kind: bridge.Update},
		{Provider: bridge.SSP, Dir: bridge.In, Kind: bridge.Update},
		{Provider: "acme", Dir: "sideways", Kind: bridge.Update},
	} {
		_, err := e.Accept(t.Context(), []bridge.Event{out("1", bridge.Submit), ev})
		require.ErrorContains(t, err, "event 2 of 2")
	}
	require.Empty(t, e.o.Store.(*fakeStore).events, "nothing is accepted of a batch with such an event")
}

func TestInputIsMasked(t *testing.T) {
	secret.Register("s3cret-of-the-engine")
	original := &bridge.Inbound{
		Body:   []byte(`{"password":"s3cret-of-the-engine"}`),
		Header: map[string]string{"X-A": "s3cret-of-the-engine", "X-B": "plain"},
		Query:  map[string]string{"q": "plain"},
	}
	e := build(t, newFakeStore(), Options{}, nil, nil)
	a, b := in("1", bridge.Update), in("1", bridge.Resolve)
	a.Inbound, b.Inbound = original, original
	a.Text = "the text s3cret-of-the-engine is the sender's own"
	got, err := e.prepare([]bridge.Event{a, b})
	require.NoError(t, err)
	seen, err := json.Marshal(got[0].Inbound)
	require.NoError(t, err)
	require.NotContains(t, string(seen), "s3cret-of-the-engine")
	require.Equal(t, `{"password":"`+secret.Shown+`"}`, string(got[0].Inbound.Body))
	require.Equal(t, "plain", got[0].Inbound.Header["X-B"])
	require.Same(t, got[0].Inbound, got[1].Inbound, "one input stays one")
	require.Contains(t, string(original.Body), "s3cret", "the caller's input is not changed")
	require.Equal(t, "the text "+secret.Shown+" is the sender's own", got[0].Text, "no secret is stored, whoever wrote it")
}

func TestASecretAtACutIsMasked(t *testing.T) {
	secret.Register("s3cret-at-the-cut")
	ev := in("1", bridge.Update)
	ev.Text = strings.Repeat("x", MaxText-6) + "s3cret-at-the-cut"
	ev.Ticket = "s3cret-at-the-cut"
	got := prepared(t, ev)
	require.NotContains(t, got.Text, "s3cret")
	require.Equal(t, secret.Shown, got.Ticket)
}

func FuzzCut(f *testing.F) {
	f.Add("aé漢", 2)
	f.Add("", 0)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = max(n, 0)
		got := cut(s, n)
		require.LessOrEqual(t, len(got), max(n, 0))
		require.True(t, strings.HasPrefix(s, got))
		if utf8.ValidString(s) {
			require.True(t, utf8.ValidString(got))
		}
	})
}

func TestSecretsInTextsAreMasked(t *testing.T) {
	secret.Register("s3cr3t-token-77")
	ev := bridge.Event{Text: "called with s3cr3t-token-77", Title: "s3cr3t-token-77", Fields: map[string]any{"a": []any{map[string]any{"b": "x s3cr3t-token-77"}}, "n": 7.0}}
	mask(&ev)
	require.NotContains(t, fmt.Sprint(ev), "s3cr3t-token-77")
	require.Equal(t, 7.0, ev.Fields["n"])
}
