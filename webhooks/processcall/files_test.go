package processcall_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
)

func TestFilesOfACall(t *testing.T) {
	r := open(t, "")
	content := base64.StdEncoding.EncodeToString([]byte("hello\xff"))
	body := `{"task":"1","request_type":"Update","direction":"Out","text":"see","attachments":[{"name":"C:\\x\\a b.txt","type":"text/plain","content":"` + content +
		`"},{"content":"aGk"}],"floor":"2"}`
	in := inbound("application/json", body)
	rd, err := r.Read(in)
	require.NoError(t, err)
	require.Empty(t, rd.Event.Quarantine, rd.Event.Detail)
	list := bridge.FilesOf(&rd.Event)
	require.Len(t, list, 2)
	require.Equal(t, "a b.txt", list[0].Name)
	require.Equal(t, 6, list[0].Size)
	require.Equal(t, "file-2", list[1].Name)
	require.Equal(t, "2", rd.Event.Fields["floor"])
	for k, v := range rd.Event.Fields {
		if s, ok := v.(string); ok {
			require.NotContains(t, s, content, "the bytes are kept once, with the input: %s", k)
		}
	}
	got, err := processcall.Files(rd.Event.Inbound)
	require.NoError(t, err)
	require.Equal(t, "hello\xff", string(got[0].Data))
	require.Equal(t, "hi", string(got[1].Data))
	require.Equal(t, list[0].SHA256, got[0].SHA256)

	// A form says the same with dotted names.
	rd, err = r.Read(inbound("application/x-www-form-urlencoded", "task=1&request_type=Update&direction=Out&text=see&attachments.0.name=a.txt&attachments.0.content="+strings.ReplaceAll(content, "+", "%2B")))
	require.NoError(t, err)
	require.Equal(t, "a.txt", bridge.FilesOf(&rd.Event)[0].Name)
	got, err = processcall.Files(rd.Event.Inbound)
	require.NoError(t, err)
	require.Equal(t, "hello\xff", string(got[0].Data))
}

// A call is never worse off for what the config says of its files.
func TestFilesThatTheConfigDropsOrRenames(t *testing.T) {
	const body = `{"task":"1","request_type":"Update","direction":"Out","attachments":[{"name":"a.txt","content":"aGk"}]}`
	e := read(t, open(t, "drop: [attachments.0.name, attachments.0.content]"), body).Event
	require.Empty(t, e.Quarantine, e.Detail)
	require.Empty(t, e.Fields, "dropped is dropped")

	e = read(t, open(t, "aliases: {attachments.0.name: title, attachments.0.content: text}"), body).Event
	require.Empty(t, e.Quarantine, e.Detail)
	require.Equal(t, "a.txt", e.Title)
	require.Len(t, bridge.FilesOf(&e), 1)
}

func TestWhatOnlyLooksLikeFiles(t *testing.T) {
	r := open(t, "")
	for body, problem := range map[string]bool{
		`{"task":"1","request_type":"Update","direction":"Out","text":"see","attachments":["a.txt"]}`:                        false,
		`{"task":"1","request_type":"Update","direction":"Out","text":"see","attachments":[{"name":"a","url":"https://x"}]}`: false,
		`{"task":"1","request_type":"Update","direction":"Out","text":"see","attachments":[{"name":"a","content":"%%"}]}`:    true,
		`{"task":"1","request_type":"Update","direction":"Out","text":"see","attachments":{"999999":{"content":"aGk"}}}`:     false,
	} {
		rd, err := r.Read(inbound("application/json", body))
		require.NoError(t, err, body)
		require.Empty(t, rd.Event.Quarantine, "the text is good all the same: %s", body)
		require.Empty(t, bridge.FilesOf(&rd.Event), body)
		require.Equal(t, problem, rd.Event.Fields["attachments_problem"] != nil, body)
	}
}
