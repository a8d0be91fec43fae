package bridge

// A File came with an input: an attachment of a mail, a document in a process call. Its bytes are
// kept once, inside [Event].Inbound; they live and go with it.
type File struct {
	// N is its place among the files of the input, from 1.
	N    int    `json:"n"`
	Name string `json:"name"` // as the sender wrote it, on one line and without a path
	// Type is what the sender says it is. Nobody has checked that.
	Type   string `json:"type,omitempty"`
	Size   int    `json:"size"` // bytes
	SHA256 string `json:"sha256,omitempty"`
	// Inline is set on what only decorates a text, a logo in a signature for one.
	Inline bool   `json:"inline,omitempty"`
	Data   []byte `json:"-"`
}

// Keys of [Event].Fields under which a source names the files of an input.
const (
	fieldFiles = "attachments"
	fieldMail  = "mail" // of an event that came by mail: its files are below
)

// FileField returns the files as they stand in [Event].Fields, without their bytes.
func FileField(list []File) []any {
	out := make([]any, len(list))
	for i, f := range list {
		out[i] = map[string]any{"name": f.Name, "type": f.Type, "size": f.Size, "sha256": f.SHA256, "inline": f.Inline}
	}
	return out
}

// FilesOf returns the files that an event names, without their bytes. What does not look like the
// work of [FileField] is left out; a sender may use the same name for something else.
func FilesOf(e *Event) []File {
	from := e.Fields
	if e.Entrance == ByMailbox {
		from, _ = e.Fields[fieldMail].(map[string]any)
	}
	list, _ := from[fieldFiles].([]any)
	var out []File
	for i, x := range list {
		m, ok := x.(map[string]any)
		if !ok {
			return nil
		}
		f := File{N: i + 1}
		f.Name, _ = m["name"].(string)
		f.Type, _ = m["type"].(string)
		f.SHA256, _ = m["sha256"].(string)
		f.Inline, _ = m["inline"].(bool)
		switch n := m["size"].(type) {
		case int:
			f.Size = n
		case int64:
			f.Size = int(n)
		case float64: // decoded JSON
			f.Size = int(n)
		}
		if len(f.SHA256) != 64 {
			return nil
		}
		out = append(out, f)
	}
	return out
}
