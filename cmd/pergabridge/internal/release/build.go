package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// targets are the systems that binaries are published for.
var targets = []string{"linux/amd64", "linux/arm64", "windows/amd64", "darwin/arm64"}

// A release is one run. The exported fields are written into the binaries.
type release struct {
	Version, Commit string
	Time            time.Time // of the commit, UTC

	root, out string
	only      []string
	dirty     bool
	docs      []string // what people read, by path from root
	texts     texts
}

// texts are what the program says about itself.
type texts struct {
	man         []byte
	completions map[string][]byte // by shell
}

func (r *release) make(ctx context.Context) error {
	if err := r.identify(ctx); err != nil {
		return err
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(r.out, "container", "state"), 0o755); err != nil {
		return err
	}
	if err := r.describe(ctx); err != nil {
		return err
	}
	for _, target := range targets {
		if r.only != nil && !slices.Contains(r.only, target) {
			continue
		}
		if err := r.target(ctx, target); err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
	}
	return r.checksums()
}

// target makes everything for one system.
func (r *release) target(ctx context.Context, target string) error {
	goos, arch, ok := strings.Cut(target, "/")
	if !ok || !slices.Contains(targets, target) {
		return fmt.Errorf("not one of %s", strings.Join(targets, ", "))
	}
	base := "pergabridge_" + r.Version + "_" + goos + "_" + arch
	name := "pergabridge"
	if goos == "windows" {
		name += ".exe"
	}
	bin := filepath.Join(r.out, "bin", goos+"_"+arch, name)
	if err := r.build(ctx, goos, arch, bin); err != nil {
		return err
	}
	if err := writeSBOM(bin, filepath.Join(r.out, base+".cdx.json"), r); err != nil {
		return err
	}
	files, err := r.files(bin)
	if err != nil {
		return err
	}
	if goos == "windows" {
		return writeZip(filepath.Join(r.out, base+".zip"), base, files, r.Time)
	}
	if err := writeTar(filepath.Join(r.out, base+".tar.gz"), base, files, r.Time); err != nil {
		return err
	}
	if goos != "linux" {
		return nil
	}
	return r.deb(ctx, arch, bin)
}

// identify finds version, commit and time.
func (r *release) identify(ctx context.Context) error {
	git := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "git", args...).Output()
		if err != nil {
			return "", fmt.Errorf("git %s: %w", args[0], err)
		}
		return strings.TrimSpace(string(out)), nil
	}
	var err error
	if r.root, err = git("rev-parse", "--show-toplevel"); err != nil {
		return err
	}
	if r.out, err = filepath.Abs(r.out); err != nil {
		return err
	}
	if r.Commit, err = git("rev-parse", "HEAD"); err != nil {
		return err
	}
	at, err := git("log", "-1", "--format=%ct")
	if err != nil {
		return err
	}
	sec, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return fmt.Errorf("git log: the time %q: %w", at, err)
	}
	r.Time = time.Unix(sec, 0).UTC()
	docs, err := git("-C", r.root, "ls-files", "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs")
	if err != nil {
		return err
	}
	r.docs = strings.Fields(docs)
	if r.Version == "" {
		tag, err := git("tag", "--points-at", "HEAD", "--list", "v*")
		if err != nil {
			return err
		}
		tag, _, _ = strings.Cut(tag, "\n")
		if r.Version = strings.TrimPrefix(tag, "v"); r.Version == "" {
			r.Version = "0.0.0-dev." + r.Time.Format("20060102150405") + "." + r.Commit[:12]
		}
	}
	changed, err := git("status", "--porcelain", "--untracked-files=no")
	if err != nil {
		return err
	}
	switch {
	case changed != "" && !r.dirty:
		return errors.New("the checkout has changes that are not committed; commit them, or try with -dirty")
	case changed != "":
		r.Version += "+dirty"
	}
	return checkVersion(r.Version)
}

// checkVersion keeps out what cannot be a part of a file name, of a linker flag, or of a Debian version.
func checkVersion(v string) error {
	for _, c := range v {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '+') {
			return fmt.Errorf("the version %q: use letters, digits, dots, + and - only", v)
		}
	}
	if v == "" || v[0] < '0' || v[0] > '9' {
		return fmt.Errorf("the version %q: it has to begin with a digit", v)
	}
	return nil
}

// build compiles the program. Nothing of this machine gets into the binary.
func (r *release) build(ctx context.Context, goos, arch, out string) error {
	flags := fmt.Sprintf("-s -w -buildid= -X main.version=%s -X main.commit=%s -X main.date=%s", r.Version, r.Commit, r.Time.Format(time.RFC3339))
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "nomsgpack", "-ldflags", flags, "-o", out, "./cmd/pergabridge")
	c.Dir = r.root
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=-mod=readonly", "GOWORK=off", "GOEXPERIMENT=")
	if text, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, text)
	}
	return nil
}

// describe asks a binary for this machine for its man page and completions.
func (r *release) describe(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "pergabridge-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "pergabridge")
	if err := r.build(ctx, runtime.GOOS, runtime.GOARCH, bin); err != nil {
		return err
	}
	ask := func(args ...string) ([]byte, error) {
		c := exec.CommandContext(ctx, bin, args...)
		c.Stderr = os.Stderr
		out, err := c.Output()
		if err != nil {
			return nil, fmt.Errorf("pergabridge %s: %w", strings.Join(args, " "), err)
		}
		return out, nil
	}
	if r.texts.man, err = ask("man"); err != nil {
		return err
	}
	r.texts.completions = map[string][]byte{}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if r.texts.completions[shell], err = ask("completion", shell); err != nil {
			return err
		}
	}
	return nil
}

// checksums writes SHA256SUMS over everything that is published, as sha256sum -c reads it.
func (r *release) checksums() error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, e := range entries { // sorted by name
		if !e.Type().IsRegular() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(r.out, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(data), e.Name())
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), b.Bytes(), 0o644)
}

// A file is one file of an archive.
type file struct {
	name string
	mode fs.FileMode
	data []byte
}

// files are those of an archive, sorted by name. The documents come whole, pictures and all: their links lead somewhere
// in the archive as well.
func (r *release) files(bin string) ([]file, error) {
	var out []file
	add := func(name, path string, mode fs.FileMode) error {
		data, err := os.ReadFile(path)
		out = append(out, file{name, mode, data})
		return err
	}
	err := add(filepath.Base(bin), bin, 0o755)
	for _, name := range r.docs {
		err = errors.Join(err, add(name, filepath.Join(r.root, name), 0o644))
	}
	out = append(out, file{"pergabridge.1", 0o644, r.texts.man})
	for shell, text := range r.texts.completions {
		out = append(out, file{"completions/pergabridge." + shell, 0o644, text})
	}
	slices.SortFunc(out, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return out, err
}
