package ssptest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/soap/workflow"
)

// maxBody is what ASP.NET takes by default.
const maxBody = 4 << 20

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.work.Done()
	switch {
	case !strings.EqualFold(r.URL.Path, Path):
		page(w, http.StatusNotFound, "The resource cannot be found.")
	case s.opt.Authorize != nil && !s.opt.Authorize(r):
		w.Header().Set("WWW-Authenticate", `Basic realm="SSP"`)
		page(w, http.StatusUnauthorized, "Access is denied.")
	case r.Method == http.MethodGet && strings.EqualFold(r.URL.RawQuery, "wsdl"):
		answer(w, http.StatusOK, "text/xml; charset=utf-8", s.opt.WSDL("http://"+r.Host+Path))
	case r.Method == http.MethodGet:
		page(w, http.StatusOK, "WorkflowService: "+strings.Join([]string{workflow.Acknowledgement, workflow.UpdateMessage, workflow.Reassignment}, ", "))
	case r.Method != http.MethodPost:
		page(w, http.StatusMethodNotAllowed, "The HTTP verb used is not allowed.")
	default:
		s.post11or12(w, r)
	}
}

// post11or12 answers one SOAP call.
func (s *Server) post11or12(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		page(w, http.StatusRequestEntityTooLarge, "Maximum request length exceeded.")
		return
	}
	req, reply := readRequest(r.Header, raw)
	if reply != nil {
		reply.write(w)
		return
	}
	call := Call{
		Time: s.opt.Now(), Version: req.version.name, Action: r.Header.Get("SOAPAction"),
		Operation: req.operation, Args: req.args, Body: raw,
	}
	s.mu.Lock()
	kept := call
	if !s.opt.KeepBodies {
		kept.Body = nil
	}
	s.calls = append(s.calls, kept)
	script := s.script
	s.changed()
	s.mu.Unlock()

	var t Trouble
	if script != nil {
		if x := script(call); x != nil {
			t = *x
		}
	}
	switch t.Kind {
	case Drop:
		panic(http.ErrAbortHandler) // closes the connection
	case Hang:
		s.hang(r.Context())
	case Page:
		t.page(w)
		return
	case ServerFault:
		req.version.exception(t.Text).write(w)
		return
	case ClientFault:
		req.version.fault(true, t.Text).write(w)
		return
	case Result:
		req.result(t.Text).write(w)
		return
	}

	effect, echo, err := s.apply(req)
	if err != nil {
		req.version.exception(err.Error()).write(w)
		return
	}
	if s.opt.OnEffect != nil {
		s.opt.OnEffect(effect)
	}
	answered := s.echo(echo)
	defer answered()
	switch t.Kind {
	case DropAfter:
		panic(http.ErrAbortHandler)
	case HangAfter:
		answered()
		s.hang(r.Context())
	case PageAfter:
		t.page(w)
	case ResultAfter:
		req.result(t.Text).write(w)
	default:
		req.result("OK").write(w)
	}
	_ = http.NewResponseController(w).Flush() // the echo comes after the answer, not with it
}

// hang waits until the caller gives up and ends the connection.
func (s *Server) hang(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
	panic(http.ErrAbortHandler)
}

// An exception is what the service throws; its text ends up in a fault.
type exception string

func (e exception) Error() string { return string(e) }

// apply carries one call out and queues its echo, nil if there is none.
func (s *Server) apply(r *request) (Effect, *process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := r.args["processInstanceTaskId"]
	if !ok {
		return Effect{}, nil, exception("Value cannot be null.\r\nParameter name: processInstanceTaskId")
	}
	t := s.tasks[id]
	if t == nil {
		return Effect{}, nil, exception("Task " + id + " does not exist.")
	}
	e := Effect{Seq: len(s.effects) + 1, Time: s.opt.Now(), Operation: r.operation, Task: id, Args: r.args}
	requestType, text := "", ""
	switch r.operation {
	case Acknowledgement:
		e.Text = r.args["externalReference"]
		t.Reference = e.Text
	case UpdateMessage:
		if t.Status == Closed {
			return Effect{}, nil, exception("Task " + id + " is closed.")
		}
		e.Text = r.args["message"]
		requestType, text = "Update", e.Text
		t.Messages = append(t.Messages, Message{Time: e.Time, External: true, Text: e.Text})
	case Reassignment:
		if t.Status != Assigned && !(t.Status == Solved && s.opt.RepeatedSolutions) {
			return Effect{}, nil, exception("Task " + id + " is not assigned to an external group: it is " + string(t.Status) + ".")
		}
		e.Text = r.args["solution"]
		requestType, text = "Reassigned", e.Text
		t.Solution, t.Status = e.Text, Solved
	}
	s.effects = append(s.effects, e)
	s.changed()
	if s.opt.Echo == EchoNever || r.operation == Acknowledgement && s.opt.NoAcknowledgeEcho {
		return e, nil, nil
	}
	return e, s.fire(t, requestType, "In", text), nil
}

// echo lets the echo go now, or returns the function that does so once the call was answered.
func (s *Server) echo(p *process) (answered func()) {
	if p == nil {
		return func() {}
	}
	mode := s.opt.Echo
	if mode == EchoMixed {
		s.mu.Lock()
		switch s.dice.IntN(3) {
		case 0:
			mode = EchoBefore
		case 1:
			mode = EchoAfter
		}
		s.mu.Unlock()
	}
	if mode == EchoAfter {
		return sync.OnceFunc(func() { close(p.ready) })
	}
	close(p.ready)
	if mode == EchoBefore {
		patience := time.NewTimer(echoPatience)
		defer patience.Stop()
		select {
		case <-p.done:
		case <-patience.C:
		case <-s.ctx.Done():
		}
	}
	return func() {}
}

func (t Trouble) page(w http.ResponseWriter) {
	status, contentType := t.Status, t.ContentType
	if status == 0 {
		status = http.StatusOK
	}
	if contentType == "" {
		contentType = "text/html; charset=utf-8"
	}
	answer(w, status, contentType, []byte(t.Text))
}

func page(w http.ResponseWriter, status int, text string) {
	answer(w, status, "text/html; charset=utf-8", []byte("<!DOCTYPE html>\r\n<html><head><title>"+text+"</title></head><body><h1>"+text+"</h1></body></html>"))
}

func answer(w http.ResponseWriter, status int, contentType string, b []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = io.Copy(w, bytes.NewReader(b)) // a caller that has gone needs no answer
}
