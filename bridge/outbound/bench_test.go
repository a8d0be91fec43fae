package outbound

import (
	"context"
	"testing"

	peer "github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
)

func BenchmarkDo(b *testing.B) {
	p := peer.New(b, peer.Answer(200, "text/xml", "<ok/>"))
	k, err := New("acme", Config{}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(k.Close)
	r := Request{Method: "POST", URL: p.URL("/x"), Body: make([]byte, 1000)}
	b.ReportAllocs()
	for b.Loop() {
		if a, err := k.Do(context.Background(), r); err != nil || a.Status != 200 {
			b.Fatal(a.Status, err)
		}
	}
}

func BenchmarkClassify(b *testing.B) {
	a := Answer{Status: 200, Body: make([]byte, 1000)}
	b.ReportAllocs()
	for b.Loop() {
		Classify(a, nil, Policy{})
	}
}
