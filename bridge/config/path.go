package config

// Path is a file path. A relative one is relative to the folder of the config file and is made
// absolute to it while decoding.
type Path string

// UnmarshalConfig reads the path.
func (p *Path) UnmarshalConfig(n *Node) {
	text, ok := n.Text()
	if !ok {
		return
	}
	if text == "" {
		n.Problemf("write the path of a file, or remove the key", "must not be empty")
		return
	}
	*p = Path(n.Abs(text))
}

// ConfigSchema describes a path.
func (Path) ConfigSchema() map[string]any {
	return map[string]any{"type": "string", "minLength": 1}
}
