package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/soap/ssptest"
	"github.com/pergabridge/pergabridge/soap/workflow"
)

// sspWith starts an SSP whose description is changed, and returns it with a test task.
func sspWith(t *testing.T, changes ...string) (*ssptest.Server, string) {
	t.Helper()
	s, err := ssptest.Start(ssptest.Options{WSDL: func(url string) []byte {
		return []byte(strings.NewReplacer(changes...).Replace(string(workflow.WSDL(url))))
	}})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	task, err := s.Create(ssptest.Ticket{})
	require.NoError(t, err)
	require.NoError(t, s.Assign(task, "a group"))
	return s, task
}

// contractConfig writes a config file; more are lines of the section ssp.
func contractConfig(t *testing.T, url string, more ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pergabridge.yaml")
	text := "ssp:\n  url: " + url + "\n  intake: {auth: {none: true}}\n"
	for _, m := range more {
		text += "  " + m + "\n"
	}
	text += `providers:
  acme:
    kind: http
    base: http://127.0.0.1:1
    auth: {none: true}
    send: {submit: {url: /tickets, reference: answer.id}, update: skip, reject_solution: skip, close: skip}
`
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// verb runs a verb and returns its exit code and what it printed.
func verb(t *testing.T, args ...string) (int, string, string) {
	t.Helper()
	var out, errOut bytes.Buffer
	code := run(t.Context(), args, &out, &errOut)
	return code, out.String(), errOut.String()
}

func TestContractInspect(t *testing.T) {
	s, _ := sspWith(t)
	none := filepath.Join(t.TempDir(), "none.yaml")
	code, out, errOut := verb(t, "contract", "inspect", s.URL(), "--config", none)
	require.Equal(t, exitFine, code, errOut)
	require.Contains(t, out, "This is the default contract")
	require.Contains(t, out, "To paste into the config")
	code, yaml, _ := verb(t, "contract", "inspect", s.URL()+"?wsdl", "--yaml", "--config", none)
	require.Equal(t, exitFine, code)
	require.True(t, strings.HasPrefix(yaml, "ssp:\n  url: "), yaml)
	code, out, _ = verb(t, "contract", "inspect", "--json", "--config", contractConfig(t, s.URL()))
	require.Equal(t, exitFine, code, "the address is that of the config")
	var report map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	require.Equal(t, yaml, report["yaml"])

	file := filepath.Join(t.TempDir(), "ssp.wsdl")
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(workflow.WSDL("http://ssp/")), `name="message"`, `name="p_obj7"`)), 0o600))
	code, out, _ = verb(t, "contract", "inspect", file, "--config", none)
	require.Equal(t, exitFine, code, out)
	require.Contains(t, out, "p_obj7: message  # likely: nothing else is left for the message")
	require.NoError(t, os.WriteFile(file, []byte("<html/>"), 0o600))
	code, _, errOut = verb(t, "contract", "inspect", file, "--config", none)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errOut, "this is a web page")
	code, _, errOut = verb(t, "contract", "inspect", "--config", none)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errOut, "none.yaml")
}

func TestCheckComparesTheContract(t *testing.T) {
	s, _ := sspWith(t)
	code, out, errOut := verb(t, "check", "--config", contractConfig(t, s.URL()))
	require.Equal(t, exitFine, code, errOut)
	require.NotContains(t, out, "not checked")

	other, _ := sspWith(t, `name="message"`, `name="p_strMessage"`)
	file := contractConfig(t, other.URL())
	code, _, errOut = verb(t, "check", "--config", file)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errOut, "ssp: ProcessInstanceTaskExternalUpdateMessage takes (processInstanceTaskId, p_strMessage), expected (processInstanceTaskId, message)")
	code, _, errOut = verb(t, "check", "--offline", "--config", file)
	require.Equal(t, exitFine, code, errOut)

	// What inspect printed makes the check pass.
	_, yaml, _ := verb(t, "contract", "inspect", "--yaml", "--config", file)
	_, operations, _ := strings.Cut(yaml, "  operations:\n")
	code, out, errOut = verb(t, "check", "--config", contractConfig(t, other.URL(), "operations:\n"+operations))
	require.Equal(t, exitFine, code, errOut)
	require.Contains(t, out, "warning: ssp.fingerprint: nobody has confirmed the contract")

	other.Down()
	code, out, _ = verb(t, "check", "--config", file)
	require.Equal(t, exitFine, code, "a machine that cannot reach SSP can check the rest")
	require.Contains(t, out, "warning: the contract was not checked: ")
}

func TestContractVerify(t *testing.T) {
	s, task := sspWith(t)
	file := contractConfig(t, s.URL())
	code, out, errOut := verb(t, "contract", "verify", "--task", task, "--dry-run", "--config", file)
	require.Equal(t, exitFine, code, errOut)
	require.Contains(t, out, "<processInstanceTaskId>"+task+"</processInstanceTaskId>")
	require.Contains(t, out, "Nothing was sent.")
	require.Empty(t, s.Calls())

	code, out, _ = verb(t, "contract", "verify", "--task", task, "--yes", "--reference", "REF-77", "--config", file)
	require.Equal(t, exitFine, code)
	require.NotContains(t, out, "fingerprint: v1")
	state, _ := s.Task(task)
	require.Equal(t, "REF-77", state.Reference)

	var said bytes.Buffer
	con := &console{ctx: t.Context(), out: &said, err: &said, in: strings.NewReader("yes\nperhaps\nyes\ny\n")}
	require.NoError(t, verifyCmd{Task: task}.Run(&cli{Config: file}, con))
	require.Contains(t, said.String(), "  fingerprint: v1-")
	con = &console{ctx: t.Context(), out: &said, err: &said, in: strings.NewReader("yes\nno\n")}
	require.ErrorContains(t, verifyCmd{Task: task}.Run(&cli{Config: file}, con), "are not the right ones")
	con = &console{ctx: t.Context(), out: &said, err: &said, in: strings.NewReader("")}
	require.ErrorContains(t, verifyCmd{Task: task}.Run(&cli{Config: file}, con), "no answer")

	code, out, _ = verb(t, "contract", "verify", "--task", task, "--yes", "--json", "--config", file)
	require.Equal(t, exitFine, code)
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &v))
	require.Equal(t, false, v["confirmed"])
	require.Len(t, v["steps"], 2)

	code, _, _ = verb(t, "contract", "verify", "--task", task, "--yes", "--dry-run", "--config", file)
	require.Equal(t, exitUsage, code)
	code, _, _ = verb(t, "contract", "verify", "--config", file)
	require.Equal(t, exitUsage, code)
}
