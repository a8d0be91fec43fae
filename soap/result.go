package soap

import (
	"strconv"
	"strings"
)

// negative reports whether the result of an operation says no. What the operations return is not
// public; these are the ways in which .asmx services say no without a fault.
func negative(result string) bool {
	r := strings.ToLower(strings.TrimSpace(result))
	if r == "false" {
		return true
	}
	if n, err := strconv.ParseFloat(strings.Replace(r, ",", ".", 1), 64); err == nil {
		return n < 0
	}
	r = strings.TrimPrefix(r, "<") // XML in a string: <error>…
	return strings.HasPrefix(r, "error") || strings.HasPrefix(r, "exception")
}
