package binding

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

func TestWords(t *testing.T) {
	for name, want := range map[string]string{
		"p_strTaskId": "task id", "processInstanceTaskId": "process instance task id", "EXTERNALREF": "externalref", "task_id": "task id",
		"XMLText2": "xml text2", "p": "p", "strMessage": "message", "taakNummer": "taak nummer", "": "",
	} {
		require.Equal(t, want, strings.Join(words(name), " "), name)
	}
}

// What is proposed for arguments that installations may have. "=" is sure, "~" likely, "!" a guess, "?" unknown.
func TestPropose(t *testing.T) {
	for in, want := range map[string]map[bridge.Kind]string{
		el("processInstanceTaskId", "s:string") + el("externalReference", "s:string"): {
			bridge.Acknowledge: "=processInstanceTaskId: task, =externalReference: reference",
		},
		el("p_intTaskId", "s:int") + el("p_strText", "s:string"): {
			bridge.Update:  "=p_intTaskId: task, ~p_strText: message",
			bridge.Resolve: "=p_intTaskId: task, ~p_strText: solution",
		},
		el("id", "s:string") + el("value", "s:string"): {
			bridge.Acknowledge: "~id: task, ~value: reference",
			bridge.Update:      "~id: task, ~value: message",
		},
		el("taskId", "s:string") + el("message", "s:string") + el("comment", "s:string"): {
			bridge.Update: "=taskId: task, ~message: message, ?comment",
		},
		el("taskId", "s:string") + el("a", "s:string") + el("b", "s:string"): {
			bridge.Update: "=taskId: task, ?a, ?b",
		},
		el("taskId", "s:string") + el("externalTaskReference", "s:string") + el("solution", "t:Short") + el("status", "t:State"): {
			bridge.Resolve: "=taskId: task, =externalTaskReference: reference, =solution: {role: solution, limit: 40, over: cut}, ?status",
		},
		el("taskId", "s:string") + el("message", "s:string") + el("sender", "s:string", `minOccurs="0"`) + el("userPassword", "s:string") + el("signature", "s:string"): {
			bridge.Update: "=taskId: task, =message: message, =sender: {role: author, omit_if_empty: true}, !userPassword: {secret: {env: SSP_USER_PASSWORD}}, " +
				"!signature: {hash: {algorithm: sha256, over: [secret, taskId, message, sender], secret: {env: SSP_HASH_SECRET}}}",
		},
		el("task", "s:string") + el("text", "s:string") + el("object", "s:anyType") + el("when", "s:dateTime"): {
			bridge.Update: "=task: task, ~text: message, ?object, ?when",
		},
		el("taskStatus", "s:string") + el("taskId", "s:int") + el("message", "s:string"): {
			bridge.Update: "=taskStatus: status, =taskId: task, =message: message",
		},
	} {
		r := Propose(parse(t, service(in, "")))
		for _, o := range r.Operations {
			if want[o.Kind] == "" {
				continue
			}
			var got []string
			for _, a := range o.Arguments {
				s := map[Sure]string{Surely: "=", Likely: "~", Guess: "!", Unknown: "?"}[a.Sure] + a.Path
				if a.YAML != "" {
					s += ": " + a.YAML
				}
				got = append(got, s)
				require.NotEmpty(t, a.Why)
				if a.Sure == Unknown || a.Sure == Guess {
					require.Contains(t, strings.Join(r.Unplaced, "\n"), fmt.Sprintf("%s: argument %s (", o.Kind, a.Path))
				}
			}
			require.Equal(t, want[o.Kind], strings.Join(got, ", "))
		}
	}
}

func TestProposeResults(t *testing.T) {
	for out, want := range map[string][3]string{
		"":                                  {"nothing", "", ""},
		el("R", "s:boolean"):                {"boolean", "answer == true", ""},
		el("R", "s:string"):                 {"string", "", ""},
		el("R", "s:int"):                    {"int", "", "answers with a number"},
		el("R", "t:Outcome"):                {"Outcome", "answer.Success == true", ""},
		el("R", "t:Person"):                 {"Person", "", "which part of it says success has to be asked for"},
		el("A", "s:int") + el("B", "s:int"): {"several values", "", "which of them says success has to be asked for"},
		`<s:choice/>`:                       {"what cannot be read: element " + DefaultName(bridge.Acknowledge) + "Response has a choice in it", "", "answers with what cannot be read"},
	} {
		r := Propose(parse(t, service(el("taskId", "s:string")+el("x", "s:string"), out)))
		require.Equal(t, want[0], r.Operations[0].Result)
		require.Equal(t, want[1], r.Operations[0].Success)
		if want[2] == "" {
			require.Empty(t, r.Unplaced, out)
		} else {
			require.Contains(t, strings.Join(r.Unplaced, "\n"), want[2])
		}
	}
}

