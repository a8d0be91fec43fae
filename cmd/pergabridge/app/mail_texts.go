package app

import (
	"strings"

	"github.com/pergabridge/pergabridge/mailin/message"
)

// mailTexts returns what stands in a raw mail, decoded: texts, addresses, attachments that are texts, and the same of
// mails within it. Nothing of what is no mail.
func mailTexts(raw []byte) []string {
	m, err := message.Parse(raw)
	if err != nil {
		return nil
	}
	return textsOf(m, nil)
}

func textsOf(m *message.Message, out []string) []string {
	out = append(out, m.Text, m.Subject, m.From.Name, m.From.Email, m.ReplyTo.Name, m.ReplyTo.Email)
	for _, list := range [][]message.Address{m.To, m.Cc} {
		for _, a := range list {
			out = append(out, a.Name, a.Email)
		}
	}
	for _, a := range m.Attachments {
		out = append(out, a.Name)
		if strings.HasPrefix(a.Type, "text/") || strings.HasSuffix(a.Type, "json") || strings.HasSuffix(a.Type, "xml") {
			out = append(out, string(a.Data))
		}
	}
	for _, f := range m.Forwarded {
		out = textsOf(f, out)
	}
	return out
}
