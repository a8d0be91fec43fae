package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Secret is a value that stands outside the config: {env: NAME} or {file: PATH}, a relative path being
// relative to the config file. One trailing line end is cut. The value is read while the config is
// decoded and registered with package secret, so it is masked everywhere from then on. What was
// written in its place by mistake is never repeated in a message.
type Secret struct{ secret.Text }

// standIn stands where a secret is not needed; it has the form every use of a secret accepts.
const standIn = "whsec_c3RhbmQtaW4tc2VjcmV0LW9mLWEtdHJ5"

// StandInSecrets makes every secret of the document a fixed stand-in instead of reading it, for
// trying a config on a machine that does not have its secrets. Nothing may be called with it.
func (n *Node) StandInSecrets() {
	if n != nil {
		n.doc.standIns = true
	}
}

// StandIns reports whether secrets are stand-ins: files that hold some need not be there.
func (n *Node) StandIns() bool { return n != nil && n.doc.standIns }

// SecretFiles returns the files that secrets of the document were read from, without those that systemd
// handed over.
func (n *Node) SecretFiles() []string {
	if n == nil {
		return nil
	}
	return slices.Clone(n.doc.secretFiles)
}

// credential returns the copy that systemd made of a secret's file for this service, empty if there is
// none. LoadCredential=secrets:/etc/pergabridge/secrets hands the file acme of that folder over as
// $CREDENTIALS_DIRECTORY/secrets_acme, readable for the service whoever owns the file itself. So
// {file: secrets/acme} is right for the service and for root at the prompt.
func credential(path string) string {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return ""
	}
	c := filepath.Join(dir, filepath.Base(filepath.Dir(path))+"_"+filepath.Base(path))
	if _, err := os.Stat(c); err != nil {
		return ""
	}
	return c
}

// maxSecretBytes bounds the file of a secret; the largest sensible one holds a few certificates.
const maxSecretBytes = 64 << 10

// UnmarshalConfig reads the secret from the place the node names.
func (s *Secret) UnmarshalConfig(n *Node) {
	if n.Kind() != Mapping {
		msg := "a secret must not be written into this file"
		if n.Kind() == Null {
			msg = "has no value"
		} else if n.Kind() == Sequence {
			msg = "must be one secret, not a list"
		}
		n.Problemf(secretHint(n), "%s", msg)
		return
	}
	for _, p := range n.Pairs() {
		if p.Name != "env" && p.Name != "file" {
			p.Node.ProblemAtKey(secretHint(n), "unknown key of a secret")
			return
		}
	}
	env, file := n.Key("env"), n.Key("file")
	var value string
	var ok bool
	switch {
	case n.doc.standIns && env.Exists() != file.Exists():
		s.Text = secret.New(standIn)
		return
	case env.Exists() == file.Exists():
		n.Problemf(secretHint(n), "a secret needs either env or file")
		return
	case env.Exists():
		value, ok = fromEnv(env)
	default:
		value, ok = fromFile(file)
	}
	if ok {
		s.Text = secret.New(value)
	}
}

// ConfigSchema describes the two forms of a secret.
func (Secret) ConfigSchema() map[string]any {
	one := func(key, doc string) any {
		return map[string]any{
			"type":                 "object",
			"properties":           map[string]any{key: map[string]any{"type": "string", "minLength": 1, "description": doc}},
			"required":             []any{key},
			"additionalProperties": false,
		}
	}
	return map[string]any{"oneOf": []any{
		one("env", "name of the environment variable that holds the secret"),
		one("file", "path of the file that holds the secret, relative to the config file"),
	}}
}

func fromEnv(n *Node) (string, bool) {
	name, ok := n.Text()
	if !ok {
		return "", false
	}
	if name == "" || strings.ContainsAny(name, "=$ \t\n") {
		n.Problemf("write the name only: {env: ACME_PASSWORD}", "must be the name of an environment variable")
		return "", false
	}
	value, set := os.LookupEnv(name)
	switch {
	case !set:
		n.Problemf("set it where the bridge is started, for a service in its environment file", "environment variable %s is not set", shorten(name, 60))
		return "", false
	case cutLineEnd(value) == "":
		n.Problemf("set it where the bridge is started, for a service in its environment file", "environment variable %s is empty", shorten(name, 60))
		return "", false
	}
	return cutLineEnd(value), true
}

func fromFile(n *Node) (string, bool) {
	name, ok := n.Text()
	if !ok {
		return "", false
	}
	if name == "" {
		n.Problemf("write the path of the file", "must be the path of a file")
		return "", false
	}
	path := n.Abs(name)
	from := path
	if c := credential(path); c != "" {
		from = c
	} else {
		n.doc.secretFiles = append(n.doc.secretFiles, path)
	}
	data, err := readBounded(from, maxSecretBytes)
	value := cutLineEnd(string(data))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		n.Problemf("relative paths start at the folder of the config file", "file %s does not exist", path)
	case errors.Is(err, fs.ErrPermission):
		n.Problemf("give the user that runs the bridge the right to read it", "file %s may not be read", path)
	case err != nil:
		n.Problemf("", "file %s cannot be read: %v", path, err)
	case value == "":
		n.Problemf("", "file %s is empty", path)
	default:
		return value, true
	}
	return "", false
}

var (
	errTooLarge = errors.New("it is larger than 64KiB")
	errNotFile  = errors.New("it is not a regular file")
)

// readBounded reads a regular file of at most limit bytes; a pipe could block for ever.
func readBounded(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotFile
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errTooLarge
	}
	return data, err
}

func cutLineEnd(s string) string { return strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r") }

// secretHint shows the two forms with names that fit the place.
func secretHint(n *Node) string {
	name := plainName(n.Path())
	return "write {env: " + strings.ToUpper(name) + "} and set that environment variable, or {file: " + strings.ToLower(name) + ".secret}"
}

// plainName turns a path into a name for a variable.
func plainName(path string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		case r == '.' || r == '_' || r == '-' || r == '[':
			return '_'
		}
		return -1
	}, path)
	name = strings.TrimPrefix(strings.Trim(shorten(name, 60), "_…"), "providers_")
	if name == "" {
		return "secret"
	}
	return name
}

// Secrets is one secret, or a list of up to four while a secret is being replaced: a call that fits
// any of them is let in.
type Secrets []Secret

const maxSecrets = 4

// UnmarshalConfig reads one secret or a list.
func (s *Secrets) UnmarshalConfig(n *Node) {
	list := []*Node{n}
	if n.Kind() == Sequence {
		list = n.Items()
		if len(list) == 0 || len(list) > maxSecrets {
			n.Problemf(secretHint(n), "must be one secret, or a list of 1 to %d", maxSecrets)
			return
		}
	}
	out := make(Secrets, 0, len(list))
	for _, item := range list {
		var one Secret
		one.UnmarshalConfig(item)
		if !one.Empty() {
			out = append(out, one)
		}
	}
	*s = out
}

// ConfigSchema describes one secret or a list.
func (Secrets) ConfigSchema() map[string]any {
	one := Secret{}.ConfigSchema()
	return map[string]any{"anyOf": []any{one, map[string]any{"type": "array", "items": one, "minItems": 1, "maxItems": maxSecrets}}}
}

// Empty reports whether there is no secret at all.
func (s Secrets) Empty() bool { return len(s) == 0 }

// Texts returns the secrets, newest first as written.
func (s Secrets) Texts() []secret.Text {
	out := make([]secret.Text, len(s))
	for i, one := range s {
		out[i] = one.Text
	}
	return out
}
