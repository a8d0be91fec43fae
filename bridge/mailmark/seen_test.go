package mailmark

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Mail programs put marks of direction and of wrapping around words, and other spaces than ours. They neither
// hide a tag nor become part of a number.
func TestTagsAreReadAsTheyAreSeen(t *testing.T) {
	f := format(t, "", nil)
	for _, line := range []string{
		"\u200b[[Task]]: 4711", "\ufeff[[Task]]: 4711", "\u202a[[Task]]: 4711\u202c", "[[Task]]: \u200e4711\u200f", "[[\u200bTask\u200b]]: 47\u200b11",
		"[[Task]]: 47\u00ad11", "[[Tâche]]\u202f:\u202f4711", "\u2003[[Task]]:\u00a04711\u2007",
	} {
		require.Equal(t, []string{"4711"}, f.Parse(line).All(Task), "%q", line)
		require.Empty(t, f.Parse(f.Escape(line)).Tags, "%q", line)
	}
	require.Equal(t, "see [ [Tâche]]\u202f: 1", f.Escape("see [[Tâche]]\u202f: 1"), "wherever it stands")
	family := "👩\u200d👧 می\u200cخواهم"
	require.Equal(t, family, f.Parse("[[Message]]: "+family).Get(Message), "signs that words are made of stay")
}

// Programs that wrap text, or take HTML for one line, put tags of one line each into one. What users write
// is escaped anywhere, so it ends no tag.
func TestTagsInOneLine(t *testing.T) {
	f := format(t, "", nil)
	p := f.Parse("[[Task]]: 4711 [[Reference]]: INC0000001 [[Priority]]: high [[Message]]: see [[Task]]: 4712\nmore")
	require.Equal(t, []Tag{
		{Task, "Task", "4711"}, {Reference, "Reference", "INC0000001 [[Priority]]: high"}, {Message, "Message", "see [[Task]]: 4712\nmore"},
	}, p.Tags)
	require.Empty(t, f.Parse("[[Task]]: [[Message]]: hi").Get(Task))
	author := f.Write(Author, "Jo [[Task]]: 4712 [[Message]]: x")
	require.Equal(t, []Tag{{Author, "Author", "Jo [ [Task]]: 4712 [ [Message]]: x"}}, f.Parse(author).Tags)
	single := format(t, "#Label: value", nil)
	require.Len(t, single.Parse(single.Write(Author, "Jo #Task: 4712")).Tags, 1)
}
