package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// Bounds of bodies, in bytes.
const (
	maxCommand = 64 << 10
	maxImport  = 4 << 20
	maxMap     = 4 << 20
)

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the type and nosniff say that this is no HTML; people read it
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("console: encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // fails only when the caller is gone
	return nil
}

// readJSON reads a body of at most limit bytes into v, strictly: one value, no unknown fields. An
// absent body leaves v as it is if optional.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, optional bool, v any) error {
	body, err := readBody(w, r, limit, optional)
	if err != nil || len(body) == 0 {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return jsonProblem(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badBody("", "there is more than one JSON value")
	}
	return nil
}

// readBody reads a JSON body without looking into it.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, optional bool) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, err
		}
		return nil, badBody("", "the body did not come whole")
	}
	if len(body) == 0 {
		if optional {
			return nil, nil
		}
		return nil, badBody("", "a JSON object is needed")
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, problem(api.UnsupportedMedia, "send Content-Type: application/json")
	}
	return body, nil
}

// jsonProblem says in words what is wrong, naming the field where the decoder does.
func jsonProblem(err error) error {
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType):
		return badBody(wrongType.Field, "a JSON %s does not fit here", wrongType.Value)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return badBody("", "the JSON ends too early")
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	if name, ok := strings.CutPrefix(text, "unknown field "); ok {
		return badBody(strings.Trim(name, `"`), "unknown field")
	}
	return badBody("", "%s", text)
}
