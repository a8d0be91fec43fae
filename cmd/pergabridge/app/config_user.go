package app

import (
	"maps"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/console"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// User is one person under `server.users`.
type User struct {
	Role     string   `yaml:"role" required:"true" enum:"viewer|operator|admin" doc:"viewer looks, operator decides, admin also imports bonds and copies the database"`
	Password Password `yaml:"password" required:"true" doc:"hash of the password: bcrypt (htpasswd -nBC 12 NAME) or Argon2id ($argon2id$…)"`
}

// Password is the hash of a password. A hash is no secret that could be used, so it may stand in the
// file; it is masked all the same.
type Password struct{ console.PasswordHash }

const passwordHint = "make one with: htpasswd -nBC 12 NAME, and copy what stands behind the colon, in single quotes"

// UnmarshalConfig reads the hash. What was written by mistake is never repeated.
func (p *Password) UnmarshalConfig(n *config.Node) {
	text, ok := n.Value().(string)
	if !ok {
		n.Problemf(passwordHint, "must be the hash of a password")
		return
	}
	secret.Register(text)
	h, err := console.ParsePasswordHash(text)
	if err != nil {
		n.Problemf(passwordHint, "must be the hash of a password: %v", err)
		return
	}
	p.PasswordHash = h
}

// ConfigSchema describes the hash.
func (Password) ConfigSchema() map[string]any {
	return map[string]any{"type": "string", "pattern": `^\$(2[aby]|argon2id)\$`}
}

// people returns the users in a fixed order.
func (s *Server) people() []console.User {
	var out []console.User
	for _, name := range slices.Sorted(maps.Keys(s.Users)) {
		u := s.Users[name]
		out = append(out, console.User{Name: name, Role: console.Role(u.Role), Hash: u.Password.PasswordHash})
	}
	return out
}

// validateUsers checks the names.
func (s *Server) validateUsers(n *config.Node) {
	for _, p := range n.Key("users").Pairs() {
		if p.Name != strings.TrimSpace(p.Name) || p.Name == "" || len(p.Name) > 100 || strings.ContainsAny(p.Name, "\n\r\t\x00") {
			p.Node.ProblemAtKey("for example ada", "is not a name that somebody can type")
		}
	}
}
