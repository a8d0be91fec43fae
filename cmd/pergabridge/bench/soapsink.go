package bench

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pergabridge/pergabridge/soap/workflow"
)

// A soapSink answers SSP's calls and notes when each event arrived. The faithful fake of ssptest, which
// keeps and understands everything, would take more of the machine than the bridge.
type soapSink struct {
	url     string
	server  *http.Server
	done    chan struct{}
	began   time.Time
	sent    []int64        // by event, nanoseconds since began; written by its caller before it sends
	arrived []atomic.Int64 // likewise, 0: not yet
	n       atomic.Int64
	doubled atomic.Int64
	last    atomic.Int64
	all     chan struct{}
}

func startSOAPSink(events int) (*soapSink, error) {
	s := &soapSink{sent: make([]int64, events), arrived: make([]atomic.Int64, events), all: make(chan struct{})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: time.Minute}
	s.url = "http://" + l.Addr().String() + "/Workflow/WebService/WorkflowService.asmx"
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		_ = s.server.Serve(l) // ends with close
	}()
	return s, nil
}

func (s *soapSink) close() {
	_ = s.server.Close()
	<-s.done
}

const soapAnswer = `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` +
	`<%[1]sResponse xmlns="` + workflow.Namespace + `"><%[1]sResult>0</%[1]sResult></%[1]sResponse></soap:Body></soap:Envelope>`

func (s *soapSink) serve(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || r.Method != http.MethodPost {
		http.Error(w, "the bench answers only SOAP calls", http.StatusBadRequest)
		return
	}
	action := strings.Trim(r.Header.Get("SOAPAction"), `"`)
	operation := action[strings.LastIndexByte(action, '/')+1:]
	answer := fmt.Appendf(nil, soapAnswer, operation)
	if i := bytes.Index(raw, []byte(marker)); i >= 0 {
		digits := raw[i+len(marker):]
		end := bytes.IndexFunc(digits, func(c rune) bool { return c < '0' || c > '9' })
		if n, err := strconv.Atoi(string(digits[:max(end, 0)])); err == nil && n < len(s.arrived) {
			s.note(n)
		}
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = w.Write(answer)
}

// note counts the effect of an event.
func (s *soapSink) note(n int) {
	at := int64(time.Since(s.began))
	if !s.arrived[n].CompareAndSwap(0, at) {
		s.doubled.Add(1)
		return
	}
	if s.n.Add(1) == int64(len(s.arrived)) {
		s.last.Store(at)
		close(s.all)
	}
}

// through returns how long each event took from its request to its call, in nanoseconds.
func (s *soapSink) through() []int64 {
	out := make([]int64, len(s.arrived))
	for i := range s.arrived {
		out[i] = s.arrived[i].Load() - s.sent[i]
	}
	return out
}
