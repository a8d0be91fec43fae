package console_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/files"
)

const evil = "<script>alert(1)</script>"

// shelf opens the input of [world.withFile].
func shelf(o *console.Options) {
	o.Files = &files.Opener{Max: 10, Total: 10, Readers: map[bridge.Entrance]files.Reader{
		bridge.ByMailbox: func(*bridge.Inbound) ([]bridge.File, error) {
			return []bridge.File{{Data: []byte(evil)}, {Data: []byte("other bytes than those that came")}}, nil
		},
	}}
}

// withFile accepts an event with two files for a person to look at, the second of them damaged.
func (w *world) withFile() string {
	sum := sha256.Sum256([]byte(evil))
	list := []bridge.File{
		{N: 1, Name: "<b>page</b>.html", Type: "text/html", Size: len(evil), SHA256: hex.EncodeToString(sum[:])},
		{N: 2, Name: "b.txt", Type: "text/plain", Size: 1, SHA256: strings.Repeat("0", 64)},
	}
	return w.accept(bridge.Event{Provider: "acme", Dir: bridge.In, Kind: bridge.Update, Text: "look", Entrance: bridge.ByMailbox, Quarantine: bridge.NoRule,
		Fields: map[string]any{"mail": map[string]any{"attachments": bridge.FileField(list)}}, Inbound: inbound("raw", "message/rfc822")})[0]
}

func TestFilesCanOnlyBeSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withPeople, shelf)
	id := w.withFile()
	for _, path := range []string{"/api/v1/events/" + id + "/files/", "/events/" + id + "/files/"} {
		rec := w.request("GET", path+"1", "", signed)
		require.Equal(t, 200, rec.Code, rec.Body)
		require.Equal(t, evil, rec.Body.String())
		require.Equal(t, "application/octet-stream", rec.Header().Get("Content-Type"))
		require.True(t, strings.HasPrefix(rec.Header().Get("Content-Disposition"), "attachment;"))
		require.Equal(t, "nosniff", rec.Header().Get("X-Content-Type-Options"))
		require.Contains(t, rec.Header().Get("Content-Security-Policy"), "sandbox")
		for n, want := range map[string]int{"0": 404, "3": 404, "x": 404, "-1": 404, "2": 409} {
			require.Equal(t, want, w.request("GET", path+n, "", signed).Code, "%s%s", path, n)
		}
		require.NotEqual(t, 200, w.request("GET", path+"1", "").Code, "nobody without a sign-in")
	}
	require.Equal(t, 403, w.request("GET", "/api/v1/events/"+id+"/files/1", "", signed, header("Sec-Fetch-Site", "cross-site")).Code)
	require.Equal(t, 404, w.request("GET", "/api/v1/events/none/files/1", "", signed).Code)
	require.Equal(t, 200, w.as(t, "vera").get("/events/"+id+"/files/1").status, "who may look may save")

	page := w.request("GET", "/quarantine/"+id, "", signed).Body.String()
	require.Contains(t, page, fmt.Sprintf(`<a href="/events/%s/files/1" download>&lt;b&gt;page&lt;/b&gt;.html</a>`, id))
	require.Contains(t, page, "25B, text/html")
}

func TestFilesAreNamedWhenTheyAreNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shelf)
	e := bridge.Event{Provider: "acme", Dir: bridge.In, Kind: bridge.Update, Text: "look", Entrance: bridge.ByMailbox, Quarantine: bridge.NoRule,
		Fields: map[string]any{"mail": map[string]any{"attachments": bridge.FileField([]bridge.File{{Name: "a.txt", Size: 1, SHA256: strings.Repeat("0", 64)}})}}}
	id := w.accept(e)[0]
	page := w.request("GET", "/quarantine/"+id, "", signed).Body.String()
	require.Contains(t, page, "not kept any more")
	require.NotContains(t, page, "/files/1")
	require.Equal(t, http.StatusNotFound, w.request("GET", "/events/"+id+"/files/1", "", signed).Code)
}
