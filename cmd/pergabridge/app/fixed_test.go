package app

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// What is decided once, when the bridge starts, is refused by a reload with its place, and not silently left as it was.
func TestWhatAReloadCannotChange(t *testing.T) {
	rest := docBlock{mark: "intake", text: "auth: {none: true}"}.whole(t)
	read := func(text string) *Config {
		c, err := parse(filepath.Join(t.TempDir(), "pergabridge.yaml"), []byte(text+rest), (*config.Node).StandInSecrets)
		require.NoError(t, err)
		return c
	}
	const plain = "server: {listen: \"127.0.0.1:1\"}\nstore: sqlite:/a.db\n"
	old := read(plain)
	require.NoError(t, old.fixed(read("# another text\n"+plain)))
	require.NoError(t, old.fixed(read(strings.Replace(plain, "server: {", "server: {public_url: \"https://bridge.example.com\", path_prefix: /a, ", 1))))
	for path, text := range map[string]string{
		"server.listen":    strings.Replace(plain, "127.0.0.1:1", "127.0.0.1:2", 1),
		"server.admin":     strings.Replace(plain, "server: {", "server: {admin: \"127.0.0.1:2\", ", 1),
		"server.replica":   strings.Replace(plain, "server: {", "server: {replica: west, ", 1),
		"server.tls":       strings.Replace(plain, "server: {", "server: {tls: {cert: a.pem, key: a.key}, ", 1),
		"server.admin_tls": strings.Replace(plain, "server: {", "server: {admin_tls: {cert: a.pem, key: a.key}, ", 1),
		"store":            strings.Replace(plain, "a.db", "b.db", 1),
	} {
		err := old.fixed(read(text))
		require.ErrorContains(t, err, ": "+path+": cannot change while the bridge runs (restart the bridge, or take this change back and reload the others)")
	}
}
