package transfer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"
)

const (
	headerKind = "pergabridge"
	endKind    = "end"
	maxLine    = 64 << 20
)

// errOut says that there is no further line.
var errOut = errors.New("no further line")

// A Header says what the stream is.
type Header struct {
	Version int       `json:"version"`
	From    string    `json:"from"` // the kind of store it came from
	Made    time.Time `json:"made"`
	By      string    `json:"by,omitempty"` // version of the program
}

// A Count is how many records of one kind a stream has, and the SHA-256 of their lines.
type Count struct {
	Lines  int64  `json:"lines"`
	SHA256 string `json:"sha256"`
}

type line struct {
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data"`
}

// tally counts and hashes the lines of each kind.
type tally struct {
	lines  map[string]int64
	hashes map[string]hash.Hash
}

func newTally() tally {
	t := tally{lines: map[string]int64{}, hashes: map[string]hash.Hash{}}
	for _, k := range kinds {
		t.hashes[k] = sha256.New()
	}
	return t
}

func (t tally) add(kind string, text []byte) {
	t.lines[kind]++
	t.hashes[kind].Write(text)
}

func (t tally) counts() map[string]Count {
	out := map[string]Count{}
	for _, k := range kinds {
		out[k] = Count{Lines: t.lines[k], SHA256: hex.EncodeToString(t.hashes[k].Sum(nil))}
	}
	return out
}

// order accepts kinds as the package documentation puts them.
type order struct {
	at   int    // place of the last kind
	last string // the last kind
}

func place(kind string) int {
	if l, ok := leader[kind]; ok {
		kind = l
	}
	for i, k := range kinds {
		if k == kind {
			return i
		}
	}
	return -1
}

func (o *order) next(kind string) error {
	p := place(kind)
	_, follows := leader[kind]
	switch {
	case p < 0:
		return fmt.Errorf("unknown kind %q", kind)
	case o.last == "" && kind != kinds[0]:
		return fmt.Errorf("%s before the ledger", kind)
	case p < o.at, kind == kinds[0] && o.last != "", follows && p != o.at:
		return fmt.Errorf("%s after %s", kind, o.last)
	}
	o.at, o.last = p, kind
	return nil
}

// A Writer writes a stream.
type Writer struct {
	out   *bufio.Writer
	buf   bytes.Buffer
	tally tally
	order order
	err   error
}

// NewWriter writes the header to w.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	h.Version = Version
	x := &Writer{out: bufio.NewWriterSize(w, 1<<16), tally: newTally()}
	text, err := x.line(headerKind, h)
	if err != nil {
		return nil, err
	}
	if _, err := x.out.Write(text); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return x, nil
}

// line makes one line; it is valid until the next.
func (w *Writer) line(kind string, data any) ([]byte, error) {
	w.buf.Reset()
	enc := json.NewEncoder(&w.buf)
	enc.SetEscapeHTML(false) // bodies stay as they are
	if err := enc.Encode(struct {
		Kind string `json:"kind"`
		Data any    `json:"data"`
	}{kind, data}); err != nil {
		return nil, fmt.Errorf("export: a record of kind %s cannot be written: %w", kind, err)
	}
	if w.buf.Len() > maxLine {
		return nil, fmt.Errorf("export: a record of kind %s has %d bytes, more than %d", kind, w.buf.Len(), maxLine)
	}
	return w.buf.Bytes(), nil
}

// Put writes one record.
func (w *Writer) Put(r Record) error {
	if w.err != nil {
		return w.err
	}
	w.err = w.put(r)
	return w.err
}

