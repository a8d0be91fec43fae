package scheme_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

// FuzzVerify offers any headers to a scheme with all parts. Nobody gets in without the MAC, and
// whoever has it does, whatever else stands in the header.
func FuzzVerify(f *testing.F) {
	f.Add("v1,AAAA v2,BBBB", "1780000000", "id", "")
	f.Add("v1,", "-1", "", " ")
	f.Add(strings.Repeat("v1, ", 40), "99999999999999999999", "x", "v1")
	f.Setenv("CUR", current)
	v := verifier(f, "scheme: hmac\nheader: Sig\nseparator: ' '\nprefix: 'v1,'\nencoding: base64\nsigned: '${delivery}.${timestamp}.${body}'\n"+
		"timestamp: {header: At}\ndelivery: [Id]\nsecret: {env: CUR}")
	f.Fuzz(func(t *testing.T, sig, at, id, noise string) {
		h := http.Header{"Sig": {sig}, "At": {at}, "Id": {id}}
		_, err := v.Verify(scheme.Request{Header: h, Body: []byte(body)}, now)
		denied(t, err)

		stamp := strconv.FormatInt(now.Unix(), 10)
		id = strings.TrimSpace(id)
		if id == "" || len(id) > 200 {
			return
		}
		good := "v1," + base64.StdEncoding.EncodeToString(mac(sha256.New, current, id+"."+stamp+"."+body))
		h = http.Header{"Sig": {good + " " + noise}, "At": {stamp}, "Id": {id}}
		got, err := v.Verify(scheme.Request{Header: h, Body: []byte(body)}, now)
		require.NoError(t, err)
		require.Equal(t, id, got)
	})
}

// FuzzSigned reads any template: no panic, and what is taken always covers the body.
func FuzzSigned(f *testing.F) {
	for _, s := range []string{"${body}", "${timestamp}.${body}", "${", "${}${body}", "a${header.x}${body}}", "$${body}"} {
		f.Add(s)
	}
	f.Setenv("CUR", current)
	f.Fuzz(func(t *testing.T, signed string) {
		c, ps := load(t, "scheme: hmac\nheader: Sig\nsecret: {env: CUR}")
		require.Empty(t, ps)
		c.Signed = signed
		v, err := scheme.New(c)
		if err != nil || signed == "" {
			return
		}
		require.Contains(t, signed, "body")
		h := http.Header{"Sig": {strings.Repeat("00", 32)}}
		_, err = v.Verify(scheme.Request{Header: h, Body: []byte(body)}, now)
		denied(t, err)
	})
}
