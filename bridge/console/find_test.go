package console_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTasksAreFoundByTheBeginningAndByTime(t *testing.T) {
	w := newWorld(t)
	w.bonded("4711", "INC-0815")
	w.clock.advance(48 * time.Hour)
	w.bonded("4712", "INC-0816")
	w.park("9000")
	tasks := func(query string) (out []string) {
		body := w.request("GET", "/tasks?"+query, "", signed).Body.String()
		for _, m := range regexp.MustCompile(`<th scope="row"><a href="/tasks/acme/(\d+)">`).FindAllStringSubmatch(body, -1) {
			out = append(out, m[1])
		}
		return out
	}
	require.Equal(t, []string{"4711", "4712", "9000"}, tasks("q=471"), "9000 by its words")
	require.Equal(t, []string{"4711", "4712"}, tasks("q=inc-08"), "as references are compared")
	require.Equal(t, []string{"4712"}, tasks("q=inc-08&since=24h"))
	require.Equal(t, []string{"9000", "4712"}, tasks("since=24h"), "newest first")
	require.Equal(t, []string{"9000"}, tasks("since=24h&state=parked"))
	require.Equal(t, 400, w.request("GET", "/tasks?since=soon", "", signed).Code)
	require.Contains(t, w.request("GET", "/tasks?since=24h", "", signed).Body.String(), `name="since" value="24h"`)
}
