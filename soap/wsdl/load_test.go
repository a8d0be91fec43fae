package wsdl_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// documents is a source of documents that name each other by their names.
type documents struct {
	all  map[string]string
	read []string
}

func (d *documents) Root() string { return "root" }

func (d *documents) Resolve(_, ref string) (string, error) {
	if strings.HasPrefix(ref, "elsewhere") {
		return "", errors.New("it is elsewhere")
	}
	return ref, nil
}

func (d *documents) Get(_ context.Context, location string) ([]byte, string, error) {
	d.read = append(d.read, location)
	text, ok := d.all[location]
	if !ok {
		return nil, "", fmt.Errorf("there is no %s", location)
	}
	return []byte(text), "", nil
}

const (
	schemaNS = `xmlns:x="http://www.w3.org/2001/XMLSchema"`
	wsdlNS   = `xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:t" ` + schemaNS + ` xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"`
)

// split is one description in four documents: service and binding, port type, schema, types.
func split() *documents {
	return &documents{all: map[string]string{
		"root": `<definitions ` + wsdlNS + ` xmlns:p="urn:p" targetNamespace="urn:root"><import namespace="urn:p" location="ports"/>
			<import namespace="urn:e" location="elsewhere.wsdl"/>
			<binding name="B" type="p:P"><s:binding/><operation name="Op"><s:operation soapAction="a"/><input><s:body use="literal"/></input></operation></binding>
			<service name="S"><port name="P" binding="r:B" xmlns:r="urn:root"><s:address location="http://ssp/x.asmx"/></port></service></definitions>`,
		"ports": `<definitions ` + wsdlNS + ` xmlns:p="urn:p" targetNamespace="urn:p"><import namespace="urn:root" location="root"/>
			<types><x:schema><x:import namespace="urn:t" schemaLocation="schema"/></x:schema></types>
			<message name="in"><part name="p" element="t:Op"/></message>
			<portType name="P"><operation name="Op"><input message="p:in"/></operation></portType></definitions>`,
		"schema": `<x:schema ` + schemaNS + ` xmlns:t="urn:t" targetNamespace="urn:t" elementFormDefault="qualified"><x:include schemaLocation="types"/>
			<x:element name="Op"><x:complexType><x:sequence>
				<x:element name="task" type="t:Key"/><x:element name="what" type="t:What"/><x:element ref="t:shared" minOccurs="0"/>
			</x:sequence></x:complexType></x:element></x:schema>`,
		"types": `<x:schema ` + schemaNS + ` elementFormDefault="qualified"><x:include schemaLocation="schema"/>
			<x:simpleType name="Key"><x:restriction base="Short"><x:maxLength value="10"/></x:restriction></x:simpleType>
			<x:simpleType name="Short"><x:restriction base="x:token"><x:maxLength value="20"/></x:restriction></x:simpleType>
			<x:complexType name="Base"><x:sequence><x:element name="id" type="x:int"/></x:sequence></x:complexType>
			<x:complexType name="What"><x:complexContent><x:extension base="Base"><x:sequence>
				<x:element name="text" type="x:string" minOccurs="0" nillable="true"/><x:element name="state" type="State"/>
			</x:sequence></x:extension></x:complexContent></x:complexType>
			<x:simpleType name="State"><x:restriction base="x:string"><x:enumeration value="open"/><x:enumeration value="done"/></x:restriction></x:simpleType>
			<x:element name="shared" type="x:dateTime"/></x:schema>`,
	}}
}

func TestLoadFollowsImports(t *testing.T) {
	s := split()
	d, err := wsdl.Load(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, []string{"elsewhere.wsdl (it is elsewhere)"}, d.Imports)
	o, ok := d.Operation("Op", wsdl.SOAP11)
	require.True(t, ok)
	require.Equal(t, "http://ssp/x.asmx", o.Address)
	require.Empty(t, o.Input.Odd)
	var got []string
	for _, l := range o.Input.Leaves() {
		got = append(got, fmt.Sprint(l.Path, " ", l.Name.Space, " ", l.Base, " ", l.MaxLength, " ", l.Enum, " ", l.Optional, " ", l.Odd))
	}
	require.Equal(t, []string{
		"task urn:t token 10 [] false ",
		"what.id urn:t int 0 [] false ",
		"what.text urn:t string 0 [] true ",
		"what.state urn:t string 0 [open done] false ",
		"shared urn:t dateTime 0 [] true ",
	}, got)
	require.LessOrEqual(t, len(s.read), 6, "documents that import each other are read once")

	// A document that should be there and does not come is an error, not another contract.
	delete(s.all, "types")
	_, err = wsdl.Load(t.Context(), s)
	require.EqualError(t, err, "wsdl: types, which the description imports: there is no types")

	s = split()
	s.all["types"] = "<html/>"
	_, err = wsdl.Load(t.Context(), s)
	require.ErrorContains(t, err, "wsdl: types: this is a web page")
	s.all["types"] = "<a/>"
	_, err = wsdl.Load(t.Context(), s)
	require.EqualError(t, err, "wsdl: types: line 1: the root element is a, neither definitions nor schema")
	delete(s.all, "root")
	_, err = wsdl.Load(t.Context(), s)
	require.EqualError(t, err, "there is no root")
}

