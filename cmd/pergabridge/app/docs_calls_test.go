package app

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

// docReader returns the reader of SSP's calls to acme under a config.
func docReader(t *testing.T, config string) *processcall.Reader {
	t.Helper()
	setDocSecrets(t, config)
	c, err := Parse(filepath.Join(t.TempDir(), "pergabridge.yaml"), []byte(config))
	require.NoError(t, err)
	return processcall.New("acme", c.intake)
}

func docRead(t *testing.T, r *processcall.Reader, contentType, body string) bridge.Event {
	t.Helper()
	got, err := r.Read(bridge.Inbound{ContentType: contentType, Body: []byte(body), Received: docNow()})
	require.NoError(t, err)
	require.Empty(t, got.Event.Quarantine, got.Event.Detail)
	require.NotEmpty(t, got.Event.Task)
	require.NotEmpty(t, got.Event.Kind)
	return got.Event
}

var docSlot = regexp.MustCompile(`#([A-Z]+)\|\|JSON#`)

func TestProcessCallsInTheDocsAreRead(t *testing.T) {
	plain := docBlock{mark: "intake", text: "auth: {none: true}"}.whole(t)
	n := map[string]int{}
	for _, b := range docBlocks(t) {
		if b.lang != "json" {
			continue
		}
		n[b.mark]++
		switch b.mark {
		case "call":
			docRead(t, docReader(t, plain), "application/json", b.text)
		case "template":
			values := map[string]string{"TASK": "4711", "REQUESTTYPE": "Update", "DIRECTION": "Out", "TEXT": "say \"hi\"\nand \\ go"}
			filled := docSlot.ReplaceAllStringFunc(b.text, func(s string) string {
				v, err := json.Marshal(values[docSlot.FindStringSubmatch(s)[1]])
				require.NoError(t, err)
				return string(v)
			})
			e := docRead(t, docReader(t, plain), "application/json", filled)
			require.Equal(t, values["TEXT"], e.Text)
			require.Equal(t, bridge.Update, e.Kind)
			got, err := docReader(t, plain).Read(bridge.Inbound{ContentType: "application/json", Body: []byte(b.text)})
			require.NoError(t, err)
			require.Equal(t, bridge.Unreadable, got.Event.Quarantine, "the bare template")
			for name := range values {
				require.Contains(t, b.text, "#"+name+"||JSON#")
			}
		}
	}
	require.NotZero(t, n["call"])
	require.Equal(t, 1, n["template"])
}

func TestTheHashInTheDocsIsRight(t *testing.T) {
	var intake, call string
	for _, b := range docBlocks(t) {
		switch {
		case b.mark == "intake" && strings.Contains(b.text, "hash:"):
			intake = b.whole(t)
		case b.mark == "hash":
			call = b.text
		}
	}
	require.NotEmpty(t, intake)
	require.NotEmpty(t, call)
	setDocSecrets(t, intake)
	t.Setenv("SSP_INTAKE_KEY", "0123456789abcdef0123456789abcdef")
	c, err := Parse(filepath.Join(t.TempDir(), "pergabridge.yaml"), []byte(intake))
	require.NoError(t, err)
	r := processcall.New("acme", c.intake)
	require.Equal(t, bridge.Close, docRead(t, r, "application/json", call).Kind)
	_, err = r.Read(bridge.Inbound{ContentType: "application/json", Body: []byte(strings.Replace(call, "4711", "4712", 1))})
	var denied *scheme.Denied
	require.ErrorAs(t, err, &denied)
}

// docXSLT applies a sheet where there is a processor; the results it must give are in the repository.
func docXSLT(t *testing.T, sheet, input string) (string, bool) {
	t.Helper()
	program, err := exec.LookPath("xsltproc")
	if err != nil {
		return "", false
	}
	var stderr bytes.Buffer
	c := exec.Command(program, "--nonet", filepath.Join(repository, "docs/ssp", sheet), input)
	c.Stderr = &stderr
	out, err := c.Output()
	require.NoError(t, err, stderr.String())
	t.Attr("peer", "xsltproc")
	return string(out), true
}

func TestTheSheetForCallsMakesAnEnvelope(t *testing.T) {
	file := func(name string) string {
		text, err := os.ReadFile(filepath.Join(repository, "docs/ssp", name))
		require.NoError(t, err)
		return string(text)
	}
	envelope := file("envelope.xml")
	if made, ok := docXSLT(t, "xslt-in.xslt", filepath.Join(repository, "docs/ssp/call.xml")); ok {
		require.Equal(t, envelope, made)
	}
	r := docReader(t, docBlock{mark: "intake", text: "auth: {none: true}"}.whole(t))
	e := docRead(t, r, "text/xml; charset=utf-8", envelope)
	require.Equal(t, bridge.Event{
		Provider: "acme", Task: "4711", Dir: bridge.Out, Kind: bridge.Update, Reference: "ACME-1001", Entrance: bridge.ByProcessCall,
		Received: docNow(), Text: "Still burning & smoking; \"é\" and 漢字 <arrive>.\nSecond line.", Ticket: "T-1001", Title: "Printer on fire",
		Priority: "1", Requester: bridge.Person{Name: "Jane Doe", Email: "jane.doe@example.com"},
		Fields: map[string]any{"LOCATION": "Floor 3"}, Inbound: e.Inbound,
	}, e)
	same := docRead(t, r, "text/xml", file("call.xml"))
	require.Equal(t, e.ContentHash(), same.ContentHash(), "the document that the sheet is applied to")
	for _, b := range docBlocks(t) {
		if strings.HasPrefix(b.mark, "xslt-") {
			require.Equal(t, file(b.mark+".xslt"), b.text, "%s shows %s", b.file, b.mark)
		}
	}
}

func TestTheSheetForAnswersPicksTheReference(t *testing.T) {
	for want, a := range map[string]processcall.Answer{
		"ACME-1001": {Event: "e", Status: "bonded", Reference: "ACME-1001"},
		"":          {Event: "e", Status: "accepted"},
	} {
		for _, f := range []processcall.Format{processcall.SOAP11, processcall.SOAP12} {
			_, body := a.Write(f)
			path := filepath.Join(t.TempDir(), "answer.xml")
			require.NoError(t, os.WriteFile(path, body, 0o600))
			require.Contains(t, string(body), "<ProcessCallResponse", "what the sheet looks for")
			if want != "" {
				require.Contains(t, string(body), "<reference>"+want+"</reference>")
			}
			if got, ok := docXSLT(t, "xslt-out.xslt", path); ok {
				require.Equal(t, want, got)
			}
		}
	}
}
