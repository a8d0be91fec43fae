package binding

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"

	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// fingerprintForm is the form of a fingerprint; v1 names the way it is made.
var fingerprintForm = regexp.MustCompile(`^v1-[0-9a-f]{32}$`)

// IsFingerprint reports whether s could be one.
func IsFingerprint(s string) bool { return fingerprintForm.MatchString(s) }

// Fingerprint identifies operations by all that a call depends on. Addresses, documentation and
// other operations of the service are no part of it.
func Fingerprint(ops []wsdl.Operation) string {
	h := sha256.New()
	for _, o := range ops {
		fmt.Fprintf(h, "operation %q %q %q %q %q\n", o.Name, o.Version, o.Action, o.Style, o.Use)
		for _, m := range []wsdl.Message{o.Input, o.Output} {
			fmt.Fprintf(h, " message %s %q\n", name(m.Element), m.Odd)
			canonical(h, m.Args, "  ")
		}
	}
	return "v1-" + hex.EncodeToString(h.Sum(nil)[:16])
}

func canonical(w io.Writer, args []wsdl.Argument, indent string) {
	for _, a := range args {
		fmt.Fprintf(w, "%s%s %s %q %d %d %v %q %d %q\n", indent, name(a.Name), name(a.Type), a.Base, a.Min, a.Max, a.Nillable, a.Enum, a.MaxLength, a.Odd)
		canonical(w, a.Fields, indent+" ")
	}
}

func name(n xml.Name) string { return fmt.Sprintf("{%s}%s", n.Space, n.Local) }
