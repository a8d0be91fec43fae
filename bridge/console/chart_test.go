package console

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/console/rate"
)

func TestAChartSaysWhatItShows(t *testing.T) {
	s := rate.Series{In: make([]int64, rate.Minutes), Out: make([]int64, rate.Minutes)}
	empty := string(chart(`All "&<`, s))
	require.Contains(t, empty, `aria-label="All &#34;&amp;&lt;, last hour: 0 in, 0 out"`)
	require.Contains(t, empty, `<path class="in" d=""/>`)
	s.In[0], s.In[59], s.Out[59] = 4, 1000, 1
	got := string(chart("All", s))
	require.Contains(t, got, "last hour: 1004 in, 1 out; at most 1000 a minute")
	require.Contains(t, got, `<path class="in" d="M0 47v-2h2v2zM236 47v-44h2v44z"/><path class="out" d="M238 47v-2h2v2z"/>`, "small ones are still seen")
	require.NotContains(t, got, "style=")
	require.Equal(t, 1, strings.Count(got, "</svg>"))
}
