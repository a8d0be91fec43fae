package ssptest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A ProcessCall is one call of a group's process to the bridge.
type ProcessCall struct {
	Seq   int // from 1, in order
	Time  time.Time
	Group string

	Task        string
	RequestType string
	Direction   string
	Reference   string
	Text        string
	MessageID   string

	Tries     int
	Delivered bool   // answered with 2xx
	GivenUp   bool   // answered with 4xx, or too many tries
	Status    int    // of the first 2xx answer, else of the last
	Answer    string // the first 2xx answer, else the last; shortened
	Err       string // of the last try, if none was answered with 2xx
	Again     string // the 2xx answer to a second copy of the call (see [Options].Duplicates), if it had one
}

// body is the JSON that an administrator's REST template produces.
type body struct {
	Task        string            `json:"task"`
	RequestType string            `json:"request_type"`
	Direction   string            `json:"direction"`
	Reference   string            `json:"reference"`
	Text        string            `json:"text"`
	MessageID   string            `json:"message_id"`
	Ticket      string            `json:"ticket"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Priority    string            `json:"priority"`
	Requester   Person            `json:"requester"`
	Fields      map[string]string `json:"fields,omitempty"`
}

// A process is one process call on its way.
type process struct {
	call  ProcessCall
	to    Group
	body  []byte
	ready chan struct{} // closed when it may be made; its place in the order is fixed before
	done  chan struct{} // closed when it was delivered or given up
}

// fire queues the process call of the task's group and returns it, nil if that is not an integrated
// group. It is made once ready is closed. The lock is held.
func (s *Server) fire(t *Task, requestType, direction, text string) *process {
	group, ok := s.groups[t.Group]
	if !ok || s.closed {
		return nil
	}
	p := &process{to: group, ready: make(chan struct{}), done: make(chan struct{})}
	p.call = ProcessCall{
		Seq: len(s.processes) + 1, Time: s.opt.Now(), Group: t.Group, Task: t.Task,
		RequestType: requestType, Direction: direction, Reference: t.Reference, Text: text,
	}
	if s.opt.MessageIDs && text != "" {
		p.call.MessageID = fmt.Sprintf("m-%d", p.call.Seq)
	}
	var err error
	p.body, err = json.Marshal(body{
		Task: t.Task, RequestType: requestType, Direction: direction, Reference: t.Reference, Text: text,
		MessageID: p.call.MessageID, Ticket: t.Number, Title: t.Title, Description: t.Description,
		Priority: t.Priority, Requester: t.Requester, Fields: t.Fields,
	})
	if err != nil {
		panic(err) // strings always marshal
	}
	s.processes = append(s.processes, p)
	queue, running := s.queues[t.Task]
	s.queues[t.Task] = append(queue, p)
	if !running {
		s.work.Add(1)
		go s.drain(t.Task)
	}
	return p
}

// drain makes the process calls of one task, one after the other, until there are none.
func (s *Server) drain(task string) {
	defer s.work.Done()
	for {
		s.mu.Lock()
		queue := s.queues[task]
		if len(queue) == 0 || s.closed {
			delete(s.queues, task)
			s.changed()
			s.mu.Unlock()
			return
		}
		p := queue[0]
		twice := s.chance(s.opt.Duplicates)
		s.mu.Unlock()

		s.deliver(p)
		if twice && p.call.Delivered {
			s.try(p)
		}

		s.mu.Lock()
		p.body = nil
		s.queues[task] = s.queues[task][1:]
		call := p.call
		s.changed()
		s.mu.Unlock()
		close(p.done)
		if s.opt.OnProcessCall != nil && (call.Delivered || call.GivenUp) {
			s.opt.OnProcessCall(call)
		}
	}
}

// deliver tries until the call was delivered or given up, or the server closes.
func (s *Server) deliver(p *process) {
	select {
	case <-p.ready:
	case <-s.ctx.Done():
		return
	}
	for try := 0; ; try++ {
		s.mu.Lock()
		up := s.up
		s.mu.Unlock()
		select {
		case <-up: // an SSP that is down calls nobody
		case <-s.ctx.Done():
			return
		}
		if s.try(p) {
			return
		}
		s.mu.Lock()
		if s.opt.RetryMax > 0 && try >= s.opt.RetryMax {
			p.call.GivenUp = true
		}
		over := p.call.GivenUp
		s.changed()
		s.mu.Unlock()
		if over {
			return
		}
		select {
		case <-time.After(s.opt.RetryEvery):
		case <-s.ctx.Done():
			return
		}
	}
}

// maxAnswer bounds what is kept of the bridge's answers.
const maxAnswer = 64 << 10

// try makes one try and reports whether there is to be no other.
func (s *Server) try(p *process) (over bool) {
	status, answer, err := s.post(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &p.call
	c.Tries++
	if c.Delivered { // a second copy takes nothing back
		if err == nil && status/100 == 2 {
			c.Again = string(answer)
		}
		s.changed()
		return true
	}
	c.Status, c.Answer, c.Err = status, string(answer), ""
	switch {
	case err != nil:
		c.Err = err.Error()
	case status/100 == 2:
		c.Delivered = true
		s.store(p, answer)
	case status/100 == 4 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests:
		c.GivenUp = true
	}
	if !c.Delivered {
		s.opt.Log.Debug("ssp: process call failed", "task", c.Task, "type", c.RequestType, "status", status, "error", c.Err)
	}
	s.changed()
	return c.Delivered || c.GivenUp
}

func (s *Server) post(p *process) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.opt.CallTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.to.URL, bytes.NewReader(p.body))
	if err != nil {
		return 0, nil, err
	}
	for name, values := range p.to.Header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return res.StatusCode, answer, err
}

// store keeps the reference that the bridge's answer carries, as an SSP process with an output
// selector does. The lock is held.
func (s *Server) store(p *process, answer []byte) {
	var a struct{ Reference string }
	if t := s.tasks[p.call.Task]; p.to.StoreReference && json.Unmarshal(answer, &a) == nil && a.Reference != "" {
		t.Reference = a.Reference
	}
}
