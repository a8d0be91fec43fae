package binding

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// monoWSDL is what a real ASP.NET host publishes for the default contract.
func monoWSDL(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "wsdl", "testdata", "mono.wsdl"))
	require.NoError(t, err)
	return string(b)
}

func parse(t testing.TB, text string) *wsdl.Document {
	t.Helper()
	d, err := wsdl.Read([]byte(text), "")
	require.NoError(t, err)
	return d
}

// service describes a service whose three operations take and answer the given elements.
func service(in, out string) string {
	var b strings.Builder
	b.WriteString(`<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:t" xmlns:s="http://www.w3.org/2001/XMLSchema" ` +
		`xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" targetNamespace="urn:t"><w:types><s:schema elementFormDefault="qualified" targetNamespace="urn:t">`)
	for _, k := range kinds {
		fmt.Fprintf(&b, `<s:element name="%[1]s"><s:complexType><s:sequence>%[2]s</s:sequence></s:complexType></s:element>`+
			`<s:element name="%[1]sResponse"><s:complexType><s:sequence>%[3]s</s:sequence></s:complexType></s:element>`, DefaultName(k), in, out)
	}
	b.WriteString(`<s:complexType name="Person"><s:sequence><s:element name="Name" type="s:string"/><s:element name="Age" type="s:int" nillable="true"/></s:sequence></s:complexType>` +
		`<s:simpleType name="State"><s:restriction base="s:string"><s:enumeration value="open"/><s:enumeration value="done"/></s:restriction></s:simpleType>` +
		`<s:simpleType name="Short"><s:restriction base="s:string"><s:maxLength value="40"/></s:restriction></s:simpleType>` +
		`<s:complexType name="Outcome"><s:sequence><s:element name="Success" type="s:boolean"/><s:element name="Code" type="s:int"/><s:element name="Text" type="s:string" maxOccurs="unbounded"/></s:sequence></s:complexType>` +
		`</s:schema></w:types>`)
	for _, k := range kinds {
		fmt.Fprintf(&b, `<w:message name="%[1]sIn"><w:part name="p" element="t:%[1]s"/></w:message><w:message name="%[1]sOut"><w:part name="p" element="t:%[1]sResponse"/></w:message>`, DefaultName(k))
	}
	b.WriteString(`<w:portType name="P">`)
	for _, k := range kinds {
		fmt.Fprintf(&b, `<w:operation name="%[1]s"><w:input message="t:%[1]sIn"/><w:output message="t:%[1]sOut"/></w:operation>`, DefaultName(k))
	}
	b.WriteString(`</w:portType><w:binding name="B" type="t:P"><soap:binding/>`)
	for _, k := range kinds {
		fmt.Fprintf(&b, `<w:operation name="%[1]s"><soap:operation soapAction="urn:t/%[1]s"/><w:input><soap:body use="literal"/></w:input></w:operation>`, DefaultName(k))
	}
	b.WriteString(`</w:binding></w:definitions>`)
	return b.String()
}

// read reads operations whose three arguments sections are the same.
func read(t testing.TB, arguments string, more ...string) (*Operations, config.Problems) {
	t.Helper()
	var b strings.Builder
	for _, k := range kinds {
		fmt.Fprintf(&b, "%s:\n", k)
		for _, m := range more {
			fmt.Fprintf(&b, "  %s\n", m)
		}
		b.WriteString("  arguments:\n")
		its := arguments
		if k != bridge.Update { // their text cannot be split
			its = strings.ReplaceAll(arguments, "over: split", "over: cut")
		}
		for line := range strings.Lines(its) {
			b.WriteString("    " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	return readWhole(t, b.String())
}

func readWhole(t testing.TB, text string) (*Operations, config.Problems) {
	t.Helper()
	n, err := config.Parse("c.yaml", []byte(text))
	require.NoError(t, err, "%s", text)
	o := new(Operations)
	config.Decode(n, o)
	return o, n.Problems()
}

func el(name, typ string, attrs ...string) string {
	return `<s:element name="` + name + `" type="` + typ + `" ` + strings.Join(attrs, " ") + `/>`
}
