package processcall_test

import (
	"encoding/xml"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/webhooks/processcall"
)

// A generator that is not ours has to understand the contract that we publish.
func TestContractCanBeBound(t *testing.T) {
	const address = `https://bridge.example.com/ssp/a&b`
	doc := processcall.Contract(address)
	require.NotContains(t, string(doc), "ADDRESS")
	dir := t.TempDir()
	file := filepath.Join(dir, "intake.wsdl")
	require.NoError(t, os.WriteFile(file, doc, 0o600))
	// as a program: used as a library it has a data race
	cmd := exec.CommandContext(t.Context(), "go", "tool", "gowsdl", "-p", "intake", "-d", dir, "-o", "intake.go", file)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	code, err := os.ReadFile(filepath.Join(dir, "intake", "intake.go"))
	require.NoError(t, err)
	src := string(code)
	for _, want := range []string{"type ProcessCall struct", "type ProcessCallResponse struct", "urn:pergabridge:intake:ProcessCall", "Request_type string", "Requester *Person"} {
		require.Contains(t, src, want)
	}
	_, err = parser.ParseFile(token.NewFileSet(), "intake.go", code, parser.SkipObjectResolution)
	require.NoError(t, err)

	var parsed struct {
		Ports []struct {
			Address struct {
				Location string `xml:"location,attr"`
			} `xml:"address"`
		} `xml:"service>port"`
	}
	require.NoError(t, xml.Unmarshal(doc, &parsed))
	require.Len(t, parsed.Ports, 2)
	for _, p := range parsed.Ports {
		require.Equal(t, address, p.Address.Location)
	}
}

// Everything the contract offers is read, and the answer has the elements it promises.
func TestContractAndReaderAgree(t *testing.T) {
	doc := string(processcall.Contract("http://localhost/"))
	for _, name := range processcall.Names() {
		for _, part := range strings.Split(name, ".") {
			require.Contains(t, doc, `name="`+part+`"`, name)
		}
	}
	for _, space := range []processcall.Format{processcall.SOAP11, processcall.SOAP12} {
		_, body := processcall.Answer{Event: "e&1", Status: "bonded", Reference: "<R>"}.Write(space)
		var env struct {
			Response struct {
				XMLName   xml.Name
				Event     string `xml:"urn:pergabridge:intake event"`
				Status    string `xml:"urn:pergabridge:intake status"`
				Reference string `xml:"urn:pergabridge:intake reference"`
			} `xml:"Body>ProcessCallResponse"`
		}
		require.NoError(t, xml.Unmarshal(body, &env))
		require.Equal(t, processcall.Namespace, env.Response.XMLName.Space)
		require.Equal(t, []string{"e&1", "bonded", "<R>"}, []string{env.Response.Event, env.Response.Status, env.Response.Reference})
	}
}
