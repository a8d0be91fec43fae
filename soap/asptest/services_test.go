package asptest

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// describe returns the status, content type and text of a service's description.
func describe(t *testing.T, h *Host, user string) (int, string, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, h.URL+"?WSDL", nil)
	require.NoError(t, err)
	if user != "" {
		req.SetBasicAuth(user, Password)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, res.Header.Get("Content-Type"), string(b)
}

func TestServices(t *testing.T) {
	t.Run("hungarian", func(t *testing.T) {
		h := StartService(t, Hungarian)
		_, _, text := describe(t, h, "")
		require.Contains(t, text, `targetNamespace="http://ssp.example.com/workflow"`)
		h.Rename(t, "p_strMessageText", "p_strMsg")
		_, _, text = describe(t, h, "")
		require.Contains(t, text, `name="p_strMsg"`)
		require.NotContains(t, text, `name="p_strMessageText"`)
	})
	t.Run("complex", func(t *testing.T) {
		_, _, text := describe(t, StartService(t, Complex), "")
		require.Contains(t, text, "<soap12:address")
		require.NotContains(t, text, "<soap:address")
	})
	t.Run("dutch", func(t *testing.T) {
		h := StartService(t, Dutch)
		status, _, _ := describe(t, h, "")
		require.Equal(t, http.StatusUnauthorized, status)
		status, contentType, _ := describe(t, h, User)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "text/xml; charset=windows-1252", contentType)
	})
}
