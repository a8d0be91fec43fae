package processcall

import (
	"bytes"
	_ "embed"
	"encoding/xml"
)

// Namespace is the namespace of the SOAP intake's elements.
const Namespace = "urn:pergabridge:intake"

//go:embed intake.wsdl
var contract []byte

// Contract returns the WSDL of the SOAP intake at an address.
func Contract(address string) []byte {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(address)); err != nil { // a buffer never fails
		return contract
	}
	return bytes.ReplaceAll(contract, []byte("ADDRESS"), b.Bytes())
}
