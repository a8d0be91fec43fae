package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"log/slog"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/secret"
)

func TestTextNeverShowsItself(t *testing.T) {
	s := secret.New("open sesame 1")
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s)
	j, err := json.Marshal(map[string]any{"s": s})
	require.NoError(t, err)
	for _, got := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s, s), log.String(), string(j)} {
		require.NotContains(t, got, "sesame")
		require.Contains(t, got, secret.Shown)
	}
	require.Equal(t, "open sesame 1", s.Reveal())
	require.False(t, s.Empty())
	require.True(t, secret.Text{}.Empty())
	require.Empty(t, secret.Text{}.String())
}

func TestMaskHidesEveryForm(t *testing.T) {
	for _, value := range []string{`p&ss<"wörd'>/+ 1`, `back\slash and "quote"`, `ends with "`, "plain-token-77"} {
		secret.Register(value)
		var x bytes.Buffer
		require.NoError(t, xml.EscapeText(&x, []byte(value)))
		plain, err := json.Marshal(value)
		require.NoError(t, err)
		var loose bytes.Buffer
		e := json.NewEncoder(&loose)
		e.SetEscapeHTML(false)
		require.NoError(t, e.Encode(value))
		for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value), html.EscapeString(value), x.String(),
			string(plain[1 : len(plain)-1]), loose.String()[1 : loose.Len()-2], base64.StdEncoding.EncodeToString([]byte(value))} {
			require.Equal(t, "a [secret] b", secret.Mask("a "+form+" b"))
			require.Equal(t, "a [secret] b", string(secret.MaskBytes([]byte("a "+form+" b"))))
		}
	}
}

func TestMaskLeavesTheRest(t *testing.T) {
	secret.Register("tiny") // four bytes: masking it would destroy texts
	require.Equal(t, "a tiny thing", secret.Mask("a tiny thing"))
	b := []byte("nothing here")
	require.Equal(t, &b[0], &secret.MaskBytes(b)[0], "the same bytes when nothing is hidden")
	require.Nil(t, secret.MaskBytes(nil))
}

func TestASecretThatHoldsAnotherIsHiddenWhole(t *testing.T) {
	secret.Register("inner-value")
	secret.Register("outer-inner-value-end")
	require.Equal(t, secret.Shown, secret.Mask("outer-inner-value-end"))
	require.Equal(t, secret.Shown+secret.Shown, secret.Mask("inner-valueinner-value"))
}