func TestLoadIsBounded(t *testing.T) {
	s := split()
	for i := range 2 * wsdl.MaxDocuments {
		s.all[fmt.Sprintf("types%d", i)] = fmt.Sprintf(`<x:schema %s><x:include schemaLocation="types%d"/></x:schema>`, schemaNS, i+1)
	}
	s.all["types"] = fmt.Sprintf(`<x:schema %s><x:include schemaLocation="types0"/></x:schema>`, schemaNS)
	_, err := wsdl.Load(t.Context(), s)
	require.EqualError(t, err, "wsdl: it consists of more than 32 documents")
	require.LessOrEqual(t, len(s.read), wsdl.MaxDocuments)

	// Types that contain themselves, and types that multiply.
	loop := `<x:schema targetNamespace="urn:t"><x:element name="Op"><x:complexType><x:sequence><x:element name="a" type="t:A"/></x:sequence></x:complexType></x:element>
		<x:complexType name="A"><x:sequence><x:element name="a" type="t:A"/></x:sequence></x:complexType></x:schema>`
	d, err := wsdl.Read([]byte(describe(loop)), "")
	require.NoError(t, err)
	o, _ := d.Operation("Op", wsdl.SOAP11)
	leaves := o.Input.Leaves()
	require.Len(t, leaves, 1)
	require.Equal(t, "it is nested too deeply, or contains itself", leaves[0].Odd)

	many := strings.ReplaceAll(loop, `<x:element name="a" type="t:A"/></x:sequence></x:complexType></x:schema>`, strings.Repeat(`<x:element name="b" type="t:A"/>`, 20)+`</x:sequence></x:complexType></x:schema>`)
	d, err = wsdl.Read([]byte(describe(many)), "")
	require.NoError(t, err)
	o, _ = d.Operation("Op", wsdl.SOAP11)
	require.LessOrEqual(t, len(o.Input.Leaves()), wsdl.MaxArguments)
}

func TestReadTypes(t *testing.T) {
	for typ, want := range map[string]string{
		`type="x:guid"`:      "it may be anything (guid)",
		`type="x:anyType"`:   "it may be anything (anyType)",
		``:                   "it may be anything",
		`type="t:Missing"`:   "its type Missing is not described",
		`type="t:Choice"`:    "it has a choice in it",
		`type="t:Loop"`:      "its type is derived too often, or from itself",
		`ref="t:nowhere"`:    "it is not described",
		`type="t:Bound"`:     "it needs an attribute must",
		`type="t:FromGone"`:  "it extends Gone, which is not described",
		`type="t:Narrower"`:  "it has a restriction in it",
		`type="t:BadSimple"`: "its type Gone is not described",
	} {
		schema := `<x:schema targetNamespace="urn:t"><x:element name="Op"><x:complexType><x:sequence><x:element name="a" ` + typ + `/></x:sequence></x:complexType></x:element>
			<x:complexType name="Choice"><x:choice/></x:complexType>
			<x:simpleType name="Loop"><x:restriction base="t:Loop"/></x:simpleType>
			<x:simpleType name="BadSimple"><x:restriction base="t:Gone"/></x:simpleType>
			<x:complexType name="Bound"><x:sequence/><x:attribute name="may"/><x:attribute name="must" use="required"/></x:complexType>
			<x:complexType name="FromGone"><x:complexContent><x:extension base="t:Gone"/></x:complexContent></x:complexType>
			<x:complexType name="Narrower"><x:complexContent><x:restriction base="t:Bound"/></x:complexContent></x:complexType></x:schema>`
		d, err := wsdl.Read([]byte(describe(schema)), "")
		require.NoError(t, err, typ)
		o, _ := d.Operation("Op", wsdl.SOAP11)
		require.Equal(t, want, o.Input.Args[0].Odd, typ)
		require.False(t, o.Input.Args[0].Complex())
	}
	for typ, base := range map[string]string{`type="t:List"`: "string", `type="t:Union"`: "string", `type="t:Inner"`: "short", `type="x:base64Binary"`: "base64Binary"} {
		schema := `<x:schema targetNamespace="urn:t"><x:element name="Op"><x:complexType><x:all><x:element name="a" ` + typ + `/></x:all></x:complexType></x:element>
			<x:simpleType name="List"><x:list itemType="x:int"/></x:simpleType><x:simpleType name="Union"><x:union memberTypes="x:int x:string"/></x:simpleType>
			<x:simpleType name="Inner"><x:restriction><x:simpleType><x:restriction base="x:short"/></x:simpleType></x:restriction></x:simpleType></x:schema>`
		d, err := wsdl.Read([]byte(describe(schema)), "")
		require.NoError(t, err, typ)
		o, _ := d.Operation("Op", wsdl.SOAP11)
		require.Equal(t, base, o.Input.Args[0].Base, typ)
	}
}

// FuzzLoad reads a description in two documents, whose text is whatever.
func FuzzLoad(f *testing.F) {
	s := split()
	f.Add(s.all["root"], s.all["ports"], s.all["schema"], s.all["types"])
	f.Add(describe(`<x:schema targetNamespace="urn:t"><x:include schemaLocation="ports"/></x:schema>`), s.all["types"], "", "")
	f.Fuzz(func(t *testing.T, root, ports, schema, types string) {
		d, err := wsdl.Load(context.Background(), &documents{all: map[string]string{"root": root, "ports": ports, "schema": schema, "types": types}})
		if err != nil {
			require.Nil(t, d)
			return
		}
		for _, o := range d.Operations {
			require.LessOrEqual(t, len(o.Input.Leaves()), wsdl.MaxArguments)
		}
	})
}
