package workflow_test

import (
	"encoding/xml"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/soap/workflow"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

func TestWSDLSaysWhereTheServiceIs(t *testing.T) {
	const url = "https://ssp.example.com/a.asmx?x=1&y=<2>"
	d, err := wsdl.Read(workflow.WSDL(url), "")
	require.NoError(t, err)
	require.Equal(t, workflow.Namespace, d.TargetNamespace)
	for _, v := range []wsdl.Version{wsdl.SOAP11, wsdl.SOAP12} {
		for _, name := range []string{workflow.Acknowledgement, workflow.UpdateMessage, workflow.Reassignment} {
			o, ok := d.Operation(name, v)
			require.True(t, ok, "%s %s", name, v)
			require.Equal(t, url, o.Address)
		}
	}
}

// What is generated is what the description says, and an empty argument is sent.
func TestClientFitsTheWSDL(t *testing.T) {
	d, err := wsdl.Read(workflow.WSDL(""), "")
	require.NoError(t, err)
	empty := ""
	for name, request := range map[string]any{
		workflow.Acknowledgement: workflow.ProcessInstanceTaskExternalAcknowledgement{ProcessInstanceTaskId: &empty, ExternalReference: &empty},
		workflow.UpdateMessage:   workflow.ProcessInstanceTaskExternalUpdateMessage{ProcessInstanceTaskId: &empty, Message: &empty},
		workflow.Reassignment:    workflow.ProcessInstanceTaskExternalReassignment{ProcessInstanceTaskId: &empty, Solution: &empty},
	} {
		o, _ := d.Operation(name, wsdl.SOAP11)
		want := "<" + name + ` xmlns="http://tempuri.org/">`
		for _, a := range o.Input.Args {
			require.True(t, a.IsString())
			want += "<" + a.Name.Local + "></" + a.Name.Local + ">"
		}
		got, err := xml.Marshal(request)
		require.NoError(t, err)
		require.Equal(t, want+"</"+name+">", string(got))
		require.Equal(t, len(o.Input.Args)+1, reflect.TypeOf(request).NumField(), "one field for each argument, and the name")
	}
}
