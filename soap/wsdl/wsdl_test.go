package wsdl_test

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// testdata/mono.wsdl is what a real ASP.NET host (Mono) publishes for an .asmx with three methods.
func mono(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/mono.wsdl")
	require.NoError(t, err)
	return b
}

func TestReadWhatASPNETPublishes(t *testing.T) {
	d, err := wsdl.Read(mono(t), "text/xml; charset=utf-8")
	require.NoError(t, err)
	require.Equal(t, "http://tempuri.org/", d.TargetNamespace)
	require.Empty(t, d.Imports)
	require.Len(t, d.Operations, 6, "three operations in two SOAP versions; plain HTTP is left out")

	const name = "ProcessInstanceTaskExternalAcknowledgement"
	for _, v := range []wsdl.Version{wsdl.SOAP11, wsdl.SOAP12} {
		o, ok := d.Operation(name, v)
		require.True(t, ok)
		tns := func(local string) xml.Name { return xml.Name{Space: "http://tempuri.org/", Local: local} }
		str := xml.Name{Space: wsdl.XMLSchema, Local: "string"}
		require.Equal(t, wsdl.Operation{
			Name: name, Version: v, Action: "http://tempuri.org/" + name, Style: "document", Use: "literal",
			Address: "http://127.0.0.1:18081/WorkflowService.asmx",
			Input: wsdl.Message{Element: tns(name), Args: []wsdl.Argument{
				{Name: tns("processInstanceTaskId"), Type: str, Max: 1, Base: "string"},
				{Name: tns("externalReference"), Type: str, Max: 1, Base: "string"},
			}},
			Output: wsdl.Message{Element: tns(name + "Response"), Args: []wsdl.Argument{
				{Name: tns(name + "Result"), Type: str, Max: 1, Base: "string"},
			}},
		}, o)
		require.True(t, o.Input.Args[0].IsString())
	}
	_, ok := d.Operation("Nothing", wsdl.SOAP11)
	require.False(t, ok)
}

// describe builds a small description around a schema.
func describe(schema string) string {
	return `<?xml version="1.0"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:t" xmlns:x="http://www.w3.org/2001/XMLSchema"
 xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/" targetNamespace="urn:t">
<types>` + schema + `</types>
<message name="in"><part name="p" element="t:Op"/></message>
<message name="out"><part name="p" element="t:OpResponse"/></message>
<portType name="P"><operation name="Op"><documentation> Does it. </documentation><input message="t:in"/><output message="t:out"/></operation></portType>
<binding name="B" type="t:P"><s:binding transport="http://schemas.xmlsoap.org/soap/http"/>
<operation name="Op"><s:operation soapAction="urn:t/Op"/><input><s:body use="literal"/></input></operation></binding>
</definitions>`
}

func TestReadShapes(t *testing.T) {
	tns := func(l string) xml.Name { return xml.Name{Space: "urn:t", Local: l} }
	xsd := func(l string) xml.Name { return xml.Name{Space: wsdl.XMLSchema, Local: l} }
	for name, c := range map[string]struct {
		schema string
		want   wsdl.Message
	}{
		"unqualified, default occurrence": {
			`<x:schema targetNamespace="urn:t"><x:element name="Op"><x:complexType><x:sequence>
			<x:element name="a" type="x:int"/><x:element form="qualified" name="b" type="x:string" nillable="true" minOccurs="0" maxOccurs="unbounded"/>
			</x:sequence></x:complexType></x:element></x:schema>`,
			wsdl.Message{Element: tns("Op"), Args: []wsdl.Argument{
				{Name: xml.Name{Local: "a"}, Type: xsd("int"), Min: 1, Max: 1, Base: "int"},
				{Name: tns("b"), Type: xsd("string"), Max: -1, Nillable: true, Base: "string"},
			}},
		},
		"named type": {
			`<x:schema targetNamespace="urn:t" elementFormDefault="qualified"><x:element name="Op" type="t:OpType"/>
			<x:complexType name="OpType"><x:annotation/><x:sequence><x:element ref="t:shared"/></x:sequence></x:complexType>
			<x:element name="shared" type="x:string" nillable="1"/></x:schema>`,
			wsdl.Message{Element: tns("Op"), Args: []wsdl.Argument{{Name: tns("shared"), Type: xsd("string"), Min: 1, Max: 1, Nillable: true, Base: "string"}}},
		},
		"no arguments": {
			`<x:schema targetNamespace="urn:t"><x:element name="Op"><x:complexType/></x:element></x:schema>`,
			wsdl.Message{Element: tns("Op")},
		},
		"simple type": {
			`<x:schema targetNamespace="urn:t"><x:element name="Op" type="x:string"/></x:schema>`,
			wsdl.Message{Element: tns("Op"), Odd: "element Op is not a sequence of elements"},
		},
		"choice": {
			`<x:schema targetNamespace="urn:t"><x:element name="Op"><x:complexType><x:choice/></x:complexType></x:element></x:schema>`,
			wsdl.Message{Element: tns("Op"), Odd: "element Op has a choice in it"},
		},
		"any": {
			`<x:schema targetNamespace="urn:t"><x:element name="Op"><x:complexType><x:sequence><x:any/></x:sequence></x:complexType></x:element></x:schema>`,
			wsdl.Message{Element: tns("Op"), Odd: "element Op has a any in it"},
		},
		"declared elsewhere": {
			`<x:schema targetNamespace="urn:t"><x:include schemaLocation="http://example.com/more.xsd"/></x:schema>`,
			wsdl.Message{Element: tns("Op"), Odd: "element Op is not declared in this document"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := wsdl.Read([]byte(describe(c.schema)), "")
			require.NoError(t, err)
			o, ok := d.Operation("Op", wsdl.SOAP11)
			require.True(t, ok)
			require.Equal(t, c.want, o.Input)
			require.Equal(t, "Does it.", o.Doc)
		})
	}
	d, err := wsdl.Read([]byte(describe(`<x:schema targetNamespace="urn:t"><x:include schemaLocation="more.xsd"/></x:schema>`)), "")
	require.NoError(t, err)
	require.Equal(t, []string{"more.xsd"}, d.Imports)
}

