// Package wsdl reads WSDL 1.1 descriptions of SOAP services: which operations there are, how they
// are called, and which arguments they take.
//
// It reads what ASP.NET .asmx services publish (document/literal wrapped, SOAP 1.1 and 1.2) and
// names what it does not read: a message that is not one element wrapping a sequence of elements
// keeps [Message.Odd], the reason in words. Nothing outside the document is fetched; imports are
// listed in [Document.Imports].
//
// A description comes from outside, so everything is bounded ([MaxBytes], [MaxDepth],
// [MaxElements], [MaxAttributes]) and a document type declaration is refused.
package wsdl

import (
	"encoding/xml"
	"fmt"
)

// Bounds of a description. The largest real .asmx descriptions have some hundred kilobytes.
const (
	MaxBytes      = 4 << 20
	MaxDepth      = 64
	MaxElements   = 100_000
	MaxAttributes = 64 // of one element
)

// XMLSchema is the namespace of the types that XML Schema itself defines.
const XMLSchema = "http://www.w3.org/2001/XMLSchema"

const (
	wsdlNS   = "http://schemas.xmlsoap.org/wsdl/"
	soap11NS = "http://schemas.xmlsoap.org/wsdl/soap/"
	soap12NS = "http://schemas.xmlsoap.org/wsdl/soap12/"
)

// An Error says what is wrong with a description, and in which line.
type Error struct {
	Line int // 0: the document as a whole
	Msg  string
}

// Error returns the message with its line.
func (e *Error) Error() string {
	if e.Line == 0 {
		return "wsdl: " + e.Msg
	}
	return fmt.Sprintf("wsdl: line %d: %s", e.Line, e.Msg)
}

// A Document is one service description.
type Document struct {
	TargetNamespace string
	// Operations are those of all SOAP bindings, in document order: an operation offered in
	// SOAP 1.1 and 1.2 is there twice. Bindings to plain HTTP are left out.
	Operations []Operation
	// Imports are the documents that this one says it consists of as well. They were not read.
	Imports []string
}

// Operation returns the operation of that name in that SOAP version.
func (d *Document) Operation(name string, v Version) (Operation, bool) {
	for _, o := range d.Operations {
		if o.Name == name && o.Version == v {
			return o, true
		}
	}
	return Operation{}, false
}

// Version is a SOAP version.
type Version string

// The SOAP versions.
const (
	SOAP11 Version = "1.1"
	SOAP12 Version = "1.2"
)

// An Operation is one callable operation of a SOAP binding.
type Operation struct {
	Name    string
	Version Version
	Action  string // soapAction
	Style   string // "document" or "rpc"
	Use     string // "literal" or "encoded", of the input
	Doc     string
	Address string // of the binding's first port, "" if it has none
	Input   Message
	Output  Message
}

// A Message is what an operation takes or gives.
type Message struct {
	// Element is the wrapper: the one child of the SOAP body.
	Element xml.Name
	// Args are the wrapper's children, in their order.
	Args []Argument
	// Odd says why this is not a wrapped message that can be built from Args; empty if it is.
	Odd string
}

// An Argument is one child element of a wrapper.
type Argument struct {
	Name     xml.Name // Space is empty for an unqualified element
	Type     xml.Name // empty for an anonymous type
	Min      int
	Max      int // -1: unbounded
	Nillable bool
}

// IsString reports whether the argument is a single xsd:string.
func (a Argument) IsString() bool {
	return a.Type == xml.Name{Space: XMLSchema, Local: "string"} && a.Max == 1
}
