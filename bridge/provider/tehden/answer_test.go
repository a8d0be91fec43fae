package tehden

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/provider/vendorapi"
)

func reader(t testing.TB) *API {
	t.Helper()
	p, err := vendorapi.Parse(profileData)
	require.NoError(t, err)
	return &API{client: &vendorapi.Client{Profile: p}}
}

func TestIDs(t *testing.T) {
	a := reader(t)
	for body, want := range map[string][]string{
		`null`: nil, `false`: nil, `0`: nil, `""`: nil, `[]`: nil, `{}`: nil, `{"customer_id":null}`: nil,
		`7`: {"7"}, `"K7"`: {"K7"}, `{"customer_id":7}`: {"7"}, `{"result":[{"customer_id":"7"},{"customer_id":8},{"customer_id":7}]}`: {"7", "8"},
		`[7,"8"]`: {"7", "8"}, `9007199254740993`: {"9007199254740993"},
	} {
		var v any
		require.NoError(t, vendorapi.DecodeJSON([]byte(body), &v))
		require.Equal(t, want, a.ids(v), body)
	}
	require.Equal(t, "7", customerOf("7/4711"))
	require.Equal(t, "7", customerOf(" 7 "))
}

func FuzzIDs(f *testing.F) {
	f.Add(`{"customer_id":[1,{"a":"b"}]}`)
	a := reader(f)
	f.Fuzz(func(t *testing.T, body string) {
		var v any
		if vendorapi.DecodeJSON([]byte(body), &v) != nil {
			return
		}
		for _, id := range a.ids(v) {
			require.NotEmpty(t, id)
			require.NotEqual(t, "0", id)
		}
	})
}
