package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/pergabridge/pergabridge/cmd/pergabridge/internal/service"
)

//go:embed deb
var debFiles embed.FS

// deb makes the Debian package of one architecture with dpkg-deb.
// gzip, because what xz writes depends on the number of processors.
func (r *release) deb(ctx context.Context, arch, bin string) error {
	dir, err := os.MkdirTemp("", "pergabridge-deb-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := r.debTree(dir, arch, bin); err != nil {
		return err
	}
	c := exec.CommandContext(ctx, "dpkg-deb", "--root-owner-group", "-Zgzip", "-z9", "--build", dir, filepath.Join(r.out, "pergabridge_"+r.debVersion()+"_"+arch+".deb"))
	c.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+strconv.FormatInt(r.Time.Unix(), 10))
	if text, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("dpkg-deb (of the package dpkg): %w\n%s", err, text)
	}
	return nil
}

// debVersion writes a pre-release so that Debian sorts it before the release.
func (r *release) debVersion() string {
	return strings.Replace(r.Version, "-", "~", 1)
}

func (r *release) debTree(dir, arch, bin string) error {
	program, err := os.ReadFile(bin)
	if err != nil {
		return err
	}
	p := service.PathsOf("linux", service.Name, nil)
	unit, err := service.Definition{Name: service.Name, User: service.Name, Exec: "/usr/bin/pergabridge", Config: p.Config, Paths: p}.Unit()
	if err != nil {
		return err
	}
	example, err := os.ReadFile(filepath.Join(r.root, "docs", "example.yaml"))
	if err != nil {
		return err
	}
	man, err := compressed(r.texts.man)
	if err != nil {
		return err
	}
	log, err := os.ReadFile(filepath.Join(r.root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	if log, err = compressed(log); err != nil {
		return err
	}
	files := []file{
		{"usr/bin/pergabridge", 0o755, program},
		{"usr/lib/systemd/system/pergabridge.service", 0o644, []byte(unit)},
		{"usr/share/man/man1/pergabridge.1.gz", 0o644, man},
		{"usr/share/bash-completion/completions/pergabridge", 0o644, r.texts.completions["bash"]},
		{"usr/share/zsh/vendor-completions/_pergabridge", 0o644, r.texts.completions["zsh"]},
		{"usr/share/fish/vendor_completions.d/pergabridge.fish", 0o644, r.texts.completions["fish"]},
		{"usr/share/pergabridge/pergabridge.yaml", 0o644, serviceConfig(example, p)},
		{"usr/share/doc/pergabridge/changelog.gz", 0o644, log},
	}
	for name, to := range map[string]file{
		"environment": {p.Environment[1:], 0o600, nil}, "copyright": {"usr/share/doc/pergabridge/copyright", 0o644, nil},
		"conffiles": {"DEBIAN/conffiles", 0o644, nil}, "postinst": {"DEBIAN/postinst", 0o755, nil}, "prerm": {"DEBIAN/prerm", 0o755, nil}, "postrm": {"DEBIAN/postrm", 0o755, nil},
	} {
		if to.data, err = debFiles.ReadFile("deb/" + name); err != nil {
			return err
		}
		files = append(files, to)
	}
	size := 0
	for _, f := range files {
		size += len(f.data)
	}
	control, err := debFiles.ReadFile("deb/control")
	if err != nil {
		return err
	}
	files = append(files, file{"DEBIAN/control", 0o644, []byte(strings.NewReplacer("@VERSION@", r.debVersion(), "@ARCH@", arch, "@SIZE@", strconv.Itoa((size+1023)/1024)).Replace(string(control)))})
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, f.data, 0o644), os.Chmod(path, f.mode)); err != nil {
			return err
		}
	}
	for name, mode := range map[string]fs.FileMode{p.Secrets: 0o700, filepath.Dir(p.Config): 0o750} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(path, 0o755), os.Chmod(path, mode)); err != nil {
			return err
		}
	}
	return os.Chmod(dir, 0o755)
}

var fromEnv = regexp.MustCompile(`\{env: ([A-Z0-9_]+)\}`)

// serviceConfig is the example as a service has it: secrets in files, the ledger where the service may write.
func serviceConfig(example []byte, p service.Paths) []byte {
	text := fromEnv.ReplaceAllStringFunc(string(example), func(s string) string {
		return "{file: secrets/" + strings.ToLower(fromEnv.FindStringSubmatch(s)[1]) + "}"
	})
	text = regexp.MustCompile(`(?m)^store: .*$`).ReplaceAllString(text, "store: sqlite:"+p.State+"/pergabridge.db")
	text = regexp.MustCompile(`(?m)^# .*\n`).ReplaceAllString(text, "")
	return []byte("# A bridge between one SSP and one provider. Copy it to " + p.Config + ", put each secret into a file\n# below " + p.Secrets + ", and try it: pergabridge check\n" + text)
}
