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

// chart draws the last hour as two lines. Its text says the same to those who do not see it.
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
	for _, l := range []struct {
		class  string
		values []int64
	}{{"in", s.In}, {"out", s.Out}} {
		fmt.Fprintf(&b, `<polyline class="%s" points="%s"/>`, l.class, points(l.values, peak))
	}
	b.WriteString(`</svg>`)
	fmt.Fprintf(&b, `<small class="legend" aria-hidden="true"><span class="in">%d in</span> <span class="out">%d out</span></small>`, in, out)
	return template.HTML(b.String()) //nolint:gosec // numbers and escaped text alone
}

// points places values from left to right, the peak at the top.
func points(values []int64, peak int64) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte(' ')
		}
		y := float64(chartHeight - 1)
		if peak > 0 {
			y -= float64(v) / float64(peak) * (chartHeight - 4)
		}
		fmt.Fprintf(&b, "%.1f,%.1f", float64(i)*chartWidth/float64(max(1, len(values)-1)), y)
	}
	return b.String()
}
