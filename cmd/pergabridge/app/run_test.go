package app

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A bridge whose listener fails ends, and says why: whoever looks after it starts it again. One that stayed would be
// alive and reachable for nobody.
func TestAListenerThatFailsEndsTheBridge(t *testing.T) {
	c, err := Parse(filepath.Join(t.TempDir(), "pergabridge.yaml"),
		[]byte("server: {listen: \"127.0.0.1:0\", admin: \"127.0.0.1:0\"}\nstore: sqlite:a.db\n"+docBlock{mark: "intake", text: "auth: {none: true}"}.whole(t)))
	require.NoError(t, err)
	var a *App
	a, err = New(t.Context(), c, Options{Ready: func() { _ = a.publicAt.Close() }})
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(t.Context()) }()
	select {
	case err := <-ended:
		require.ErrorContains(t, err, "public listener: ")
	case <-time.After(time.Minute):
		t.Fatal("it stays, and nobody can reach it")
	}
}
