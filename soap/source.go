package soap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// A describer brings SSP's service description.
type describer interface {
	describe(ctx context.Context) (data []byte, contentType string, err error)
	String() string
}

// fromURL asks the service itself, as every .asmx service can be asked unless its administrator
// has switched the documentation off.
type fromURL struct {
	client doer
	url    string
}

func newFromURL(client doer, service string) (fromURL, error) {
	u, err := url.Parse(service)
	if err != nil {
		return fromURL{}, errors.New("the address cannot be read")
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "WSDL"
	return fromURL{client, u.String()}, nil
}

func (f fromURL) String() string { return secret.Mask(f.url) }

func (f fromURL) describe(ctx context.Context) ([]byte, string, error) {
	a, err := f.client.Do(ctx, outbound.Request{
		Method: http.MethodGet, URL: f.url, Header: http.Header{"Accept": {"text/xml"}}, MaxAnswer: wsdl.MaxBytes,
	})
	if err != nil {
		return nil, "", err
	}
	if a.Status != http.StatusOK {
		return nil, "", fmt.Errorf("it answers with status %d %s", a.Status, http.StatusText(a.Status))
	}
	return a.Body, a.Header.Get("Content-Type"), nil
}

// fromFile reads a description that somebody saved.
type fromFile string

func (f fromFile) String() string { return string(f) }

func (f fromFile) describe(context.Context) ([]byte, string, error) {
	file, err := os.Open(string(f))
	if err != nil {
		return nil, "", err
	}
	defer file.Close() // only read
	if i, err := file.Stat(); err != nil || !i.Mode().IsRegular() {
		return nil, "", fmt.Errorf("%s is not a file", string(f))
	}
	data, err := io.ReadAll(io.LimitReader(file, wsdl.MaxBytes+1))
	return data, "", err
}
