// Package wsdl reads WSDL 1.1 descriptions of SOAP services: which operations there are, how they
// are called, and which arguments they take.
//
// It reads what ASP.NET .asmx services publish (document/literal, SOAP 1.1 and 1.2, all simple types
// of XML Schema, complex types made of sequences) and names what it does not read: a message that is
// not one element wrapping a sequence of elements keeps [Message.Odd], an argument that cannot be
// given a value keeps [Argument.Odd], the reason in words. Bindings to plain HTTP are left out.
//
// [Read] looks at one document and fetches nothing. [Load] follows imports and includes as far as
// its [Source] allows; what was not read is listed in [Document.Imports].
//
// A description comes from outside, so everything is bounded ([MaxBytes], [MaxDepth],
// [MaxElements], [MaxAttributes], [MaxDocuments], [MaxArguments], [MaxNesting]) and a document type
// declaration is refused.
package wsdl

import (
	"encoding/xml"
	"fmt"
)

// Bounds of a description. The largest real .asmx descriptions have some hundred kilobytes.
const (
	MaxBytes      = 4 << 20 // of one document
	MaxDepth      = 64
	MaxElements   = 100_000 // of all documents together
	MaxAttributes = 64      // of one element
	MaxDocuments  = 32
	MaxArguments  = 500 // of one message, the parts of complex types included
	MaxNesting    = 8   // complex types inside each other, types derived from each other
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
	In   string // location of an imported document; empty: the one that was asked for
	Line int    // 0: the document as a whole
	Msg  string
}

// Error returns the message with its document and line.
func (e *Error) Error() string {
	at := "wsdl: "
	if e.In != "" {
		at += e.In + ": "
	}
	if e.Line == 0 {
		return at + e.Msg
	}
	return fmt.Sprintf("%sline %d: %s", at, e.Line, e.Msg)
}

// A Document is one service description.
type Document struct {
	TargetNamespace string
	// Operations are those of all SOAP bindings, in document order: an operation offered in
	// SOAP 1.1 and 1.2 is there twice. Bindings to plain HTTP are left out.
	Operations []Operation
	// Imports are the documents that the description says it consists of as well and that were
	// not read, with the reason where there is one: "more.xsd (it is on another host)".
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

// An Argument is one child element of a wrapper, or of a complex type.
type Argument struct {
	Name     xml.Name // Space is empty for an unqualified element
	Type     xml.Name // empty for an anonymous type
	Min      int
	Max      int // -1: unbounded
	Nillable bool
	// Base is the simple type of XML Schema that the value is written as ("string", "int"); empty
	// for a complex type.
	Base string
	// Enum are the values allowed, MaxLength is the longest one; empty and 0: any.
	Enum      []string
	MaxLength int
	// Fields are the children of a complex type.
	Fields []Argument
	// Odd says why the argument cannot be given a value; empty if it can.
	Odd string
}

// IsString reports whether the argument is a single xsd:string.
func (a Argument) IsString() bool {
	return a.Type == xml.Name{Space: XMLSchema, Local: "string"} && a.Max == 1
}

// Complex reports whether the argument consists of others.
func (a Argument) Complex() bool { return a.Base == "" && a.Odd == "" }

// A Leaf is an argument that holds a value itself, and the way to it.
type Leaf struct {
	Path string // names from the wrapper down, dotted: "request.TaskId"
	Argument
	// Optional: it, or a complex argument around it, may be left out.
	Optional bool
}

// Leaves returns the arguments that hold values, in the order in which they are written. An
// argument that cannot hold one is among them, with its Odd; so is a complex one without children.
func (m Message) Leaves() []Leaf { return leaves(nil, m.Args, "", false) }

func leaves(out []Leaf, args []Argument, prefix string, optional bool) []Leaf {
	for _, a := range args {
		l := Leaf{prefix + a.Name.Local, a, optional || a.Min == 0}
		if len(a.Fields) == 0 {
			out = append(out, l)
			continue
		}
		out = leaves(out, a.Fields, l.Path+".", l.Optional)
	}
	return out
}
