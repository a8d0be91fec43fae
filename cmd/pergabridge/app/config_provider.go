package app

import (
	"maps"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

// Provider is one section under `providers`. Its keys are those of its kind.
type Provider struct {
	Kind   provider.Kind
	Config provider.Configured
	// Webhook is nil when the provider does not call in.
	Webhook *scheme.Config
	// Intake changes `ssp.intake` for this provider; nil: nothing.
	Intake *processcall.Override

	text string // the section, for people
}

// UnmarshalConfig decodes the section by its kind.
func (p *Provider) UnmarshalConfig(n *config.Node) {
	if n.Kind() != config.Mapping {
		n.Problemf("write kind: and the keys of that kind", "must be a section")
		return
	}
	kinds := "one of " + strings.Join(provider.Kinds(), ", ")
	name := n.Key("kind")
	if !name.Exists() {
		name.Problemf(kinds, "kind is required")
		return
	}
	text, ok := name.Text()
	if !ok {
		return
	}
	if p.Kind, ok = provider.Lookup(text); !ok {
		name.Problemf(kinds, "%q is not a kind of provider", text)
		return
	}
	cfg := p.Kind.Config()
	config.Decode(n, cfg)
	p.Config = cfg.(provider.Configured)
	p.text = n.YAML()
	if w := p.common().Webhook; w.Exists() {
		p.Webhook = &scheme.Config{}
		config.Decode(w, p.Webhook)
	}
	if i := p.common().Intake; i.Exists() {
		p.Intake = &processcall.Override{}
		config.Decode(i, p.Intake)
	}
}

func (p *Provider) common() *provider.Common { return p.Config.CommonConfig() }

// ConfigSchema describes the section: one alternative per kind.
func (Provider) ConfigSchema() map[string]any {
	var any1 []any
	for _, name := range provider.Kinds() {
		k, _ := provider.Lookup(name)
		s := maps.Clone(config.Schema(k.Config()))
		props := map[string]any{}
		if old, ok := s["properties"].(map[string]any); ok {
			maps.Copy(props, old)
		}
		props["kind"] = map[string]any{"const": name, "description": k.Doc}
		props["webhook"] = config.Schema(scheme.Config{})
		props["intake"] = config.Schema(processcall.Override{})
		s["properties"] = props
		any1 = append(any1, s)
	}
	return map[string]any{"type": "object", "required": []any{"kind"}, "anyOf": any1}
}

// names returns the names of the providers in a fixed order.
func (c *Config) names() []string { return slices.Sorted(maps.Keys(c.Providers)) }

// address returns where the provider is, for people; "" if the kind does not tell.
func (p *Provider) address() string {
	if a, ok := p.Config.(interface{ Address() string }); ok {
		return a.Address()
	}
	return ""
}
