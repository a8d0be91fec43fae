package console

import "slices"

// A Role says what a person may do. Each one may do what those before it may.
type Role string

// The roles, from the one that may do the least.
const (
	Viewer   Role = "viewer"   // looks at everything
	Operator Role = "operator" // decides about events, lanes, bonds and destinations
	Admin    Role = "admin"    // imports bonds, copies the database, reloads, erases, goes on after a reset
)

// roles lists every role, the one that may do the least first.
var roles = []Role{Viewer, Operator, Admin}

// may reports whether somebody with role r may do what needs role need.
func (r Role) may(need Role) bool {
	return slices.Index(roles, r) >= slices.Index(roles, need)
}

// Valid reports whether r is a role.
func (r Role) Valid() bool { return slices.Contains(roles, r) }
