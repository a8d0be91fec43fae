package soap

import (
	"strings"

	gowsdl "github.com/hooklift/gowsdl/soap"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/soap/internal/xmltext"
)

// FaultPolicy says what becomes of an event whose call ended in a fault.
type FaultPolicy string

// The fault policies.
const (
	FaultRetry   FaultPolicy = "retry"   // surely not applied, may work later
	FaultRefused FaultPolicy = "refused" // SSP said no
)

// OnFault says what becomes of an event whose call ended in a SOAP fault, by the fault's code.
type OnFault struct {
	Server FaultPolicy `yaml:"server" enum:"retry|refused" default:"retry" doc:"SSP failed while it worked on the call (faultcode Server: every exception thrown there)"`
	Client FaultPolicy `yaml:"client" enum:"retry|refused" default:"refused" doc:"SSP could not read the call (faultcode Client and others)"`
}

// kind classifies a fault. As .asmx throws it, a fault says "Server" for a dead database and for a
// task that does not exist alike; which of them is more likely is a matter of the site.
func (f OnFault) kind(fault *gowsdl.SOAPFault) bridge.OutcomeKind {
	p := f.Client
	if isServerFault(fault.Code) {
		p = f.Server
	}
	if p == FaultRetry {
		return bridge.OutcomeRetry
	}
	return bridge.OutcomeRefused
}

// isServerFault reports whether the code is Server, in any namespace and with any detail behind
// it (Server.Timeout).
func isServerFault(code string) bool {
	code = strings.TrimSpace(code)
	if i := strings.LastIndexByte(code, ':'); i >= 0 {
		code = code[i+1:]
	}
	code, _, _ = strings.Cut(code, ".")
	return strings.EqualFold(code, "Server") || strings.EqualFold(code, "Receiver")
}

// maxDetail bounds what of a fault becomes the detail of an attempt; the whole of it is in the
// attempt's answer.
const maxDetail = 1000

func faultText(f *gowsdl.SOAPFault, detail string) string {
	text := strings.TrimSpace(xmltext.Legal(f.String))
	if text == "" {
		text = "without text"
	}
	if detail != "" && !strings.Contains(text, detail) {
		text += " (detail: " + detail + ")"
	}
	return cut("fault "+strings.TrimSpace(f.Code)+": "+text, maxDetail)
}

// saysUnknownOperation reports whether a fault says that the service does not know what was
// called: its contract is not what it was.
func saysUnknownOperation(f *gowsdl.SOAPFault) bool {
	return !isServerFault(f.Code) && strings.Contains(f.String, "SOAPAction") ||
		strings.Contains(f.String, "did not recognize the value of HTTP Header")
}

// cut shortens s to at most n bytes, between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
