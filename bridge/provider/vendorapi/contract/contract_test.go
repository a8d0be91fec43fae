package contract

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

const file = `
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /{org}/things:
    get:
      operationId: list
      parameters:
        - {name: org, in: path, required: true, schema: {type: string}}
        - {name: states, in: query, schema: {type: array, items: {type: string, enum: [A, B]}}}
        - {name: n, in: query, required: true, schema: {type: integer}}
      responses: {"200": {description: ok}}
    post:
      operationId: make
      x-assumed: true
      parameters: [{name: org, in: path, required: true, schema: {type: string}}]
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Thing'}
      responses: {"200": {description: ok}}
components:
  schemas:
    Thing:
      type: object
      required: [name]
      properties:
        name: {type: string}
        kind: {type: string, enum: [x]}
        parts: {type: array, items: {type: object, properties: {n: {type: integer}}}}
        open: {$ref: '#/components/schemas/Open'}
    Open: {type: object, x-assumed: true, additionalProperties: true}
`

func TestCheck(t *testing.T) {
	c, err := Load([]byte(file))
	require.NoError(t, err)
	h := http.Header{"Content-Type": {"application/json"}}
	for _, x := range []struct{ method, url, body, want string }{
		{"POST", "http://h/v1/o/things", `{"name":"a","kind":"x","parts":[{"n":1}],"open":{"any":1}}`, ""},
		{"POST", "http://h/v1/o/things", `{"kind":"x"}`, `/name: property "name" is missing`},
		{"POST", "http://h/v1/o/things", `{"name":"a","more":1}`, `property "more" is unsupported`},
		{"POST", "http://h/v1/o/things", `{"name":"a","parts":[{"m":1}]}`, `property "m" is unsupported`},
		{"POST", "http://h/v1/o/things", `{"name":1}`, "value must be a string"},
		{"POST", "http://h/v1/o/things", `{"name":"a","kind":"z"}`, "not one of the allowed values"},
		{"POST", "http://h/v1/o/things", `no`, "not JSON"},
		{"GET", "http://h/v1/o/things?n=1&states=A,B", "", ""},
		{"GET", "http://h/v1/o/things?n=1&states=C", "", "not one of the allowed values"},
		{"GET", "http://h/v1/o/things?n=x", "", "is no"},
		{"GET", "http://h/v1/o/things", "", "query n is missing"},
		{"GET", "http://h/v1/o/things?n=1&m=2", "", "query m is not known"},
		{"GET", "http://h/v1/o/things?n=1&key=2", "", ""},
		{"GET", "http://h/v1/o/things?n=1", "x", "a body where none is wanted"},
		{"PUT", "http://h/v1/o/things", "", "no such operation"},
	} {
		id, problems := c.Check(x.method, x.url, h, []byte(x.body), "key")
		if x.want == "" {
			require.Empty(t, problems, x.body)
			require.NotEmpty(t, id)
			continue
		}
		require.NotEmpty(t, problems, x.body)
		require.Contains(t, problems[0], x.want, x.body)
	}
	require.Empty(t, c.CheckAs("make", "http://elsewhere/x", h, []byte(`{"name":"a"}`)))
	require.NotEmpty(t, c.CheckAs("make", "http://elsewhere/x", http.Header{}, []byte(`{"name":"a"}`)))
	require.NotEmpty(t, c.CheckAs("none", "http://x", h, nil))
	require.Equal(t, []string{"list", "make"}, c.Operations())
	require.Equal(t, Assumed{2, 1, 2, 1, 4, 1}, c.Assumed())
	require.Contains(t, c.Assumed().String(), "1 of 2 operations")
	_, err = Load([]byte("nothing"))
	require.Error(t, err)
	_, err = Load([]byte(`{"swagger":"2.0","paths":7}`))
	require.Error(t, err)
}

func TestFieldsAndWhatIsSent(t *testing.T) {
	c, err := Load([]byte(file))
	require.NoError(t, err)
	require.Equal(t, []string{"n", "states"}, c.Fields("list"))
	require.Equal(t, []string{"kind", "name", "open", "parts.n"}, c.Fields("make"))
	require.Empty(t, c.Fields("none"))
	id, sent := c.Sent("POST", "/v1/o/things", "", []byte(`{"name":"a","parts":[{"n":1}],"open":{"any":1}}`))
	require.Equal(t, "make", id)
	require.ElementsMatch(t, []string{"name", "parts", "parts.n", "open", "open.any"}, sent)
	id, sent = c.Sent("GET", "/v1/o/things", "n=1", nil)
	require.Equal(t, "list", id)
	require.Equal(t, []string{"n"}, sent)
	id, _ = c.Sent("PUT", "/v1/o/things", "", nil)
	require.Empty(t, id)
}