func TestProposeOperationsOfOtherNames(t *testing.T) {
	text := service(el("taskId", "s:string")+el("x", "s:string"), "")
	text = strings.ReplaceAll(text, "ProcessInstanceTaskExternalAcknowledgement", "TaskExternalAcknowledgement")
	text = strings.ReplaceAll(text, "ProcessInstanceTaskExternalUpdateMessage", "processInstanceTaskExternalUpdateMessages")
	text = strings.ReplaceAll(text, "ProcessInstanceTaskExternalReassignment", "Finish")
	r := Propose(parse(t, text))
	require.Equal(t, "TaskExternalAcknowledgement", r.Operations[0].Name)
	require.Equal(t, "processInstanceTaskExternalUpdateMessages", r.Operations[1].Name)
	require.Empty(t, r.Operations[2].Name)
	require.False(t, r.Complete())
	require.Empty(t, r.Fingerprint)
	require.Contains(t, r.Unplaced[2], "resolve: no operation looks like ProcessInstanceTaskExternalReassignment; the service has ")
	require.Contains(t, r.YAML(), "      name: TaskExternalAcknowledgement\n")
	require.Contains(t, r.YAML(), "    # resolve: the service has no operation")
	require.Contains(t, r.Text(), "resolve: the service has no operation")
}

func TestReport(t *testing.T) {
	r := Propose(parse(t, monoWSDL(t)))
	r.Source = "mono.wsdl"
	require.True(t, r.Default)
	require.True(t, r.Complete())
	require.Empty(t, r.Unplaced)
	require.Equal(t, []wsdl.Version{wsdl.SOAP11, wsdl.SOAP12}, r.Versions)
	require.Equal(t, `Contract of mono.wsdl
namespace http://tempuri.org/, SOAP 1.1 and 1.2

acknowledge: ProcessInstanceTaskExternalAcknowledgement
  SOAP 1.1, SOAPAction "http://tempuri.org/ProcessInstanceTaskExternalAcknowledgement", namespace http://tempuri.org/
  argument               type    needed  holds      how sure
  processInstanceTaskId  string  no      task       sure: its name says so
  externalReference      string  no      reference  sure: its name says so
  answers string

update: ProcessInstanceTaskExternalUpdateMessage
  SOAP 1.1, SOAPAction "http://tempuri.org/ProcessInstanceTaskExternalUpdateMessage", namespace http://tempuri.org/
  argument               type    needed  holds    how sure
  processInstanceTaskId  string  no      task     sure: its name says so
  message                string  no      message  sure: its name says so
  answers string

resolve: ProcessInstanceTaskExternalReassignment
  SOAP 1.1, SOAPAction "http://tempuri.org/ProcessInstanceTaskExternalReassignment", namespace http://tempuri.org/
  argument               type    needed  holds     how sure
  processInstanceTaskId  string  no      task      sure: its name says so
  solution               string  no      solution  sure: its name says so
  answers string

This is the default contract: nothing has to be written under ssp.operations.
Fingerprint `+r.Fingerprint+`; pergabridge contract verify confirms it.
`, r.Text())
	require.Equal(t, `ssp:
  url: "http://127.0.0.1:18081/WorkflowService.asmx"  # as the description has it; the bridge may have to use another
  operations:
    acknowledge:
      arguments:
        processInstanceTaskId: task  # sure: its name says so
        externalReference: reference  # sure: its name says so
    update:
      arguments:
        processInstanceTaskId: task  # sure: its name says so
        message: message  # sure: its name says so
    resolve:
      arguments:
        processInstanceTaskId: task  # sure: its name says so
        solution: solution  # sure: its name says so
`, r.YAML())
	b, err := r.JSON()
	require.NoError(t, err)
	var back map[string]any
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, true, back["complete"])
	require.Equal(t, r.YAML(), back["yaml"])
	require.Len(t, back["operations"], 3)
}

// Whatever a description says, what is printed to be pasted is YAML of the right shape, and nothing in
// it comes from anywhere but its place.
func FuzzPropose(f *testing.F) {
	f.Add(monoWSDL(f))
	f.Add(service(el("taskId", "s:int")+el("text", "t:Short")+el("hash", "s:string")+el("who", "t:Person"), el("R", "t:Outcome")))
	f.Fuzz(func(t *testing.T, text string) {
		d, err := wsdl.Read([]byte(text), "")
		if err != nil {
			return
		}
		r := Propose(d)
		n, err := config.Parse("c.yaml", []byte(r.YAML()))
		require.NoError(t, err, "%s", r.YAML())
		for _, p := range n.Key("ssp").Pairs() {
			require.Contains(t, []string{"url", "version", "operations"}, p.Name)
		}
		for _, p := range n.Key("ssp").Key("operations").Pairs() {
			require.Contains(t, []string{"acknowledge", "update", "resolve"}, p.Name)
		}
		_, err = r.JSON()
		require.NoError(t, err)
		require.NotEmpty(t, r.Text())
	})
}
