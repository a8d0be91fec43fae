package config

import (
	"github.com/goccy/go-yaml"
)

// YAML returns the node written anew as YAML: what the file says, without comments, aliases resolved.
// Secrets stand there as the places that hold them. It is empty for an absent node.
func (n *Node) YAML() string {
	if !n.Exists() {
		return ""
	}
	raw, err := yaml.MarshalWithOptions(n.plain(), yaml.Indent(2), yaml.IndentSequence(true), yaml.UseLiteralStyleIfMultiline(true))
	if err != nil {
		return "" // values that were read from YAML can be written as YAML
	}
	return string(raw)
}

// plain returns the node as values that package yaml writes in their order.
func (n *Node) plain() any {
	switch n.Kind() {
	case Mapping:
		out := make(yaml.MapSlice, 0, len(n.Pairs()))
		for _, p := range n.Pairs() {
			out = append(out, yaml.MapItem{Key: p.Name, Value: p.Node.plain()})
		}
		return out
	case Sequence:
		out := make([]any, 0, len(n.Items()))
		for _, item := range n.Items() {
			out = append(out, item.plain())
		}
		return out
	case Scalar:
		return n.Value()
	}
	return nil
}
