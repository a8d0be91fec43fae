package soap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/soap/wsdl"
)

// fromURL asks the service itself, as every .asmx service can be asked unless its administrator
// has switched the documentation off.
type fromURL struct {
	client  doer
	root    *url.URL
	explain explainer
}

func newFromURL(client doer, service string, e explainer) (fromURL, error) {
	u, err := url.Parse(service)
	if err != nil {
		return fromURL{}, errors.New("the address cannot be read")
	}
	switch q := strings.ToLower(u.RawQuery); {
	case q == "wsdl" || q == "singlewsdl":
	case strings.HasPrefix(q, "op="): // the help page of one operation
		u.RawQuery = "WSDL"
	case q != "":
		u.RawQuery += "&WSDL"
	default:
		u.RawQuery = "WSDL"
	}
	u.Fragment = ""
	return fromURL{client, u, e}, nil
}

func (f fromURL) String() string { return secret.Mask(f.root.String()) }

// Root is the address of the description.
func (f fromURL) Root() string { return f.root.String() }

// Resolve lets documents of the same server through: the credentials that are sent along are meant
// for nobody else. A service behind a proxy names itself by the address that it has inside; what has
// its path is asked for at the address that it has outside.
func (f fromURL) Resolve(base, ref string) (string, error) {
	b, err := url.Parse(base)
	if err != nil {
		return "", errors.New("the address cannot be read")
	}
	u, err := b.Parse(ref)
	if err != nil {
		return "", errors.New("the address cannot be read")
	}
	u.Fragment, u.User = "", nil
	switch {
	case u.Scheme == f.root.Scheme && strings.EqualFold(u.Host, f.root.Host):
	case strings.EqualFold(u.Path, f.root.Path):
		u.Scheme, u.Host = f.root.Scheme, f.root.Host
	default:
		return "", errors.New("it is on another server")
	}
	return u.String(), nil
}

// Get asks for one document.
func (f fromURL) Get(ctx context.Context, location string) ([]byte, string, error) {
	a, err := f.client.Do(ctx, outbound.Request{
		Method: http.MethodGet, URL: location, Header: http.Header{"Accept": {"text/xml"}}, MaxAnswer: wsdl.MaxBytes,
	})
	if err != nil {
		return nil, "", err
	}
	if why := f.explain.description(a); why != "" {
		return nil, "", errors.New(why)
	}
	return a.Body, a.Header.Get("Content-Type"), nil
}

// fromFile reads a description that somebody saved.
type fromFile string

func (f fromFile) String() string { return string(f) }

// Root is the path of the file.
func (f fromFile) Root() string { return string(f) }

// Resolve lets files in the folder of the description and below through.
func (f fromFile) Resolve(base, ref string) (string, error) {
	if u, err := url.Parse(ref); err != nil || u.Scheme != "" || u.Host != "" {
		return "", errors.New("it is not a file; save it beside the description, and name it there")
	}
	dir := filepath.Dir(string(f))
	path := filepath.Join(filepath.Dir(base), filepath.FromSlash(ref))
	if rel, err := filepath.Rel(dir, path); err != nil || !filepath.IsLocal(rel) || filepath.IsAbs(filepath.FromSlash(ref)) {
		return "", errors.New("it is outside the folder of the description")
	}
	return path, nil
}

// Get reads one file.
func (f fromFile) Get(_ context.Context, location string) ([]byte, string, error) {
	if i, err := os.Stat(location); err != nil {
		return nil, "", err
	} else if !i.Mode().IsRegular() { // a pipe could block for ever
		return nil, "", fmt.Errorf("%s is not a file", location)
	}
	file, err := os.Open(location)
	if err != nil {
		return nil, "", err
	}
	defer file.Close() // only read
	data, err := io.ReadAll(io.LimitReader(file, wsdl.MaxBytes+1))
	return data, "", err
}
