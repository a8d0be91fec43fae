package processcall_test

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/webhooks/processcall"
)

func fields(pairs ...string) []processcall.Field {
	var out []processcall.Field
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, processcall.Field{Name: pairs[i], Value: pairs[i+1]})
	}
	return out
}

func wide(s string, bigEndian, mark bool) string {
	var b []byte
	units := utf16.Encode([]rune(s))
	if mark {
		units = append([]uint16{0xFEFF}, units...)
	}
	for _, u := range units {
		if bigEndian {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

const (
	soap11 = `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">`
	soap12 = `<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope">`
)

func TestDecodeReadsEveryForm(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		format                  processcall.Format
		want                    []processcall.Field
	}{
		{
			"flat json", "application/json", `{"task":"4711","n":1.50,"big":12345678901234567890,"yes":true,"none":null}`, processcall.JSON,
			fields("task", "4711", "n", "1.50", "big", "12345678901234567890", "yes", "true"),
		},
		{
			"nested json", "application/json; charset=utf-8", `{"requester":{"name":"é 漢","address":{"city":"x"}}}`, processcall.JSON,
			fields("requester.name", "é 漢", "requester.address.city", "x"),
		},
		{
			"json lists", "text/json", `{"tag":["a","b",3],"item":[{"n":"1"},{"n":"2"},["x"]],"empty":[]}`, processcall.JSON,
			fields("tag", "a", "tag", "b", "tag", "3", "item.0.n", "1", "item.1.n", "2", "item.2", "x"),
		},
		{"json in windows-1252", "application/json; charset=windows-1252", "{\"text\":\"caf\xe9 \x80\"}", processcall.JSON, fields("text", "café €")},
		{"json in utf-16 with mark", "application/json", wide(`{"text":"é漢😀"}`, false, true), processcall.JSON, fields("text", "é漢😀")},
		{"json without a type", "", " \n{\"task\":\"1\"}", processcall.JSON, fields("task", "1")},
		{"json called plain text", "text/plain", `{"task":"1"}`, processcall.JSON, fields("task", "1")},
		{"vendor json", "application/vnd.ssp+json", `{"task":"1"}`, processcall.JSON, fields("task", "1")},
		{"broken parameter", "application/json; charset", `{"task":"1"}`, processcall.JSON, fields("task", "1")},
		{
			"form", "application/x-www-form-urlencoded", "task=47%2B11&text=a+b%0Ac&requester.name=%C3%A9&empty=&&flag", processcall.Form,
			fields("task", "47+11", "text", "a b\nc", "requester.name", "é", "empty", "", "flag", ""),
		},
		{"form in latin-1", "application/x-www-form-urlencoded; charset=iso-8859-1", "text=%E9", processcall.Form, fields("text", "é")},
		{"form with an xml text", "application/x-www-form-urlencoded", "text=%3C%3Fxml+version%3D%221.0%22+encoding%3D%22utf-16%22%3F%3E", processcall.Form,
			fields("text", `<?xml version="1.0" encoding="utf-16"?>`)},
		{
			"adapter call", "text/xml", `<?xml version="1.0"?><SSPAdapterCall><Field Name="task">4711</Field><Field Name="External Id"> x </Field></SSPAdapterCall>`,
			processcall.XML, fields("task", "4711", "External Id", " x "),
		},
		{
			"plain elements", "application/xml", "<call>\n <task>1</task>\n <requester><name>A</name></requester><text>a &amp; b<![CDATA[<c>]]></text><empty/>\n</call>",
			processcall.XML, fields("task", "1", "requester.name", "A", "text", "a & b<c>", "empty", ""),
		},
		{
			"repeated and mixed elements", "application/xml", `<c><t>1</t><t>2</t><i><n>1</n></i><i><n>2</n></i><m>x<b>y</b></m></c>`,
			processcall.XML, fields("t", "1", "t", "2", "i.n", "1", "i.1.n", "2", "m.b", "y", "m", "x"),
		},
		{
			"nil element", "application/xml", `<c xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><a xsi:nil="true"/><b>1</b></c>`,
			processcall.XML, fields("b", "1"),
		},
		{"declared windows-1252", "text/xml", "<?xml version=\"1.0\" encoding=\"windows-1252\"?><c><t>\xe9</t></c>", processcall.XML, fields("t", "é")},
		{"declared utf-16 and is not", "text/xml", `<?xml version="1.0" encoding="utf-16"?><c><t>é</t></c>`, processcall.XML, fields("t", "é")},
		{"utf-16", "text/xml", wide(`<?xml version="1.0" encoding="utf-16"?><c><t>漢</t></c>`, true, true), processcall.XML, fields("t", "漢")},
		{
			"soap 1.1", "text/xml; charset=utf-8",
			soap11 + `<soap:Header><x><y/></x></soap:Header><soap:Body><ProcessCall xmlns="urn:x"><task>1</task><Field Name="a">b</Field></ProcessCall></soap:Body></soap:Envelope>`,
			processcall.SOAP11, fields("task", "1", "a", "b"),
		},
		{
			"soap 1.2", "application/soap+xml; action=\"x\"", soap12 + `<soap:Body><a><task>1</task></a></soap:Body></soap:Envelope>`,
			processcall.SOAP12, fields("task", "1"),
		},
		{
			"only the first child of the soap body", "text/xml", soap11 + `<soap:Body><a><task>1</task></a><b><task>2</task></b></soap:Body></soap:Envelope>`,
			processcall.SOAP11, fields("task", "1"),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := processcall.Decode(c.contentType, []byte(c.body), 0, 0)
			require.NoError(t, err)
			require.Equal(t, c.format, got.Format)
			require.Equal(t, c.want, got.Fields)
		})
	}
}

// The texts of these errors are what the administrator of SSP sees; each has to point at the
// template.
func TestDecodeExplainsWhatIsWrong(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for _, c := range []struct{ name, contentType, body, want string }{
		{"empty", "application/json", " \n", "the body is empty"},
		{"json sent as a form", "application/x-www-form-urlencoded", `{"task":"1"}`, `the body looks like JSON, but its Content-Type is "application/x-www-form-urlencoded": send it as application/json`},
		{"json sent as xml", "text/xml", ` {"task":"1"}`, "send it as application/json"},
		{"xml sent as a form", "application/x-www-form-urlencoded", `<c/>`, "send it as text/xml"},
		{"xml sent as json", "application/json", `<c/>`, "the body looks like XML"},
		{"form sent as json", "application/json; charset=utf-8", `request_type=Update&task=1`, "the body looks like a form"},
		{"form sent as xml", "text/xml", `task=1`, "send it as application/x-www-form-urlencoded"},
		{"no object", "application/json", `["a"]`, "not an object"},
		{"unquoted word", "application/json", `{"task": T-1001, "text": "x"}`, "line 1, column 10: a value is not quoted; write the placeholder in the template as #NAME||JSON#"},
		{"unquoted number with a tail", "application/json", `{"task": 4711-A}`, "a value is not quoted or not escaped"},
		{"quoted twice", "application/json", `{"task": ""4711""}`, "a value is quoted twice; ||JSON adds the quotes itself"},
		{"quote inside a text", "application/json", `{"text": "he said "hi" to me"}`, "a value holds a quote"},
		{"line break inside a text", "application/json", "{\"text\": \"a\nb\"}", "a line break or control character stands inside a value"},
		{"backslash", "application/json", `{"text": \\srv\share}`, "a backslash stands outside a value"},
		{"placeholder left", "application/json", `{"task": #TASKID||JSON#}`, "the placeholder #TASKID||JSON# was not replaced"},
		{"empty placeholder", "application/json", `{"task": , "text": "x"}`, "a value is missing"},
		{"cut off", "application/json", `{"task": "4711"`, "ends too early"},
		{"tail", "application/json", `{"task":"1"}x`, "goes on after its closing brace"},
		{"second document", "application/json", `{"task":"1"}{"task":"2"}`, "goes on after its closing brace"},
		{"deep json", "application/json", deep(40), "nested deeper than 32"},
		{"deep list", "application/json", `{"a":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + "}", "nested deeper than 32"},
		{"many fields", "application/json", `{"a":[` + strings.Repeat("1,", 1000) + `1]}`, "more than 1000 fields"},
		{"long name", "application/json", `{"` + strings.Repeat("a", 300) + `":1}`, "longer than 256 bytes"},
		{"long nested name", "application/json", `{"` + strings.Repeat("a", 200) + `":{"` + strings.Repeat("b", 200) + `":1}}`, "longer than 256 bytes"},
		{"unknown charset", "application/json; charset=klingon", `{}`, "unknown character set"},
		{"ampersand", "text/xml", `<c><text>R&D</text></c>`, "an & in a value has to be written as &amp;"},
		{"less than", "text/xml", `<c><text>1 < 2</text></c>`, "a < in a value has to be written as &lt;"},
		{"doctype", "text/xml", `<!DOCTYPE c [<!ENTITY x "y">]><c/>`, "document type declaration"},
		{"entity", "text/xml", `<c><text>&x;</text></c>`, "not well-formed"},
		{"deep xml", "text/xml", strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40), "nested deeper than 32"},
		{"deep header", "text/xml", soap11 + "<soap:Header>" + strings.Repeat("<a>", 40), "nested deeper than 32"},
		{"xml cut off", "text/xml", `<c><text>x`, "not well-formed"},
		{"no element", "text/xml", `<!-- nothing -->`, "holds no element"},
		{"text first", "text/xml", `hello`, "begins with text"},
		{"empty soap body", "text/xml", soap11 + `<soap:Body/></soap:Envelope>`, "the SOAP body is empty"},
		{"no soap body", "text/xml", soap11 + `</soap:Envelope>`, "no Body"},
		{"strange envelope", "text/xml", `<Envelope xmlns="urn:x"/>`, "neither SOAP 1.1 nor 1.2"},
		{"soap type without envelope", "application/soap+xml", `<c/>`, "not an Envelope"},
		{"form escape", "application/x-www-form-urlencoded", "text=100%", "not form-encoded"},
		{"form with many fields", "application/x-www-form-urlencoded", strings.Repeat("a=1&", 1001), "more than 1000 fields"},
		{"multipart", "multipart/form-data; boundary=x", "--x", "not one of JSON, form, XML and SOAP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := processcall.Decode(c.contentType, []byte(c.body), 0, 0)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestFormatOf(t *testing.T) {
	for contentType, want := range map[string]processcall.Format{
		"application/json": processcall.JSON, "Application/JSON; charset=utf-8": processcall.JSON, "application/problem+json": processcall.JSON,
		"application/x-www-form-urlencoded": processcall.Form, "text/xml": processcall.XML, "application/atom+xml": processcall.XML,
		"application/soap+xml": processcall.SOAP12, "multipart/form-data; boundary=x": "", "image/png": "", "": "",
	} {
		got, ok := processcall.FormatOf(contentType, []byte("task=1"))
		require.Equal(t, want, got, contentType)
		require.Equal(t, want != "", ok, contentType)
	}
	got, _ := processcall.FormatOf("", []byte("\xef\xbb\xbf <a/>"))
	require.Equal(t, processcall.XML, got)
}
