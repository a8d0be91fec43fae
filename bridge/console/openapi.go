package console

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// openapi serves the document that describes the API.
func (s *server) openapi(w http.ResponseWriter, r *http.Request) error {
	if err := readQuery(r.URL.RawQuery).done(); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(s.document) // fails only when the caller is gone
	return nil
}

// object is one object of a document.
type object = map[string]any

// openAPI makes the document (OpenAPI 3.1) of operations. Schemas come from the Go types, so that
// they are what is really sent.
func openAPI(ops []operation, version string) ([]byte, error) {
	s := &schemas{named: object{}}
	paths := object{}
	for _, o := range ops {
		item, _ := paths[api.Prefix+o.path].(object)
		if item == nil {
			item = object{}
			paths[api.Prefix+o.path] = item
		}
		item[strings.ToLower(o.method)] = s.operation(o)
	}
	doc := object{
		"openapi": "3.1.0",
		"info": object{"title": "Pergabridge admin API", "version": or(version, "unknown"),
			"description": "Everything the console and the verbs can do. Every error is an RFC 9457 problem document."},
		"security": []any{object{"token": []any{}}, object{"session": []any{}}},
		"paths":    paths,
		"components": object{
			"schemas": s.named,
			"securitySchemes": object{
				"token":   object{"type": "http", "scheme": "bearer", "description": "server.admin_token; without one, callers on the same machine are served"},
				"session": object{"type": "apiKey", "in": "cookie", "name": cookieName, "description": "a signed-in browser; reads only"},
			},
			"responses": object{"Problem": object{"description": "A problem.", "content": object{"application/problem+json": object{"schema": s.of(reflect.TypeFor[api.Problem]())}}}},
		},
	}
	return json.MarshalIndent(doc, "", " ")
}

