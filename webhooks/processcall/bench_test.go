package processcall_test

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/pergabridge/pergabridge/bridge"
)

// BenchmarkRead measures what one call of about 1.3 kB costs from raw body to event.
func BenchmarkRead(b *testing.B) {
	text := strings.Repeat("The printer on the second floor is out of order again. ", 16)
	values := map[string]string{
		"task": "4711", "request_type": "Submit Request", "direction": "Out", "message_id": "m-1", "ticket": "T-1001", "title": "Printer",
		"description": text, "priority": "2", "Location": "B1", "Department": "Finance", "Asset": "PRN-0042",
	}
	body, err := json.Marshal(values)
	if err != nil {
		b.Fatal(err)
	}
	var x strings.Builder
	x.WriteString(soap11 + `<soap:Body><ProcessCall xmlns="urn:pergabridge:intake">`)
	for k, v := range values {
		x.WriteString("<" + k + ">")
		if err := xml.EscapeText(&x, []byte(v)); err != nil {
			b.Fatal(err)
		}
		x.WriteString("</" + k + ">")
	}
	x.WriteString(`</ProcessCall></soap:Body></soap:Envelope>`)
	r := open(b, "")
	for name, in := range map[string]bridge.Inbound{
		"json": inbound("application/json; charset=utf-8", string(body)),
		"soap": inbound("text/xml; charset=utf-8", x.String()),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in.Body)))
			b.ReportAllocs()
			for b.Loop() {
				rd, err := r.Read(in)
				if err != nil || rd.Event.Quarantine != "" {
					b.Fatal(err, rd.Event.Detail)
				}
			}
		})
	}
}
