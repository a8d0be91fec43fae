package ssptest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// A Ticket is what a user asked for; it becomes one task.
type Ticket struct {
	Task        string // task id; empty: the next free number
	Number      string // ticket number; empty: derived from the task id
	Title       string
	Description string
	Priority    string
	Requester   Person
	Fields      map[string]string
}

// A Person is somebody named in a ticket.
type Person struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
}

// Status is where a task stands.
type Status string

// The statuses of a task.
const (
	New      Status = "new"
	Assigned Status = "assigned" // to a group
	Solved   Status = "solved"   // the external system has delivered a solution
	Closed   Status = "closed"
)

// A Message is one text in a task's history.
type Message struct {
	Time     time.Time
	External bool // from the external system
	Text     string
}

// A Task is the state of one task.
type Task struct {
	Ticket
	Group     string
	Status    Status
	Reference string // external reference number
	Solution  string
	Messages  []Message
}

func (t *Task) clone() Task {
	c := *t
	c.Messages = slices.Clone(t.Messages)
	c.Fields = maps.Clone(t.Fields)
	return c
}

// firstTask is the number that the first task without an id gets.
const firstTask = 4711

// Create makes a task that is not assigned yet and returns its id.
func (s *Server) Create(t Ticket) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.Task == "" {
		n := firstTask + len(s.tasks)
		for s.tasks[strconv.Itoa(n)] != nil {
			n++
		}
		t.Task = strconv.Itoa(n)
	}
	if s.tasks[t.Task] != nil {
		return "", fmt.Errorf("ssptest: task %s exists already", t.Task)
	}
	if t.Number == "" {
		t.Number = "T-" + t.Task
	}
	t.Fields = maps.Clone(t.Fields)
	s.tasks[t.Task] = &Task{Ticket: t, Status: New}
	s.changed()
	return t.Task, nil
}

// Opened makes a task as SSP does of a mail to its mailbox: it has an external reference from the
// start, and its first process call will carry that.
func (s *Server) Opened(t Ticket, reference string) (string, error) {
	task, err := s.Create(t)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks[task].Reference = reference
	return task, nil
}

// Assign gives the task to a group. If that is an integrated one, its New assignment process runs,
// with the external reference if the task has one already.
func (s *Server) Assign(task, group string) error {
	return s.act(task, []Status{New, Assigned, Solved}, func(t *Task) (string, string) {
		t.Group, t.Status = group, Assigned
		return "Submit Request", ""
	})
}

// Reassign moves a task that is assigned to another group.
func (s *Server) Reassign(task, group string) error {
	return s.act(task, []Status{Assigned, Solved}, func(t *Task) (string, string) {
		t.Group, t.Status = group, Assigned
		return "Submit Request", ""
	})
}

// UserUpdate adds a text that somebody typed in SSP; the Update message process runs.
func (s *Server) UserUpdate(task, text string) error {
	return s.act(task, []Status{New, Assigned, Solved}, func(t *Task) (string, string) {
		t.Messages = append(t.Messages, Message{Time: s.opt.Now(), Text: text})
		return "Update", text
	})
}

// DeclineSolution rejects the external system's solution; the task is assigned again.
func (s *Server) DeclineSolution(task, text string) error {
	return s.act(task, []Status{Solved}, func(t *Task) (string, string) {
		t.Status = Assigned
		return "Resolution Rejection", text
	})
}

// CloseByUser closes the task by hand; the Closure process runs.
func (s *Server) CloseByUser(task, text string) error {
	return s.act(task, []Status{New, Assigned, Solved}, func(t *Task) (string, string) {
		t.Status = Closed
		return "Closed", text
	})
}

// act does something to a task and fires the process of its group.
func (s *Server) act(task string, from []Status, do func(*Task) (requestType, text string)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks[task]
	if t == nil {
		return fmt.Errorf("ssptest: task %s does not exist", task)
	}
	if !slices.Contains(from, t.Status) {
		return fmt.Errorf("ssptest: task %s is %s", task, t.Status)
	}
	requestType, text := do(t)
	if p := s.fire(t, requestType, "Out", text); p != nil {
		close(p.ready)
	}
	s.changed()
	return nil
}

// Task returns the state of a task.
func (s *Server) Task(id string) (Task, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks[id]
	if t == nil {
		return Task{}, false
	}
	return t.clone(), true
}