// operation describes one method of one address.
func (s *schemas) operation(o operation) object {
	out := object{"operationId": o.id, "summary": o.summary, "x-role": string(o.need)}
	var params []any
	for part := range strings.SplitSeq(o.path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			params = append(params, object{"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true, "schema": object{"type": "string"}})
		}
	}
	for _, name := range o.query {
		p := object{"name": name, "in": "query"}
		maps.Copy(p, describe(o.id, name))
		params = append(params, p)
	}
	if o.takesKey() {
		params = append(params, object{"name": api.IdempotencyHeader, "in": "header", "schema": object{"type": "string", "maxLength": onceKey},
			"description": "sent again with the same key, the write is not carried out again and the first answer is given again"},
			object{"name": api.PersonHeader, "in": "header", "schema": object{"type": "string", "maxLength": maxPerson},
				"description": "who decided, for the record"})
	}
	if params != nil {
		out["parameters"] = params
	}
	if o.body != nil {
		out["requestBody"] = object{"required": !o.optional, "content": object{"application/json": object{"schema": s.of(reflect.TypeOf(o.body))}}}
	}
	content := object{"application/octet-stream": object{}}
	if o.answer != nil {
		content = object{"application/json": object{"schema": s.of(reflect.TypeOf(o.answer))}}
	}
	status := o.status
	if status == 0 {
		status = http.StatusOK
	}
	out["responses"] = object{
		strconv.Itoa(status): object{"description": "Done.", "content": content},
		"default":            object{"$ref": "#/components/responses/Problem"},
	}
	return out
}

// describe says what a parameter may be. A few mean something else in one list.
func describe(id, name string) object {
	text := object{"type": "string", "maxLength": maxParam}
	many := func(schema object) object {
		return object{"schema": object{"type": "array", "items": schema}, "style": "form", "explode": true}
	}
	switch name {
	case "state":
		switch id {
		case "listLanes":
			return many(enum(laneStates))
		case "listBonds":
			return many(enum(bondStates))
		}
		return many(enum(eventStates))
	case "dir":
		return object{"schema": enum(dirs)}
	case "kind":
		return object{"schema": enum(kinds())}
	case "reason":
		return object{"schema": enum(bridge.Reasons())}
	case "limit":
		return object{"schema": object{"type": "integer", "minimum": 1, "maximum": maxLimit, "default": defaultLimit}}
	case "newest", "waiting":
		return object{"schema": object{"type": "boolean"}}
	case "after":
		return object{"schema": text, "description": "the `next` of the answer before"}
	case "since":
		return object{"schema": text, "description": "a time (RFC 3339), or how long ago it was: 90m, 24h, 7d"}
	case "search":
		return object{"schema": text, "description": "words in the texts"}
	}
	return object{"schema": text}
}

func enum[T ~string](values []T) object {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return object{"type": "string", "enum": list}
}

// schemas collects the schemas of named types.
type schemas struct{ named object }

// enums are the types that stand for one of a few words.
var enums = map[reflect.Type]object{
	reflect.TypeFor[bridge.EventState]():    enum(eventStates),
	reflect.TypeFor[bridge.BondState]():     enum(bondStates),
	reflect.TypeFor[bridge.LaneState]():     enum(append([]bridge.LaneState{bridge.LaneIdle}, laneStates...)),
	reflect.TypeFor[bridge.Dir]():           enum(dirs),
	reflect.TypeFor[bridge.Kind]():          enum(kinds()),
	reflect.TypeFor[bridge.Reason]():        enum(bridge.Reasons()),
	reflect.TypeFor[bridge.SubmitMode]():    enum([]bridge.SubmitMode{bridge.ModeNew, bridge.ModeContinue, bridge.ModeReopen}),
	reflect.TypeFor[bridge.OutcomeKind]():   enum([]bridge.OutcomeKind{bridge.OutcomeDone, bridge.OutcomeRetry, bridge.OutcomeRefused, bridge.OutcomeUnknown}),
	reflect.TypeFor[bridge.Then]():          enum([]bridge.Then{bridge.ThenDone, bridge.ThenRetry, bridge.ThenWait, bridge.ThenPark, bridge.ThenSkip}),
	reflect.TypeFor[bridge.BreakerState]():  enum([]bridge.BreakerState{bridge.BreakerClosed, bridge.BreakerIsOpen, bridge.BreakerProbe}),
	reflect.TypeFor[bridge.ReceiptStatus](): enum([]bridge.ReceiptStatus{bridge.Accepted, bridge.Duplicate, bridge.Waiting, bridge.Echoed, bridge.Late, bridge.Conflict, bridge.Quarantined, bridge.Ignored}),
	reflect.TypeFor[bridge.Entrance](): enum([]bridge.Entrance{bridge.ByProcessCall, bridge.ByWebhook, bridge.ByPoll, bridge.ByMailbox, bridge.ByFollowUp,
		bridge.ByOperator, ""}),
	reflect.TypeFor[bridge.EchoBy](): enum([]bridge.EchoBy{bridge.EchoByDirection, bridge.EchoByAuthor, bridge.EchoByComment, bridge.EchoByText}),
	reflect.TypeFor[api.Health]():    enum([]api.Health{api.Fine, api.Parked, api.Failing, api.Paused, api.Down}),
	reflect.TypeFor[api.RepairOf]():  enum([]api.RepairOf{api.RepairParked, api.RepairQuarantine}),
	reflect.TypeFor[api.Code]():      enum(codes()),
}

func codes() []api.Code {
	var out []api.Code
	for _, c := range api.Codes() {
		out = append(out, c.Code)
	}
	return out
}

// of returns the schema of a type; named structs are referred to.
func (s *schemas) of(t reflect.Type) object {
	if e, ok := enums[t]; ok {
		return e
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return object{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		out := object{"type": "object", "additionalProperties": s.of(t.Elem())}
		if e, ok := enums[t.Key()]; ok {
			out["propertyNames"] = e
		}
		return out
	case reflect.Interface:
		return object{}
	case reflect.Struct:
		name := schemaName(t)
		if _, known := s.named[name]; !known {
			s.named[name] = object{} // stands in while it is made: types may contain themselves
			s.named[name] = s.structure(t)
		}
		return object{"$ref": "#/components/schemas/" + name}
	}
	panic(fmt.Sprintf("console: no schema for %v", t))
}

// schemaName is the name of a type; List[Event] becomes EventList.
func schemaName(t reflect.Type) string {
	name, of, generic := strings.Cut(t.Name(), "[")
	if !generic {
		return name
	}
	of = strings.TrimSuffix(of, "]")
	return of[strings.LastIndexByte(of, '.')+1:] + name
}

// structure describes the fields of a struct as package json writes them.
func (s *schemas) structure(t reflect.Type) object {
	props := object{}
	var required []string
	s.fields(t, props, &required)
	out := object{"type": "object", "properties": props}
	if len(required) > 0 {
		slices.Sort(required)
		out["required"] = required
	}
	return out
}

func (s *schemas) fields(t reflect.Type, props object, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		if f.Anonymous && name == "" {
			s.fields(f.Type, props, required)
			continue
		}
		name = or(name, f.Name)
		props[name] = s.of(f.Type)
		if !strings.Contains(options, "omit") {
			*required = append(*required, name)
		}
	}
}
