package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/pergabridge/pergabridge/bridge"
)

// Errors of an [Opener].
var (
	// ErrGone means that the input of the event is not kept any more.
	ErrGone = errors.New("files: the input that held it is not kept any more")
	// ErrNone means that the event has no such file.
	ErrNone = errors.New("files: the event has no such file")
	// ErrDamaged means that the bytes are not those that came.
	ErrDamaged = errors.New("files: its bytes are not those that came; a secret may have been masked in them")
)

// A Reader takes the files out of an input. It does no I/O.
type Reader func(in *bridge.Inbound) ([]bridge.File, error)

// An Opener gives files their bytes back. It is safe for concurrent use.
type Opener struct {
	// Readers by the way the input came in.
	Readers map[bridge.Entrance]Reader
	// Event loads an event with its input; nil: what an event does not carry cannot be opened.
	Event func(ctx context.Context, id string) (bridge.Event, error)
	// Max and Total bound what [Opener.Offer] passes on, in bytes.
	Max, Total int64
}

// All returns the files of e with their bytes, in order. A file whose bytes do not fit its hash has
// none. The error wraps [ErrGone] when the input is not kept, and [ErrDamaged] when nobody can read it.
func (o *Opener) All(ctx context.Context, e *bridge.Event) ([]bridge.File, error) {
	named := bridge.FilesOf(e)
	if len(named) == 0 {
		return nil, nil
	}
	in := e.Inbound
	if in == nil && o.Event != nil {
		whole, err := o.Event(ctx, e.ID)
		if err != nil {
			return nil, fmt.Errorf("files: event %s: %w", e.ID, err)
		}
		in = whole.Inbound
	}
	read := o.Readers[e.Entrance]
	if in == nil || len(in.Body) == 0 || read == nil {
		return nil, fmt.Errorf("event %s: %w", e.ID, ErrGone)
	}
	got, err := read(in)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w: %w", e.ID, ErrDamaged, err)
	}
	for i := range named {
		if i >= len(got) {
			break
		}
		if sum := sha256.Sum256(got[i].Data); hex.EncodeToString(sum[:]) == named[i].SHA256 {
			named[i].Data = got[i].Data
			if named[i].Data == nil {
				named[i].Data = []byte{}
			}
		}
	}
	return named, nil
}

// One returns file number n of e. It wraps [ErrNone], [ErrGone] or [ErrDamaged].
func (o *Opener) One(ctx context.Context, e *bridge.Event, n int) (bridge.File, error) {
	list, err := o.All(ctx, e)
	if err != nil {
		return bridge.File{}, err
	}
	if n < 1 || n > len(list) {
		return bridge.File{}, fmt.Errorf("event %s, file %d: %w", e.ID, n, ErrNone)
	}
	if list[n-1].Data == nil {
		return bridge.File{}, fmt.Errorf("event %s, file %d: %w", e.ID, n, ErrDamaged)
	}
	return list[n-1], nil
}

// Offer returns the files of e that are passed on, with their bytes, and those that are only named:
// they are too large, damaged, or not kept any more. What only decorates a text is neither.
func (o *Opener) Offer(ctx context.Context, e *bridge.Event) (give, name []bridge.File, err error) {
	if o == nil {
		return nil, nil, nil
	}
	list, err := o.All(ctx, e)
	if errors.Is(err, ErrGone) || errors.Is(err, ErrDamaged) {
		list, err = bridge.FilesOf(e), nil
	}
	if err != nil {
		return nil, nil, err
	}
	var sum int64
	for _, f := range list {
		size := int64(f.Size)
		switch {
		case f.Inline:
		case f.Data == nil, size > o.Max, sum+size > o.Total:
			f.Data = nil
			name = append(name, f)
		default:
			sum += size
			give = append(give, f)
		}
	}
	return give, name, nil
}
