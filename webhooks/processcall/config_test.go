package processcall_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
)

func problems(t *testing.T, yaml string, into any) config.Problems {
	t.Helper()
	n, err := config.Parse("test.yaml", []byte(yaml))
	require.NoError(t, err)
	config.Decode(n, into)
	return n.Problems()
}

func TestConfigProblems(t *testing.T) {
	t.Setenv("GOOD", "long-enough-secret")
	t.Setenv("SHORT", "x7#q2")
	t.Setenv("SPACE", "long enough secret")
	for _, c := range []struct{ name, yaml, want string }{
		{"no auth", "types: {a: submit}", "auth: is required"},
		{"empty auth", "auth: {}", "must name exactly one way, not 0"},
		{"two ways", "auth: {none: true, token: {secret: {env: GOOD}}}", "must name exactly one way, not 2"},
		{"literal secret", "auth: {token: {secret: abc}}", "must not be written into this file"},
		{"no secret", "auth: {header: {name: X}}", "auth.header.secret: is required"},
		{"short secret", "auth: {header: {name: X, secret: {env: SHORT}}}", "is shorter than 8 bytes"},
		{"token with a space", "auth: {token: {secret: {env: SPACE}}}", "cannot be sent as a part of a path"},
		{"colon in user", "auth: {basic: {username: 'a:b', password: {env: GOOD}}}", "must not hold a colon"},
		{"hash of itself", "auth: {hash: {field: h, secret: {env: GOOD}, fields: [task, H]}}", "the hash cannot cover itself"},
		{"unknown alias", "auth: {none: true}\naliases: {x: tasks}", `"tasks" is not a field of a process call`},
		{"unknown type", "auth: {none: true}\ntypes: {x: open}", "must be one of submit"},
		{"unknown direction", "auth: {none: true}\ndirections: {x: left}", "must be one of in, out"},
		{"unknown literal", "auth: {none: true}\nliteral: [body]", `"body" is not a field`},
		{"huge body", "auth: {none: true}\nlimits: {body: 1GiB}", "must be between 1kB and 64MiB"},
		{"no depth", "auth: {none: true}\nlimits: {depth: 1}", "must be between 2 and 200"},
		{"long wait", "auth: {none: true}\nlimits: {wait: 2m}", "must be at most 1m0s"},
		{"unknown key", "auth: {none: true}\nalias: {}", "unknown key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s processcall.Config
			require.ErrorContains(t, problems(t, c.yaml, &s), c.want)
		})
	}
}

func TestOverride(t *testing.T) {
	t.Setenv("GOOD", "long-enough-secret")
	base := settings(t, "auth: {none: true}\naliases: {a: task, b: text}\ndrop: [x]\nlimits: {depth: 5, body: 2kB}\nwindow: 5m")
	var o processcall.Override
	require.Empty(t, problems(t, "auth: {token: {secret: {env: GOOD}}}\naliases: {b: title}\ntypes: {neu: submit}\ndrop: [y]\nlimits: {depth: 6}", &o))
	got := base.With(&o)
	require.False(t, got.Auth.None)
	require.NotNil(t, got.Auth.Token)
	require.Equal(t, map[string]string{"a": "task", "b": "title"}, got.Aliases)
	require.Equal(t, map[string]string{"neu": "submit"}, got.Types)
	require.Equal(t, []string{"x", "y"}, got.Drop)
	require.Equal(t, 6, got.Limits.Depth)
	require.EqualValues(t, 2000, got.Limits.Body)
	require.Equal(t, 5*time.Minute, got.Window.Std())
	require.Equal(t, "text", base.Aliases["b"], "the base is shared by all providers")
	require.Equal(t, base, base.With(nil))

	inside, outside := settings(t, "auth: {none: true}\nallow: [10.1.0.0/16]"), processcall.Override{}
	require.True(t, processcall.New("acme", inside.With(&outside)).From().Admit(netip.MustParseAddr("10.1.2.3")), "nothing said, nothing changed")
	require.Empty(t, problems(t, "allow: 10.2.0.0/16", &outside))
	from := processcall.New("acme", inside.With(&outside)).From()
	require.False(t, from.Admit(netip.MustParseAddr("10.1.2.3")), "the provider's networks stand instead of those of ssp.intake")
	require.True(t, from.Admit(netip.MustParseAddr("10.2.2.3")))

	r := processcall.New("acme", got)
	require.True(t, r.WantsToken())
	require.False(t, r.Open())
	require.EqualValues(t, 2000, r.BodyLimit())
	require.Equal(t, processcall.MaxWait, r.WaitLimit())

	require.Empty(t, problems(t, "limits: {wait: 5s}", &o), "a provider need not repeat auth")
	require.Equal(t, 5*time.Second, processcall.New("acme", base.With(&o)).WaitLimit())
}

func TestSchemaDescribesTheSection(t *testing.T) {
	s := config.Schema(processcall.Config{})
	p, ok := s["properties"].(map[string]any)
	require.True(t, ok)
	for _, key := range []string{"auth", "aliases", "types", "directions", "drop", "literal", "window", "limits"} {
		require.Contains(t, p, key)
	}
}
