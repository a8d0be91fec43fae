package mailin

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mailmark"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// expected is what a mail of the corpus has to be read as; absent members have to be empty.
type expected struct {
	Kind        string            `json:"kind"`
	Provider    string            `json:"provider"`
	Task        string            `json:"task"`
	Reference   string            `json:"reference"`
	Found       string            `json:"found"`
	Text        string            `json:"text"`
	Contains    string            `json:"contains"`
	Author      string            `json:"author"`
	Quarantine  string            `json:"quarantine"`
	Automatic   string            `json:"automatic"`
	Bounced     bool              `json:"bounced"`
	Attachments []string          `json:"attachments"`
	Fields      map[string]string `json:"fields"`
}

// marks are those the corpus was signed with.
func marks(t testing.TB) *mailmark.Marks {
	t.Helper()
	m, err := mailmark.New(mailmark.Config{Domain: "bridge.example.com", Secret: config.Secrets{{Text: secret.New("corpus-secret-0123456789")}}})
	require.NoError(t, err)
	return m
}

func patterns(t testing.TB, list ...string) []Pattern {
	t.Helper()
	var out []Pattern
	for _, s := range list {
		p, err := NewPattern(s)
		require.NoError(t, err)
		out = append(out, p)
	}
	return out
}

func expr(t testing.TB, s string) mapping.Expr {
	t.Helper()
	e, err := mapping.ParseExpr(s)
	require.NoError(t, err)
	return e
}

// box is the mailbox of the corpus: a provider whose people write, one whose system does, and one
// whose senders are verified.
func box(t testing.TB) *Mailbox {
	t.Helper()
	return &Mailbox{
		IMAP: "imaps://imap.example.com",
		Providers: map[string]*Attached{
			"acme": {
				Senders: Senders{"acme.example", "*.acme.example"}, Reference: patterns(t, `\bINC\d{7}\b`, `\[Ticket#(\d{16})\]`),
				Status: map[string]string{"Internal": "ignore"},
			},
			"machine": {
				Senders: Senders{"machine.example"}, Reference: patterns(t, `\bINC\d{7}\b`, `\b[A-Z]{2,10}-\d+\b`, `\(#(\d+)\)`, `\bI \d{4} \d{4}\b`), Automatic: "read",
				Rules: []Rule{{When: expr(t, `body.subject endsWith "has been resolved"`), Kind: "resolve"}},
			},
			"strict": {Senders: Senders{"strict.example"}, Reference: patterns(t, `STR-\d+`), Verify: &Verify{Server: "mx.example.com", Require: "dmarc"}},
		},
	}
}

func reader(t testing.TB) *Reader {
	t.Helper()
	return NewReader(map[string]*Mailbox{"support": box(t)}, marks(t), ReaderOptions{Now: func() time.Time { return time.Unix(1, 0) }})
}

func inbound(raw []byte) bridge.Inbound {
	return bridge.Inbound{Entrance: bridge.ByMailbox, ContentType: ContentType, Header: map[string]string{HeaderMailbox: "support", HeaderFolder: "INBOX"}, Body: raw, Received: time.Unix(2, 0)}
}

func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/corpus/*.eml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 150)
	r := reader(t)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".eml")
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			golden, err := os.ReadFile(strings.TrimSuffix(file, ".eml") + ".json")
			require.NoError(t, err)
			var want expected
			d := json.NewDecoder(bytes.NewReader(golden))
			d.DisallowUnknownFields()
			require.NoError(t, d.Decode(&want))

			x, events := r.Read(inbound(raw))
			got := expected{
				Kind: x.Kind, Provider: x.Provider, Task: x.Task, Reference: x.Reference, Found: x.Found, Text: x.Text,
				Quarantine: string(x.Quarantine), Automatic: string(x.automatic), Bounced: x.Bounced != "", Author: want.Author, Fields: want.Fields,
			}
			if want.Contains != "" {
				require.Contains(t, got.Text, want.Contains)
				got.Text, want.Text, want.Contains = "", "", ""
			}
			if name == "forward-nested-twice" {
				require.True(t, strings.HasPrefix(got.Text, "FYI\n\nAttachments:\n- inner.eml ("), got.Text)
				got.Text = ""
			}
			if x.Message != nil && want.Attachments != nil {
				for _, a := range x.Message.Attachments {
					got.Attachments = append(got.Attachments, a.Name)
				}
			}
			require.Equal(t, want, got, x.Why)
			require.Equal(t, x.Kind == Ignored || x.Quarantine != "", x.Why != "", "what is not taken has a reason: %q", x.Why)
			require.Len(t, events, 1)
			e := events[0]
			if x.Kind == Ignored {
				recorded(t, x, e)
				return
			}
			if want.Author != "" {
				require.Equal(t, want.Author, e.Author)
			}
			for k, v := range want.Fields {
				require.Equal(t, v, e.Fields[k], k)
			}
			require.Equal(t, bridge.In, e.Dir)
			require.Equal(t, bridge.ByMailbox, e.Entrance)
			require.NotEmpty(t, e.Key)
			require.Equal(t, raw, e.Inbound.Body, "the raw mail is kept")
			_, again := r.Read(inbound(raw))
			require.Equal(t, events, again, "reading a mail twice gives the same")
		})
	}
}

// recorded requires that an ignored mail leaves a record with its reason, and nothing of its words; a
// report that mail of ours did not arrive names the event and is kept whole.
func recorded(t require.TestingT, x *Reading, e bridge.Event) {
	require.NotEmpty(t, e.Ignore)
	require.Contains(t, bridge.Reasons(), e.Ignore)
	require.Empty(t, e.Kind)
	require.NotEmpty(t, e.Detail)
	require.NotEmpty(t, e.Key)
	require.Empty(t, e.Text)
	require.Equal(t, x.Bounced, e.Bounced)
	require.Equal(t, x.Bounced != "", e.Inbound != nil)
}

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/corpus/*.eml")
	require.NoError(f, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(raw)
	}
	r := reader(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		x, events := r.Read(inbound(raw))
		require.Len(t, events, 1)
		e := events[0]
		if x.Kind == Ignored {
			recorded(t, x, e)
			return
		}
		if e.Quarantine == "" {
			require.True(t, e.Kind.Valid(bridge.In), e.Kind)
			require.True(t, e.Task != "" || e.Reference != "")
		}
	})
}
