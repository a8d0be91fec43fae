package soap

import (
	"net/http"
	"testing"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// One SOAP call over loopback to the fake SSP, both ends on the same machine.
func BenchmarkCall(b *testing.B) {
	s := startSSP(b, ssptest.Options{})
	d := newDestination(b, Config{URL: s.URL()})
	l := lease(bridge.Update, assignedTask(b, s), awkward)
	b.ReportAllocs()
	for b.Loop() {
		if o := d.Deliver(b.Context(), l); o.Kind != bridge.OutcomeDone {
			b.Fatalf("%+v", o)
		}
	}
}

func BenchmarkCallParallel(b *testing.B) {
	s := startSSP(b, ssptest.Options{})
	d := newDestination(b, Config{URL: s.URL()})
	l := lease(bridge.Update, assignedTask(b, s), awkward)
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if o := d.Deliver(b.Context(), l); o.Kind != bridge.OutcomeDone {
				b.Errorf("%+v", o)
			}
		}
	})
}

// What of a call is ours: building the request and reading the answer, without the wire.
func BenchmarkEncodeDecode(b *testing.B) {
	d := newDestination(b, Config{URL: "http://127.0.0.1:1/", Contract: Assumed})
	d.service = newService(d.config.URL, stub{outbound.Answer{
		Status: http.StatusOK, Header: http.Header{"Content-Type": {soapXML}}, Body: []byte(response("OK")),
	}})
	l := lease(bridge.Update, "4711", awkward)
	b.ReportAllocs()
	for b.Loop() {
		if o := d.Deliver(b.Context(), l); o.Kind != bridge.OutcomeDone {
			b.Fatalf("%+v", o)
		}
	}
}
