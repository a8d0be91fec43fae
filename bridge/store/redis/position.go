package redisstore

import (
	"fmt"
	"strconv"
	"strings"
)

// A position is how far a namespace had come: the highest counter, which grows with new events, and the
// number of writes, which grows with everything.
type position struct{ counter, writes int64 }

// String is the form in which scripts take and give it.
func (p position) String() string { return fmt.Sprintf("%d:%d", p.counter, p.writes) }

// parsePosition reads what a script gave.
func parsePosition(s string) position {
	c, w, _ := strings.Cut(s, ":")
	var p position
	p.counter, _ = strconv.ParseInt(c, 10, 64) // written by core.lua
	p.writes, _ = strconv.ParseInt(w, 10, 64)
	return p
}

// behind reports whether a namespace at p lacks something that one at q had.
func (p position) behind(q position) bool { return p.counter < q.counter || p.writes < q.writes }

// and is the higher of both.
func (p position) and(q position) position {
	return position{max(p.counter, q.counter), max(p.writes, q.writes)}
}
