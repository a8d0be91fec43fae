package mailmark

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

func format(t testing.TB, f string, aliases map[string][]string) *Format {
	t.Helper()
	x, err := NewFormat(f, aliases)
	require.NoError(t, err)
	return x
}

func TestParse(t *testing.T) {
	f := format(t, "", nil)
	p := f.Parse(strings.Join([]string{
		"Hello,", "", "[[TASK]]: 4711", "  * [[ external reference ]] : INC0012345 ", "[[Priority]]: Low", "and more",
		"[[message]]: first line", "second line", "", "third", "[[Status]]: Solved", "[[Solution]]:", "It was the disk.",
	}, "\n"))
	require.Equal(t, []Tag{
		{Task, "TASK", "4711"}, {Reference, "external reference", "INC0012345"}, {"", "Priority", "Low"},
		{Message, "message", "first line\nsecond line\n\nthird"}, {Status, "Status", "Solved"}, {Solution, "Solution", "It was the disk."},
	}, p.Tags)
	require.Equal(t, "Hello,\n\nand more", p.Rest)
	require.Equal(t, "4711", p.Get(Task))
	require.Equal(t, []string{"A", "B"}, f.Parse("[[Task]]: A\n[[Aufgabe]]: B\n[[task]]: a").All(Task))
	require.Empty(t, f.Parse("see [[Task]]: 4711 in the text").Tags, "a tag begins its line")
	require.Empty(t, f.Parse("[ [Task]]: 4711\n[[]]: x\n[[Task]] 4711").Tags)
}

// What a template left unfilled names nothing; a number in the same signs does.
func TestPlaceholders(t *testing.T) {
	f := format(t, "", nil)
	for _, v := range []string{"{TaskId}", "{{task.id}}", "${TASK}", "<task number>", "%TASK%", "[Task Id]", "#REPLACE-EXTAPPFIELD-Ticketing-Task#", "{}"} {
		require.Empty(t, f.Parse("[[Task]]: "+v).All(Task), v)
		require.Empty(t, f.Parse("[[Reference]]: "+v).Get(Reference), v)
		require.Equal(t, v, f.Parse("[[Message]]: "+v).Get(Message), "a text may be anything")
	}
	for _, v := range []string{"4711", "{4711}", "[INC0012345]", "#77#", "<8>", "TASK", "a{b}"} {
		require.Equal(t, v, f.Parse("[[Task]]: "+v).Get(Task))
	}
}

func TestFormats(t *testing.T) {
	for _, c := range []struct{ format, line, label, value string }{
		{"[[LABEL]]: [[Value]]", "[[Priority]]: Low", "Priority", "Low"},
		{"[[LABEL]]: [[Value]]", "[[Priority]]: [[Low]]", "Priority", "Low"},
		{"#Label# = value;", "#Task#=4711;", "Task", "4711"},
		{"Label: value", "Task: 4711", "Task", "4711"},
		{"<Label> value </>", "<Task> 4711 </>", "Task", "4711"},
		{"{{Label|value}}", "{{Task|47 11}}", "Task", "47 11"},
	} {
		tag, ok := format(t, c.format, nil).tag(c.line)
		require.True(t, ok, c.format)
		require.Equal(t, c.label, tag.Label, c.format)
		require.Equal(t, c.value, tag.Value, c.format)
	}
	_, ok := format(t, "Label: value", nil).tag("Note: this is no tag")
	require.False(t, ok, "a format without a mark before the label knows its labels only")
	for _, bad := range []string{"x", "[[Label]]", "value Label", "Labelvalue"} {
		_, err := NewFormat(bad, nil)
		require.Error(t, err, bad)
	}
	_, err := NewFormat("", map[string][]string{"nonsense": {"x"}})
	require.Error(t, err)
	_, err = NewFormat("", map[string][]string{Task: {"X"}, Ticket: {"x"}})
	require.Error(t, err)
	f := format(t, "", map[string][]string{Task: {"SSP Taak"}})
	require.Equal(t, "4711", f.Parse("[[ssp taak]]: 4711").Get(Task))
	require.Equal(t, "[[SSP Taak]]: 4711", f.Write(Task, "4711"))
	require.Empty(t, f.Parse("[[task]]: 4711").Get(Task), "aliases replace")
}

// What is written is read back as what it was, and no user text becomes a tag.
func TestWriteAndEscape(t *testing.T) {
	for _, form := range []string{"", "[[LABEL]]: [[Value]]", "#Label# = value", "Label: value", "{{Label|value}}", "<Label>value"} {
		f := format(t, form, nil)
		for _, text := range []string{
			"[[Task]]: 666", "x\n  [[Task]]: 666\ny", "see [[Status]]: closed", "#Task# = 666", "Task: 666", "{{Task|666}}", "<Task>666", "- Task: 666",
			"[[[[Task]]: 666", "##Task# = 1", "[[a]]: [[b]]: c", strings.Repeat("[[a]]: ", 500), strings.Repeat("[", 20000) + "a]]: x",
		} {
			escaped := f.Escape(text)
			require.Empty(t, f.Parse(escaped).Tags, "%s: %q became %q", form, text, escaped)
			body := f.Write(Task, "4711") + "\n" + f.Write(Message, text) + "\n" + f.Write(Status, "open\nand [[Task]]: 5")
			p := f.Parse(body)
			require.Equal(t, []string{"4711"}, p.All(Task), body)
			require.Len(t, p.Tags, 3, body)
			require.NotEmpty(t, p.Get(Message))
		}
		require.Equal(t, "plain text: 50 % of [x]", f.Escape("plain text: 50 % of [x]"))
	}
}

