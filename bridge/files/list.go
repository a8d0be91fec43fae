package files

import (
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
)

// maxListed bounds the files that are named in a text.
const maxListed = 50

const heading = "Attachments:\n"

// List names files with their size, one a line, for the end of a text; "" when there is nothing to
// name. What only decorates the text is left out.
func List(list []bridge.File) string { return lines(list, func(*bridge.File) string { return "" }) }

func lines(list []bridge.File, behind func(*bridge.File) string) string {
	var out []string
	for i := range list {
		f := &list[i]
		if f.Inline {
			continue
		}
		if len(out) == maxListed {
			out = append(out, "- …")
			break
		}
		out = append(out, fmt.Sprintf("- %s (%s)%s", f.Name, Size(f.Size), behind(f)))
	}
	if out == nil {
		return ""
	}
	return heading + strings.Join(out, "\n")
}

// Size writes a number of bytes for people.
func Size(n int) string {
	switch {
	case n < 10_000:
		return config.Size(n).String()
	case n < 1_000_000:
		return fmt.Sprintf("%dkB", (n+500)/1000)
	}
	return strings.Replace(fmt.Sprintf("%.1fMB", float64(n)/1e6), ".0MB", "MB", 1)
}