func (w *Writer) put(r Record) error {
	kind := r.kind()
	if err := w.order.next(kind); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	text, err := w.line(kind, r)
	if err != nil {
		return err
	}
	w.tally.add(kind, text)
	if _, err := w.out.Write(text); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// Close writes the end and returns what was counted. Without it the stream is a cut one.
func (w *Writer) Close() (map[string]Count, error) {
	if w.err != nil {
		return nil, w.err
	}
	counts := w.tally.counts()
	text, err := w.line(endKind, counts)
	if err != nil {
		return nil, err
	}
	if _, err = w.out.Write(text); err == nil {
		err = w.out.Flush()
	}
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return counts, nil
}

// A Reader reads a stream and checks it.
type Reader struct {
	Header Header
	in     *bufio.Scanner
	lines  int64
	tally  tally
	order  order
	rules  rules
	counts map[string]Count // set once the end was read and agrees
	err    error
}

// NewReader reads the header from r.
func NewReader(r io.Reader) (*Reader, error) {
	x := &Reader{in: bufio.NewScanner(r), tally: newTally()}
	x.in.Buffer(make([]byte, 1<<16), maxLine)
	l, _, err := x.line()
	switch {
	case errors.Is(err, errOut):
		return nil, errors.New("import: the file is empty")
	case err != nil || l.Kind != headerKind:
		return nil, errors.New("import: this is not what `pergabridge export` writes (copies made by `backup` are put in their place instead)")
	}
	if err := json.Unmarshal(l.Data, &x.Header); err != nil {
		return nil, fmt.Errorf("import: line 1: the header: %w", err)
	}
	if x.Header.Version != Version {
		return nil, fmt.Errorf("import: the stream has version %d, this binary reads %d: use the version of pergabridge that wrote it", x.Header.Version, Version)
	}
	return x, nil
}

// line reads one line; text is valid until the next.
func (r *Reader) line() (l line, text []byte, err error) {
	if !r.in.Scan() {
		if err := r.in.Err(); err != nil {
			return l, nil, fmt.Errorf("import: line %d: %w", r.lines+1, err)
		}
		return l, nil, errOut
	}
	r.lines++
	text = r.in.Bytes()
	if err := strict(text, &l); err != nil {
		return l, nil, fmt.Errorf("import: line %d: the stream was cut or altered: %w", r.lines, err)
	}
	return l, text, nil
}

// strict decodes exactly one value without unknown fields.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more than one value in a line")
	}
	return nil
}

// Next returns the next record. It returns io.EOF when the end was read, nothing follows it and every
// count and hash agrees; any other error is one of the stream, and lasts.
func (r *Reader) Next() (Record, error) {
	if r.err != nil {
		return nil, r.err
	}
	rec, err := r.next()
	if err != nil {
		r.err = err
		return nil, err
	}
	return rec, nil
}

func (r *Reader) next() (Record, error) {
	l, text, err := r.line()
	if errors.Is(err, errOut) {
		return nil, fmt.Errorf("import: the stream ends after line %d without its end: it was cut", r.lines)
	}
	if err != nil {
		return nil, err
	}
	if l.Kind == endKind {
		return nil, r.end(l)
	}
	if err := r.order.next(l.Kind); err != nil {
		return nil, fmt.Errorf("import: line %d: the stream was altered: %w", r.lines, err)
	}
	rec := newRecord(l.Kind)
	if err := strict(l.Data, rec); err != nil {
		return nil, fmt.Errorf("import: line %d: the stream was altered: %s: %w", r.lines, l.Kind, err)
	}
	if err := r.rules.next(rec); err != nil {
		return nil, AtLine(r.lines, err)
	}
	r.tally.lines[l.Kind]++
	h := r.tally.hashes[l.Kind]
	h.Write(text)
	h.Write([]byte{'\n'})
	return rec, nil
}

func (r *Reader) end(l line) error {
	var want map[string]Count
	if err := strict(l.Data, &want); err != nil {
		return fmt.Errorf("import: line %d: the end: %w", r.lines, err)
	}
	if err := r.rules.end(); err != nil {
		return AtLine(r.lines, err)
	}
	got := r.tally.counts()
	for _, k := range kinds {
		_, named := want[k]
		switch {
		case !named && optional[k] && got[k].Lines == 0:
		case got[k].Lines != want[k].Lines:
			return fmt.Errorf("import: %d records of kind %s were read, the end says %d: the stream was cut or altered", got[k].Lines, k, want[k].Lines)
		case got[k].SHA256 != want[k].SHA256:
			return fmt.Errorf("import: the records of kind %s are not those that were exported: the stream was altered", k)
		}
	}
	for k := range want {
		if _, known := got[k]; !known {
			return fmt.Errorf("import: the end names kind %q, which this binary does not know", k)
		}
	}
	if got[kinds[0]].Lines != 1 {
		return errors.New("import: the stream holds no ledger")
	}
	if _, _, err := r.line(); !errors.Is(err, errOut) {
		return fmt.Errorf("import: something follows the end, at line %d", r.lines)
	}
	r.counts = got
	return io.EOF
}

// Line returns the number of the line that [Reader.Next] read last.
func (r *Reader) Line() int64 { return r.lines }

// AtLine says at which line of a stream err is.
func AtLine(line int64, err error) error {
	return fmt.Errorf("import: line %d: %w", line, err)
}

// Counts returns what was read; nil until [Reader.Next] has returned io.EOF.
func (r *Reader) Counts() map[string]Count { return r.counts }
