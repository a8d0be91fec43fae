// Package workflow is the contract of SSP's WorkflowService as Pergabridge assumes it: the WSDL
// and the client that gowsdl generates from it.
//
// The client is only half of a SOAP client: package soap puts the transport underneath that makes
// it fit for a real .asmx service. Nothing else may call it.
package workflow

import (
	_ "embed" // for the WSDL
	"encoding/xml"
	"strings"
)

//go:generate go tool gowsdl -d .. -p workflow -o client.go WorkflowService.wsdl

//go:embed WorkflowService.wsdl
var wsdl string

// address is what the WSDL file gives as the service's address.
const address = "http://127.0.0.1/Workflow/WebService/WorkflowService.asmx"

// Namespace is the target namespace of the service.
const Namespace = "http://tempuri.org/"

// The operations.
const (
	Acknowledgement = "ProcessInstanceTaskExternalAcknowledgement"
	UpdateMessage   = "ProcessInstanceTaskExternalUpdateMessage"
	Reassignment    = "ProcessInstanceTaskExternalReassignment"
)

// WSDL returns the service description with url as its address, as the service itself would
// publish it at url?WSDL.
func WSDL(url string) []byte {
	var u strings.Builder
	if err := xml.EscapeText(&u, []byte(url)); err != nil {
		panic(err) // a strings.Builder takes everything
	}
	return []byte(strings.ReplaceAll(wsdl, address, u.String()))
}