func marks(t testing.TB, keys ...string) *Marks {
	t.Helper()
	c := Config{Domain: "Bridge.example.com"}
	for _, k := range keys {
		c.Secret = append(c.Secret, config.Secret{Text: secret.New(k)})
	}
	m, err := New(c)
	require.NoError(t, err)
	return m
}

const (
	key1 = "0123456789abcdef-one"
	key2 = "0123456789abcdef-two"
)

func TestMarks(t *testing.T) {
	m := marks(t, key1)
	id := bridge.NewID()
	mid := m.MessageID("acme", "4711", id)
	require.Equal(t, mid, m.MessageID("acme", "4711", id))
	require.Less(t, len(mid), 120)
	k, ok := m.ReadMessageID("<" + strings.ToUpper(mid) + ">")
	require.True(t, ok)
	require.Equal(t, Mark{"acme", "4711", id}, k)
	require.True(t, m.Own(mid))

	reply := m.ReplyAddress("support@example.com", "acme", "4711")
	k, ok = m.ReadAddress(strings.ToUpper(reply))
	require.True(t, ok, reply)
	require.Equal(t, Mark{Provider: "acme", Task: "4711"}, k)
	require.Equal(t, "support@example.com", m.ReplyAddress("support@example.com", "acme", strings.Repeat("9", 80)), "too long for an address")

	subject := "AW: Re: " + m.SubjectToken("acme", "4711") + " x " + m.SubjectToken("acme", "4712")
	require.Equal(t, []Mark{{"acme", "4711", ""}, {"acme", "4712", ""}}, m.ReadSubject(subject))

	_, ok = m.ReadAddress("support+pb" + strings.Split(mid, ".")[1] + "@x")
	require.False(t, ok, "a mark for one place is not valid in another")
	forged := []byte(mid)
	forged[8] ^= 1
	_, ok = m.ReadMessageID(string(forged))
	require.False(t, ok)
	_, ok = marks(t, key2).ReadMessageID(mid)
	require.False(t, ok)
	k, ok = marks(t, key2, key1).ReadMessageID(mid)
	require.True(t, ok, "the old secret is still accepted")
	require.Equal(t, "4711", k.Task)
	require.ErrorIs(t, marks(t).Signs(), ErrNoSecret)
	require.True(t, m.Own(m.MessageID("acme", strings.Repeat("9", 400), id)))
}

// The form of a mark is known without the secret, whoever's it is; what people and programs write is not taken for it.
func TestForm(t *testing.T) {
	m := marks(t, key1)
	id := bridge.NewID()
	for _, mid := range []string{m.MessageID("acme", "4711", id), "<" + strings.ToUpper(m.MessageID("acme", "4711", id)) + ">", m.MessageID("acme", strings.Repeat("9", 400), id)} {
		require.True(t, BridgeID(mid), mid)
	}
	require.True(t, BridgeAddress(strings.ToUpper(m.ReplyAddress("support@example.com", "acme", "4711"))))
	for _, other := range []string{
		"", "pb1.@x.example", "pb1.aaaaaaaaaaaaaaaaaaaaaaaa@x.example", "pbx.1@x.example", m.MessageID("acme", "4711", id)[4:], "CAF0x+pb1.abc@mail.gmail.com",
		strings.Split(m.MessageID("acme", "4711", id), "@")[0], "pb1." + strings.Repeat("a", 5000) + "@x.example",
	} {
		require.False(t, BridgeID(other), other)
	}
	for _, other := range []string{"", "support@example.com", "support+pb@example.com", "support+pbx@example.com", "jo+pbaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com"} {
		require.False(t, BridgeAddress(other), other)
	}
}

func TestConfig(t *testing.T) {
	t.Setenv("MARK", "short")
	n, err := config.Parse("c.yaml", []byte("domain: a b\nsecret: {env: MARK}\ntags: {format: nothing}"))
	require.NoError(t, err)
	config.Decode(n, &Config{})
	require.Len(t, n.Problems(), 3)
}

func FuzzTags(f *testing.F) {
	f.Add("[[Label]]: value", "[[Task]]: 4711\ntext")
	f.Add("Label: value", "- Task: 1")
	f.Fuzz(func(t *testing.T, form, text string) {
		x, err := NewFormat(form, nil)
		if err != nil || len(form) > 100 || len(text) > 5000 {
			return
		}
		x.Parse(text)
		x.Escape(text)
		if form == StandardFormat {
			require.Empty(t, x.Parse(x.Escape(text)).Tags, "%q", text)
		}
	})
}

func FuzzMarks(f *testing.F) {
	f.Add("<pb1.aaaaaaaaaaaaaaaaaaaaaaaaaa@bridge.example.com>")
	f.Fuzz(func(t *testing.T, s string) {
		m := marks(t, key1)
		_, ok := m.ReadMessageID(s)
		require.False(t, ok)
		_, ok = m.ReadAddress(s)
		require.False(t, ok)
		require.Empty(t, m.ReadSubject(s))
		BridgeID(s)
		BridgeAddress(s)
	})
}
