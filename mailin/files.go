package mailin

import (
	"fmt"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/mailin/message"
)

// Files takes the attachments out of a raw mail, in the order in which the event names them.
func Files(in *bridge.Inbound) ([]bridge.File, error) {
	m, err := message.Parse(in.Body)
	if err != nil {
		return nil, fmt.Errorf("mailin: %w", err)
	}
	return filesOf(m), nil
}

func filesOf(m *message.Message) []bridge.File {
	out := make([]bridge.File, len(m.Attachments))
	for i, a := range m.Attachments {
		out[i] = bridge.File{N: i + 1, Name: a.Name, Type: a.Type, Size: a.Size, SHA256: a.SHA256, Inline: a.Inline, Data: a.Data}
	}
	return out
}
