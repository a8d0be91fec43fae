package config

import (
	"reflect"
	"slices"
	"strings"
)

// maxWord bounds what is compared: longer names are no typing mistakes of short ones.
const maxWord = 64

// nearest returns the candidate that name was probably meant to be, or "".
func nearest(name string, candidates []string) string {
	if len(name) > maxWord {
		return ""
	}
	best, bestDistance := "", 1+max(1, len([]rune(name))/3)
	plain := plainKey(name)
	sorted := slices.Sorted(slices.Values(candidates))
	for _, c := range sorted {
		if len(c) > maxWord {
			continue
		}
		if plainKey(c) == plain {
			return c
		}
		if d := distance(name, c); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// plainKey removes what people get wrong about keys: case and separators.
func plainKey(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' || r == '.' {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// distance is the optimal string alignment distance: insertions, deletions, replacements and swaps
// of neighbours.
func distance(a, b string) int {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}

// unknownHint says which key was meant, where it belongs, or which keys there are.
func unknownHint(n *Node, name string, s *shape) string {
	known := s.names()
	best := nearest(name, known)
	if best != "" && plainKey(best) == plainKey(name) {
		return "did you mean " + best + "?"
	}
	if place := elsewhere(n, name, s); place != "" {
		return place
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	if len(known) == 0 {
		return "no keys are known here"
	}
	sorted := slices.Sorted(slices.Values(known))
	const show = 15
	if len(sorted) > show {
		return "known here: " + strings.Join(sorted[:show], ", ") + ", …"
	}
	return "known here: " + strings.Join(sorted, ", ")
}

// elsewhere finds the section next to this one that knows the key: a wrong indentation is the most
// frequent mistake in YAML.
func elsewhere(n *Node, name string, s *shape) string {
	for up := n.parent; up != nil; up = up.parent {
		if up.shape == nil || !slices.Contains(up.shape.names(), name) {
			continue
		}
		if up.parent == nil {
			return "it belongs to the top of the file: check the indentation"
		}
		return "it belongs directly under " + up.Path() + ": check the indentation"
	}
	for _, f := range s.fields {
		t := f.typ
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() == reflect.Struct && t != nodeType.Elem() && !custom(reflect.PointerTo(t)) &&
			slices.Contains(shapeOf(t).names(), name) {
			return "it belongs under " + f.name + ": check the indentation"
		}
	}
	return ""
}
