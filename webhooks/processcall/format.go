package processcall

import (
	"mime"
	"strings"
)

// Format is the language a call is written in; the answer is written in the same one.
type Format string

// The formats.
const (
	JSON   Format = "json"
	Form   Format = "form"
	XML    Format = "xml"
	SOAP11 Format = "soap11"
	SOAP12 Format = "soap12"
)

// The namespaces of the two SOAP versions.
const (
	NamespaceSOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
	NamespaceSOAP12 = "http://www.w3.org/2003/05/soap-envelope"
)

// FormatOf tells from the content type, and where that says nothing from the first character of
// the body, how a call is to be read. SOAP 1.1 shares its content type with plain XML; which of
// the two it is shows only when the body is read. ok is false for everything else: multipart,
// images, and bodies without a type that begin like none of these.
func FormatOf(contentType string, body []byte) (f Format, ok bool) {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil { // a broken parameter does not make JSON unreadable
		media, _, _ = strings.Cut(contentType, ";")
		media = strings.ToLower(strings.TrimSpace(media))
	}
	switch {
	case media == "application/json" || media == "text/json" || media == "text/x-json" || strings.HasSuffix(media, "+json"):
		return JSON, true
	case media == "application/x-www-form-urlencoded":
		return Form, true
	case media == "application/soap+xml":
		return SOAP12, true
	case media == "application/xml" || media == "text/xml" || strings.HasSuffix(media, "+xml"):
		return XML, true
	case media == "" || media == "text/plain" || media == "application/octet-stream":
		return sniff(body)
	}
	return "", false
}

// sniff recognises JSON and XML by their first character, also in UTF-16.
func sniff(body []byte) (Format, bool) {
	for i := 0; i < len(body) && i < 256; i++ {
		switch body[i] {
		case ' ', '\t', '\r', '\n', 0, 0xEF, 0xBB, 0xBF, 0xFE, 0xFF:
			continue
		case '{':
			return JSON, true
		case '<':
			return XML, true
		}
		break
	}
	return "", false
}
