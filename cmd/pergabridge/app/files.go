package app

import (
	"context"
	"net/url"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/mailin"
	"github.com/pergabridge/pergabridge/webhooks"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
)

// fileParts is what the section files becomes.
type fileParts struct {
	config files.Config
	opener *files.Opener
	links  *files.Links // nil: switched off
}

func newFileParts(c *Config) fileParts {
	f := fileParts{config: c.Files.WithDefaults()}
	f.links = files.NewLinks(f.config, c.Server.PublicURL)
	f.opener = &files.Opener{
		Max: f.config.Max.Bytes(), Total: f.config.Total.Bytes(),
		Readers: map[bridge.Entrance]files.Reader{bridge.ByMailbox: mailin.Files, bridge.ByProcessCall: processcall.Files},
	}
	return f
}

// text returns what SSP is told of an event: its text, with links to its files where that is on.
func (f *fileParts) text(e *bridge.Event) string { return f.links.Text(e) }

// use gives the opener the store; what is built from the config alone has none.
func (f *fileParts) use(store bridge.Store) {
	f.opener.Event = func(ctx context.Context, id string) (bridge.Event, error) {
		e, _, err := store.Event(ctx, id)
		return e, err
	}
}

// public returns what the public listener needs; nil when links are switched off.
func (f *fileParts) public() *webhooks.FileOptions {
	if f.links == nil {
		return nil
	}
	return &webhooks.FileOptions{Links: f.links, Event: f.opener.Event, Opener: f.opener, Rate: f.config.Links.Rate}
}

// validateFiles checks how the section goes together with others.
func (c *Config) validateFiles(n *config.Node) {
	if c.Files == nil || c.Files.Links == nil {
		return
	}
	u, err := url.Parse(c.Server.PublicURL)
	if c.Server.PublicURL == "" || err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		n.Key("files").Key("links").Problemf("server: {public_url: https://bridge.example.com}", "needs server.public_url: the links begin with it")
	}
}