func TestReadRefuses(t *testing.T) {
	deep := strings.Repeat("<a>", wsdl.MaxDepth+1) + strings.Repeat("</a>", wsdl.MaxDepth+1)
	var attrs strings.Builder
	for i := range wsdl.MaxAttributes + 1 {
		fmt.Fprintf(&attrs, " a%d='x'", i)
	}
	good := string(mono(t))
	for name, c := range map[string]struct{ data, want string }{
		"nothing":            {"", "wsdl: empty"},
		"a login page":       {"<!DOCTYPE html><html><body>Login</body></html>", "wsdl: this is a web page, not a description (does the address end in ?WSDL, and does it ask for a login?)"},
		"an entity attack":   {`<!DOCTYPE d [<!ENTITY a "b">]><definitions/>`, "wsdl: document type declarations are refused"},
		"a late declaration": {`<a><!DOCTYPE d></a>`, "wsdl: line 1: document type declarations are refused"},
		"not XML":            {"hello", "wsdl: no element in it"},
		"broken XML":         {"<a>\n<b></a>", "wsdl: line 2: XML syntax error on line 2: element <b> closed by </a>"},
		"another document":   {"\n<a/>", "wsdl: line 2: the root element is a, not definitions of WSDL 1.1"},
		"depth":              {deep, "wsdl: line 1: elements are nested too deeply"},
		"elements":           {"<a>" + strings.Repeat("<b/>", wsdl.MaxElements) + "</a>", "wsdl: line 1: too many elements"},
		"attributes":         {"<a" + attrs.String() + "/>", "wsdl: line 1: too many attributes"},
		"size":               {strings.Repeat(" ", wsdl.MaxBytes+1), "wsdl: larger than 4 MiB"},
		"two roots":          {"<a/><b/>", "wsdl: line 1: more than one root element"},
		"undeclared prefix":  {strings.Replace(good, `type="tns:WorkflowServiceSoap"`, `type="nope:WorkflowServiceSoap"`, 1), "wsdl: line 155: prefix nope is not declared"},
		"missing message":    {strings.Replace(good, `message="tns:ProcessInstanceTaskExternalAcknowledgementSoapIn"`, `message="tns:Gone"`, 1), "wsdl: line 115: message Gone is not in this document"},
		"missing port type":  {strings.Replace(good, `<wsdl:portType name="WorkflowServiceSoap">`, `<wsdl:portType name="Other">`, 1), "wsdl: line 155: port type WorkflowServiceSoap of binding WorkflowServiceSoap is not in this document"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := wsdl.Read([]byte(c.data), "")
			require.EqualError(t, err, c.want)
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(mono(f), "text/xml; charset=utf-8")
	f.Add([]byte(describe(`<x:schema targetNamespace="urn:t"><x:element name="Op" type="t:OpType"/><x:complexType name="OpType"><x:sequence><x:element ref="t:Op"/></x:sequence></x:complexType></x:schema>`)), "")
	f.Fuzz(func(t *testing.T, data []byte, contentType string) {
		d, err := wsdl.Read(data, contentType)
		if err != nil {
			require.Nil(t, d)
			var e *wsdl.Error
			require.ErrorAs(t, err, &e)
			return
		}
		require.NotNil(t, d)
		for _, o := range d.Operations {
			require.Contains(t, []wsdl.Version{wsdl.SOAP11, wsdl.SOAP12}, o.Version)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	data := mono(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wsdl.Read(data, ""); err != nil {
			b.Fatal(err)
		}
	}
}
