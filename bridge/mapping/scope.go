package mapping

import (
	"encoding/base64"
	"reflect"
	"slices"
	"sort"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// Event is what expressions see of an outgoing event.
type Event struct {
	ID          string         `expr:"id"`
	Task        string         `expr:"task"`
	Kind        string         `expr:"kind"`
	Mode        string         `expr:"mode"`
	Reference   string         `expr:"reference"`
	Text        string         `expr:"text"`
	Author      string         `expr:"author"`
	Ticket      string         `expr:"ticket"`
	Title       string         `expr:"title"`
	Description string         `expr:"description"`
	Priority    string         `expr:"priority"`
	Requester   Person         `expr:"requester"`
	Fields      map[string]any `expr:"fields"`
	Key         string         `expr:"key"`
	Received    time.Time      `expr:"received"`
	Files       []File         `expr:"files"`
}

// File is what expressions see of a file that came with an event. Written into a body as a whole it is
// an object of these members; in a multipart body it is a part of its own.
type File struct {
	Name   string `expr:"name" json:"name"`
	Type   string `expr:"type" json:"type"`
	Size   int    `expr:"size" json:"size"`
	SHA256 string `expr:"sha256" json:"sha256"`
	// Content is in base64; "" when the file is too large to be passed on, or not kept any more.
	Content string `expr:"content" json:"content,omitempty"`
	// Given reports whether the bytes are there.
	Given bool   `expr:"given" json:"-"`
	Data  []byte `expr:"-" json:"-"`
}

// FilesEnv returns files for expressions, those without bytes last.
func FilesEnv(give, name []bridge.File) []File {
	out := []File{}
	for _, f := range give {
		out = append(out, File{Name: f.Name, Type: f.Type, Size: f.Size, SHA256: f.SHA256, Content: base64.StdEncoding.EncodeToString(f.Data), Given: true, Data: f.Data})
	}
	for _, f := range name {
		out = append(out, File{Name: f.Name, Type: f.Type, Size: f.Size, SHA256: f.SHA256})
	}
	return out
}

// namedFiles returns the files of an event without their bytes.
func namedFiles(e *bridge.Event) []File {
	list := bridge.FilesOf(e)
	list = slices.DeleteFunc(list, func(f bridge.File) bool { return f.Inline })
	return FilesEnv(nil, list)
}

// Person is what expressions see of a person.
type Person struct {
	Name  string `expr:"name"`
	Email string `expr:"email"`
}

// Bond is what expressions see of the link between task and ticket.
type Bond struct {
	Task      string `expr:"task"`
	Reference string `expr:"reference"`
	State     string `expr:"state"`
	Resolves  int    `expr:"resolves"`
}

// LeaseEnv returns the environment for an outgoing message: event, bond and attempt.
func LeaseEnv(l bridge.Lease) map[string]any {
	e := l.Event
	return map[string]any{
		"event": Event{
			ID: e.ID, Task: e.Task, Kind: string(e.Kind), Mode: string(e.Mode), Reference: e.Reference, Text: e.Text,
			Author: e.Author, Ticket: e.Ticket, Title: e.Title, Description: e.Description, Priority: e.Priority,
			Requester: Person{Name: e.Requester.Name, Email: e.Requester.Email}, Fields: e.Fields, Key: e.Key,
			Received: e.Received, Files: namedFiles(&e),
		},
		"bond": Bond{
			Task: l.Bond.Task, Reference: l.Bond.Reference, State: string(l.Bond.State), Resolves: l.Bond.Resolves,
		},
		"attempt": l.Attempt,
	}
}

// Scopes: the names that expressions of one kind of place may use. Every scope also has table.
var (
	// Outgoing is what an outgoing message is made of.
	Outgoing = []string{"event", "bond", "attempt"}
	// Answer is what is known of the answer to an outgoing message, beside [Outgoing].
	Answer = []string{"event", "bond", "attempt", "status", "answer", "answer_text", "header"}
	// Incoming is what a rule sees of an input: body is all of it, item the part in hand, parent
	// the item whose list a rule goes through, index the position in that list.
	Incoming = []string{"body", "item", "parent", "index", "header", "query", "delivery"}
	// Polling is what the call of a poll is made of.
	Polling = []string{"cursor", "now", "page", "next"}
	// Polled is what is known of the answer to a poll.
	Polled = []string{"cursor", "now", "page", "next", "status", "answer", "answer_text", "header"}
)

// environment is what the compiler checks names against: it gives every name its type. (A map of
// types would do the same, but expr v1.17.8 panics on struct types in it.)
type environment struct {
	Event      Event             `expr:"event"`
	Bond       Bond              `expr:"bond"`
	Attempt    int               `expr:"attempt"`
	Status     int               `expr:"status"`
	Answer     any               `expr:"answer"`
	AnswerText string            `expr:"answer_text"`
	Header     map[string]string `expr:"header"`
	Query      map[string]string `expr:"query"`
	Delivery   string            `expr:"delivery"`
	Body       any               `expr:"body"`
	Item       any               `expr:"item"`
	Parent     any               `expr:"parent"`
	Index      int               `expr:"index"`
	Cursor     string            `expr:"cursor"`
	Now        time.Time         `expr:"now"`
	Page       int               `expr:"page"`
	Next       any               `expr:"next"`

	Table func(string, any) (any, error) `expr:"table"`
}

// fill takes over the names that env sets; a value of another type than the name's is a mistake of
// the program.
func (e *environment) fill(env map[string]any) {
	e.Answer, e.Body, e.Item, e.Parent, e.Next = env["answer"], env["body"], env["item"], env["parent"], env["next"]
	set(env, "event", &e.Event)
	set(env, "bond", &e.Bond)
	set(env, "attempt", &e.Attempt)
	set(env, "status", &e.Status)
	set(env, "answer_text", &e.AnswerText)
	set(env, "header", &e.Header)
	set(env, "query", &e.Query)
	set(env, "delivery", &e.Delivery)
	set(env, "index", &e.Index)
	set(env, "cursor", &e.Cursor)
	set(env, "now", &e.Now)
	set(env, "page", &e.Page)
	e.Table = Tables(nil).lookup
	set(env, "table", &e.Table)
}

func set[T any](env map[string]any, name string, to *T) {
	if v, ok := env[name]; ok {
		*to = v.(T)
	}
}

// Names lists every name an expression can use somewhere, sorted, but table.
func Names() []string {
	t := reflect.TypeFor[environment]()
	var out []string
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("expr"); name != "table" {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}
