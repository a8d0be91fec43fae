package processcall

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

func TestAHashCoversWhatTheEventIsMadeOf(t *testing.T) {
	c := Config{}
	s := config.Secrets{{Text: secret.New("a-long-secret-1")}}
	c.Auth.Hash = &HashAuth{Field: "hash", Secret: s, Fields: []string{"task", "request_type", "text"}}
	r := New("acme", c)
	sum := sha256.Sum256([]byte("a-long-secret-1|4711|Update|hello"))
	captured := hex.EncodeToString(sum[:])
	for name, body := range map[string]string{
		"prefix": `{"fields":{"task":"4711","request_type":"Update","text":"hello"},"task":"9999","request_type":"Closed","text":"forged","hash":"` + captured + `"}`,
		"alias":  `{"TaskId":"9999","task":"4711","request_type":"Update","text":"hello","hash":"` + captured + `"}`,
		"clean":  `{"task":"4711","request_type":"Update","text":"hello","hash":"` + captured + `"}`,
	} {
		rd, err := r.Read(bridge.Inbound{ContentType: "application/json", Body: []byte(body), Received: time.Now()})
		if name == "clean" {
			require.NoError(t, err)
			require.Equal(t, "4711", rd.Event.Task)
			continue
		}
		require.Error(t, err, "%s: the hash covers one field, the event is made of another", name)
	}
}
