package console

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/console/rate"
)

// Size of a chart, in units of its own.
const (
	chartWidth  = 240
	chartHeight = 48
)

// chart draws the last hour as pairs of bars. Its text says the same to those who do not see it.
func chart(of string, s rate.Series) template.HTML {
	var in, out, peak int64
	for i := range s.In {
		in, out, peak = in+s.In[i], out+s.Out[i], max(peak, s.In[i], s.Out[i])
	}
	text := fmt.Sprintf("%s, last hour: %d in, %d out", of, in, out)
	if peak > 0 {
		text += fmt.Sprintf("; at most %d a minute", peak)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="chart" viewBox="0 0 %d %d" role="img" aria-label="%s" preserveAspectRatio="none">`,
		chartWidth, chartHeight, template.HTMLEscapeString(text))
	fmt.Fprintf(&b, `<line class="base" x1="0" y1="%[2]d" x2="%[1]d" y2="%[2]d"/>`, chartWidth, chartHeight-1)
	fmt.Fprintf(&b, `<path class="in" d="%s"/><path class="out" d="%s"/>`, bars(s.In, peak, 0), bars(s.Out, peak, barWidth))
	b.WriteString(`</svg>`)
	fmt.Fprintf(&b, `<small class="legend" aria-hidden="true"><span class="in">%d in</span> <span class="out">%d out</span></small>`, in, out)
	return template.HTML(b.String()) //nolint:gosec // numbers and escaped text alone
}

// barWidth is the width of one bar; two of them stand for a minute.
const barWidth = chartWidth / rate.Minutes / 2

// bars draws a column for every minute in which something happened, shift to the right of its
// beginning.
func bars(values []int64, peak int64, shift int) string {
	var b strings.Builder
	for i, v := range values {
		if v > 0 {
			height := max(2, int(v*(chartHeight-4)/peak))
			fmt.Fprintf(&b, "M%d %dv-%dh%dv%dz", i*2*barWidth+shift, chartHeight-1, height, barWidth, height)
		}
	}
	return b.String()
}
