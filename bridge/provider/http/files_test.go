package httpprovider

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/provider"
)

const filesConfig = `
kind: http
base: BASE
send:
  submit:
    url: /t
    body: {task: "${event.task}", files: "${map(filter(event.files, .given), {{title: .name, data: .content}})}", missing: "${map(filter(event.files, !.given), .name)}"}
    reference: answer.id
  update: {url: "/t/${bond.reference}/files", as: multipart, body: {note: "${event.text}", file: "${event.files}", nothing: "${nil}"}}
  reject_solution: skip
  close: {url: "/t/${bond.reference}/close", body: {names: "${join(map(event.files, .name), \",\")}"}}
`

// A desk notes what it is sent.
type desk struct {
	types  []string
	bodies []string
}

func withFiles(t *testing.T) (*desk, *provider.Provider, func(bridge.Kind) bridge.Lease) {
	t.Helper()
	d := &desk{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			d.types, d.bodies = append(d.types, r.Header.Get("Content-Type")), append(d.bodies, string(b))
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"INC-1"}`)
	}))
	t.Cleanup(s.Close)
	one := func(n int, name, media, data string) bridge.File {
		sum := sha256.Sum256([]byte(data))
		return bridge.File{N: n, Name: name, Type: media, Size: len(data), SHA256: hex.EncodeToString(sum[:]), Data: []byte(data)}
	}
	list := []bridge.File{one(1, `re"port.pdf`, "application/pdf", "%PDF\x00\xff"), one(2, "huge.bin", "x\r\nEvil: 1", strings.Repeat("h", 2000)), one(3, "note.txt", "x\r\nEvil: 1", "note")}
	c, problems := parse(t, strings.ReplaceAll(filesConfig, "BASE", s.URL))
	require.Empty(t, problems)
	p, err := New("acme", c, provider.Deps{Files: &files.Opener{Max: 1000, Total: 1500, Readers: map[bridge.Entrance]files.Reader{
		bridge.ByProcessCall: func(*bridge.Inbound) ([]bridge.File, error) { return list, nil },
	}}})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return d, p, func(k bridge.Kind) bridge.Lease {
		l := out(k, bridge.ModeNew, "INC-1", "look")
		l.Event.Entrance = bridge.ByProcessCall
		l.Event.Fields = map[string]any{"attachments": bridge.FileField(list)}
		l.Event.Inbound = &bridge.Inbound{Body: []byte("raw")}
		return l
	}
}

func TestFilesInJSON(t *testing.T) {
	d, p, lease := withFiles(t)
	o := p.Destination.Deliver(t.Context(), lease(bridge.Submit))
	require.Equal(t, bridge.OutcomeDone, o.Kind, o.Detail)
	require.JSONEq(t, `{"task":"4711","files":[{"title":"re\"port.pdf","data":"`+base64.StdEncoding.EncodeToString([]byte("%PDF\x00\xff"))+`"},{"title":"note.txt","data":"bm90ZQ=="}],"missing":["huge.bin"]}`, d.bodies[0])

	o = p.Destination.Deliver(t.Context(), lease(bridge.Close))
	require.Equal(t, bridge.OutcomeDone, o.Kind, o.Detail)
	require.Contains(t, d.bodies[1], "huge.bin")
}

func TestFilesInAMultipartBody(t *testing.T) {
	d, p, lease := withFiles(t)
	l := lease(bridge.Update)
	for range 2 {
		o := p.Destination.Deliver(t.Context(), l)
		require.Equal(t, bridge.OutcomeDone, o.Kind, o.Detail)
	}
	require.Equal(t, d.bodies[0], d.bodies[1], "a repeat is the same to the last byte")
	require.Equal(t, d.types[0], d.types[1])
	media, params, err := mime.ParseMediaType(d.types[0])
	require.NoError(t, err)
	require.Equal(t, "multipart/form-data", media)
	r := multipart.NewReader(strings.NewReader(d.bodies[0]), params["boundary"])
	type part struct{ name, file, media, data string }
	var got []part
	for {
		x, err := r.NextPart()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		b, err := io.ReadAll(x)
		require.NoError(t, err)
		require.Empty(t, x.Header.Get("Evil"))
		got = append(got, part{x.FormName(), x.FileName(), x.Header.Get("Content-Type"), string(b)})
	}
	require.Equal(t, []part{
		{"file", "re_port.pdf", "application/pdf", "%PDF\x00\xff"}, {"file", "note.txt", "application/octet-stream", "note"}, {"note", "", "", "look"},
	}, got)

	text, err := p.Destination.(bridge.Renderer).Render(l)
	require.NoError(t, err)
	require.Contains(t, text, "re_port.pdf")
}

func TestFilesThatAreNotKept(t *testing.T) {
	d, p, lease := withFiles(t)
	l := lease(bridge.Update)
	l.Event.Inbound = nil
	o := p.Destination.Deliver(t.Context(), l)
	require.Equal(t, bridge.OutcomeDone, o.Kind, o.Detail)
	require.NotContains(t, d.bodies[0], "filename")
	require.Contains(t, d.bodies[0], "look")
}
