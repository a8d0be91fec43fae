package wsdl

import (
	"context"
	"fmt"
	"slices"
)

// A Source brings the documents of a description.
type Source interface {
	// Root is the location of the first document.
	Root() string
	// Resolve returns the location that ref means in the document at base. An error says why the
	// document is not to be read; it is then left out.
	Resolve(base, ref string) (string, error)
	// Get returns the document at a location.
	Get(ctx context.Context, location string) (data []byte, contentType string, err error)
}

// Load reads a description and everything that it imports. An imported document that source brings
// in vain is an error: what is known without it could be mistaken for another contract.
func Load(ctx context.Context, source Source) (*Document, error) {
	data, contentType, err := source.Get(ctx, source.Root())
	if err != nil {
		return nil, err
	}
	r := newReader()
	if err := r.first(source.Root(), data, contentType); err != nil {
		return nil, err
	}
	read := []string{source.Root()}
	for len(r.pending) > 0 {
		next := r.pending[0]
		r.pending = r.pending[1:]
		location, err := source.Resolve(next.base, next.ref)
		if err != nil {
			r.skip(fmt.Sprintf("%s (%v)", next.ref, err))
			continue
		}
		if slices.Contains(read, location+next.into) || slices.Contains(read, location) && next.into == "" {
			continue
		}
		if len(read) >= MaxDocuments {
			return nil, &Error{Msg: fmt.Sprintf("it consists of more than %d documents", MaxDocuments)}
		}
		read = append(read, location+next.into)
		data, contentType, err := source.Get(ctx, location)
		if err != nil {
			return nil, fmt.Errorf("wsdl: %s, which the description imports: %w", location, err)
		}
		if err := r.imported(location, data, contentType, next.into); err != nil {
			return nil, err
		}
	}
	return r.read()
}

// Read reads a description of one document. contentType is that of the answer that brought it, ""
// if it came from a file.
func Read(data []byte, contentType string) (*Document, error) {
	r := newReader()
	if err := r.first("", data, contentType); err != nil {
		return nil, err
	}
	for _, p := range r.pending {
		r.skip(p.ref)
	}
	return r.read()
}
