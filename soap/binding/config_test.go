package binding

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
)

const good = `acknowledge: {arguments: {a: task, b: reference}}
update: {arguments: {a: task, b: message}}
resolve: {arguments: {a: task, b: solution}}
`

func TestConfigForms(t *testing.T) {
	t.Setenv("BINDING_SECRET", "a-secret-of-the-binding")
	o, problems := readWhole(t, `
acknowledge: {arguments: {a: task, b: reference}}
resolve: {name: Solve, version: "1.2", namespace: urn:n, action: urn:a, url: "https://ssp/x.asmx", arguments: {a: task, b: {role: message, limit: 100, over: cut}}, success: answer == true}
update:
  arguments:
    z.Task: task
    a: {role: message, limit: 4000, over: split, omit_if_empty: true}
    c: {value: BRIDGE}
    n: {value: 5}
    t: {value: true}
    s: {secret: {env: BINDING_SECRET}}
    h: {hash: {algorithm: sha512, over: [secret, z.Task], secret: {env: BINDING_SECRET}, encoding: base64, separator: "|"}}
    i: ignore
`)
	require.Empty(t, problems)
	var paths []string
	for _, a := range o.Update.Arguments {
		paths = append(paths, a.Path)
	}
	require.Equal(t, []string{"z.Task", "a", "c", "n", "t", "s", "h", "i"}, paths, "in the order of the file")
	require.Equal(t, "5", *o.Update.Arguments[3].Value)
	require.Equal(t, "true", *o.Update.Arguments[4].Value)
	require.True(t, o.Update.Arguments[7].Ignore)
	require.Same(t, &o.Resolve, o.Of(bridge.Resolve))
	require.Nil(t, o.Of(bridge.Submit))
}

func TestConfigMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"acknowledge: {arguments: {a: task}}":                                                "1: acknowledge.arguments: no argument has the role reference",
		"update: {arguments: {b: message}}":                                                  "2: update.arguments: no argument has the role task",
		"resolve: {arguments: {a: task, b: author}}":                                         "3: resolve.arguments: no argument has the role solution",
		"update: {arguments: {a: task, b: message, c: boss}}":                                "2: update.arguments.c: must be one of task, reference, message, solution, author, status, ignore",
		"update: {arguments: {a: task, b: message, c: {}}}":                                  "2: update.arguments.c: needs exactly one of role, value, secret, hash",
		"update: {arguments: {a: task, b: message, c: {role: author, value: x}}}":            "2: update.arguments.c: needs exactly one of role, value, secret, hash",
		"update: {arguments: {a: task, b: message, c: [x]}}":                                 "2: update.arguments.c: has no value",
		"update: {arguments: {a: task, b: message, c: {value: [x]}}}":                        "2: update.arguments.c.value: must be a single value",
		"update: {arguments: {a: task, b: {role: message, limit: 3}}}":                       "2: update.arguments.b.limit: must be at least 20",
		"update: {arguments: {a: task, b: {role: message, over: cut}}}":                      "2: update.arguments.b.over: means nothing without a limit",
		"update: {arguments: {a: {role: task, limit: 30}, b: message}}":                      "2: update.arguments.a.limit: only a message or solution has a limit",
		"update: {arguments: {a: task, b: message, c: {role: author, size: 1}}}":             "2: update.arguments.c.size: unknown key",
		"update: {arguments: {a: task, b: message, h: {hash: {algorithm: md5, over: [a]}}}}": "2: update.arguments.h.hash.algorithm: must be one of sha1, sha256, sha512, not \"md5\"",
		"resolve: {arguments: {a: task, b: {role: solution, limit: 30, over: split}}}":       "3: resolve.arguments.b.over: only the text of update can be split",
		"update: {url: ftp://x, arguments: {a: task, b: message}}":                           "2: update.url: not the address of a web service",
		"update: {success: cursor == answer, arguments: {a: task, b: message}}":              "2: update.success: \"cursor\" is not known here",
		"update: {arguments: task}":                                                          "2: update.arguments: must be a section of keys",
	} {
		_, problems := readWhole(t, replaceLine(good, text))
		require.NotEmpty(t, problems, text)
		p := problems[0]
		require.Contains(t, fmt.Sprintf("%d: %s: %s", p.Line, p.Path, p.Msg), want, text)
	}
	_, problems := readWhole(t, "update: {arguments: {a: task, b: message}}")
	require.Len(t, problems, 2, "all three operations are needed")
}

// replaceLine puts line in the place of the operation that it is about.
func replaceLine(text, line string) string {
	var out strings.Builder
	for l := range strings.Lines(text) {
		if key, _, _ := strings.Cut(line, ":"); strings.HasPrefix(l, key+":") {
			l = line + "\n"
		}
		out.WriteString(l)
	}
	return out.String()
}

func TestConfigSchema(t *testing.T) {
	s := config.Schema(Operations{})
	properties, ok := s["properties"].(map[string]any)
	require.True(t, ok)
	for _, k := range kinds {
		require.Contains(t, properties, string(k))
	}
}
