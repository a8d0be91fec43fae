package transfer

import (
	"context"
	"io"
)

// Export writes the whole ledger of p as one stream.
func Export(ctx context.Context, p Porter, w io.Writer, h Header) (map[string]Count, error) {
	out, err := NewWriter(w, h)
	if err != nil {
		return nil, err
	}
	if err := p.Export(ctx, out); err != nil {
		return nil, err
	}
	return out.Close()
}

// Import reads a whole ledger into p.
func Import(ctx context.Context, p Porter, r io.Reader) (Header, map[string]Count, error) {
	in, err := NewReader(r)
	if err != nil {
		return Header{}, nil, err
	}
	if err := p.Import(ctx, in); err != nil {
		return in.Header, nil, err
	}
	return in.Header, in.Counts(), nil
}
