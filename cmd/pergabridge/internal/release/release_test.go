//go:build linux

package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s %v\n%s", name, args, out)
	return string(out)
}

// tree returns the hash of every file below dir.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[rel] = fmt.Sprintf("%x", sha256.Sum256(data))
		return err
	}))
	return out
}

// Two builds of one commit in two folders are the same, byte for byte; what is made says what it is; the Debian
// package installs into a plain Debian, checks a config there, and goes away leaving nothing but data; and whoever
// has the archive gets to the first acknowledged ticket by the quick start alone.
func TestRelease(t *testing.T) {
	target := "linux/" + runtime.GOARCH
	top := strings.TrimSpace(run(t, ".", "git", "rev-parse", "--show-toplevel"))
	commit := strings.TrimSpace(run(t, ".", "git", "rev-parse", "HEAD"))
	var dists []string
	for _, folder := range []string{"one", "another/folder, deeper"} {
		clone := filepath.Join(t.TempDir(), folder)
		require.NoError(t, os.MkdirAll(filepath.Dir(clone), 0o755))
		run(t, ".", "git", "clone", "-q", "--shared", top, clone)
		run(t, clone, "git", "checkout", "-q", "--detach", commit)
		run(t, clone, "go", "run", "./cmd/pergabridge/internal/release", "-only", target, "-version", "1.2.3-rc.1")
		dists = append(dists, filepath.Join(clone, "dist"))
	}
	require.Equal(t, tree(t, dists[0]), tree(t, dists[1]))
	dist := dists[0]

	run(t, dist, "sha256sum", "-c", "--strict", "SHA256SUMS")
	bin := filepath.Join(dist, "bin", "linux_"+runtime.GOARCH, "pergabridge")
	require.Contains(t, run(t, ".", "file", bin), "statically linked")
	require.Contains(t, run(t, ".", "file", bin), "stripped")
	said := run(t, ".", bin, "version")
	require.Contains(t, said, "pergabridge 1.2.3-rc.1 ")
	require.Contains(t, said, "commit "+commit+" of ")
	data, err := os.ReadFile(bin)
	require.NoError(t, err)
	require.NotContains(t, string(data), dist, "the folder of the build is nobody's business")

	checkBOM(t, filepath.Join(dist, "pergabridge_1.2.3-rc.1_linux_"+runtime.GOARCH+".cdx.json"), fmt.Sprintf("%x", sha256.Sum256(data)))
	archive := filepath.Join(dist, "pergabridge_1.2.3-rc.1_linux_"+runtime.GOARCH+".tar.gz")
	names := run(t, dist, "tar", "tzf", archive)
	for _, want := range []string{"/pergabridge\n", "/LICENSE\n", "/example.yaml\n", "/docs/upgrade.md\n", "/completions/pergabridge.bash\n", "/pergabridge.1\n"} {
		require.Contains(t, names, want)
	}
	t.Run("quick start", func(t *testing.T) { tryQuickStart(t, archive) })
	require.Zero(t, os.Geteuid(), "installing a package needs root")
	tryImage(t, dist, runtime.GOARCH)
	tryPackage(t, filepath.Join(dist, "pergabridge_1.2.3~rc.1_"+runtime.GOARCH+".deb"))
}

func checkBOM(t *testing.T, path, sum string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var b bom
	require.NoError(t, json.Unmarshal(text, &b))
	require.Equal(t, "CycloneDX", b.Format)
	require.Regexp(t, `^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, b.Serial)
	require.Contains(t, string(text), sum)
	purls := map[string]bool{}
	for _, c := range b.Components {
		purls[regexp.MustCompile(`@.*`).ReplaceAllString(c.PURL, "")] = true
	}
	for _, want := range []string{"std", "github.com/gin-gonic/gin", "modernc.org/sqlite", "github.com/redis/go-redis/v9", "github.com/kardianos/service"} {
		require.True(t, purls["pkg:golang/"+want], want)
	}
	require.False(t, purls["pkg:golang/github.com/stretchr/testify"], "tests are not in the binary")
	require.Len(t, b.Depends[0].On, len(b.Components))
}

// plainDebian makes a Debian of the essential packages out of this machine's own files.
func plainDebian(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, link := range []string{"bin", "sbin", "lib", "lib64"} {
		if _, err := os.Lstat("/usr/" + link); err == nil {
			require.NoError(t, os.MkdirAll(filepath.Join(root, "usr", link), 0o755))
			require.NoError(t, os.Symlink("usr/"+link, filepath.Join(root, link)))
		}
	}
	for _, dir := range []string{"dev", "proc", "etc", "tmp", "run", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log", "var/tmp"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	run(t, root, "bash", "-o", "pipefail", "-c", `
want="base-files base-passwd bash coreutils dash debianutils diffutils dpkg findutils grep gzip hostname init-system-helpers libc-bin login passwd perl-base sed tar util-linux systemd"
all=""
while [ -n "$want" ]; do
  all=$(printf '%s\n' $all $want | sort -u)
  next=$(dpkg-query -W -f '${Pre-Depends}, ${Depends}\n' $want 2>/dev/null | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/:any//; s/ //g' | grep . | sort -u)
  want=$(comm -13 <(printf '%s\n' $all) <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $next 2>/dev/null | sed -n 's/^ii *//p' | sort -u))
done
for p in $all; do dpkg-query -L $p; done 2>/dev/null | sort -u | while read -r f; do [ -d "$f" ] && [ ! -L "$f" ] || [ -e "$f" ] && printf '%s\n' "${f#/}"; done | grep -v -e '^\.$' -e '^usr/share/doc' -e '^usr/share/locale' -e '^usr/share/man' -e '^bin$' -e '^sbin$' -e '^lib$' -e '^lib64$' > files
tar -C / --no-recursion -T files -cf - 2>/dev/null | tar -xf - --keep-directory-symlink
for p in $all; do cp /var/lib/dpkg/info/$p.* /var/lib/dpkg/info/$p:*.* var/lib/dpkg/info/ 2>/dev/null || true; dpkg-query -s $p; echo; done > var/lib/dpkg/status
cp /etc/ld.so.cache /etc/ld.so.conf etc/ 2>/dev/null || true; cp -r /etc/ld.so.conf.d etc/
cp /etc/alternatives etc/ -r
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n' > etc/passwd
printf 'root:x:0:\nnogroup:x:65534:\n' > etc/group
printf 'root:*:1::::::\n' > etc/shadow; printf 'root:*::\n' > etc/gshadow
mknod -m 666 dev/null c 1 3; mknod -m 666 dev/urandom c 1 9
rm files`)
	return root
}

func tryPackage(t *testing.T, deb string) {
	t.Attr("peer", "dpkg")
	root := plainDebian(t)
	data, err := os.ReadFile(deb)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "tmp", "p.deb"), data, 0o644))
	in := func(command string) string {
		t.Helper()
		return run(t, "/", "chroot", root, "/bin/sh", "-c", command)
	}
	before := files(t, root)

	out := in("dpkg -i /tmp/p.deb")
	require.Contains(t, out, "it has no config yet and is not started")
	require.NoFileExists(t, filepath.Join(root, "etc/systemd/system/multi-user.target.wants/pergabridge.service"), "nothing is started that has no config")
	require.Contains(t, in("dpkg -s pergabridge"), "install ok installed")
	require.Equal(t, "700 pergabridge", strings.TrimSpace(in("stat -c '%a %U' /var/lib/pergabridge")))
	require.Equal(t, "700 root", strings.TrimSpace(in("stat -c '%a %U' /etc/pergabridge/secrets")))
	require.Equal(t, "750 root pergabridge", strings.TrimSpace(in("stat -c '%a %U %G' /etc/pergabridge")))

	// What the package prints as the next step, to the letter.
	in("install -m 640 -g pergabridge /usr/share/pergabridge/pergabridge.yaml /etc/pergabridge/")
	for _, s := range regexp.MustCompile(`secrets/[a-z_]+`).FindAllString(in("cat /etc/pergabridge/pergabridge.yaml"), -1) {
		in("umask 077; echo whsec_c3RhbmQtaW4tc2VjcmV0LW9mLWEtdHJ5 > /etc/pergabridge/" + s)
	}
	require.Contains(t, in("cd / && pergabridge check --offline"), "/etc/pergabridge/pergabridge.yaml is fine")
	in("systemctl enable pergabridge")
	require.Contains(t, in("systemctl is-enabled pergabridge"), "enabled")
	in("echo ledger > /var/lib/pergabridge/pergabridge.db; chown pergabridge: /var/lib/pergabridge/pergabridge.db")

	in("dpkg -i /tmp/p.deb") // an upgrade changes nothing of that
	require.Equal(t, "ledger\n", in("cat /var/lib/pergabridge/pergabridge.db"))
	require.Equal(t, "640 root pergabridge", strings.TrimSpace(in("stat -c '%a %U %G' /etc/pergabridge/pergabridge.yaml")))

	in("dpkg -r pergabridge")
	require.FileExists(t, filepath.Join(root, "etc/pergabridge/pergabridge.yaml"), "removed, not purged")
	require.Contains(t, in("dpkg -P pergabridge"), "the ledger stays in /var/lib/pergabridge")
	var left []string
	for f := range files(t, root) {
		if !before[f] && !regexp.MustCompile(`^(var/lib/dpkg|var/log|etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|etc/\.pwd\.lock)`).MatchString(f) {
			left = append(left, f)
		}
	}
	require.ElementsMatch(t, []string{"var/lib/pergabridge", "var/lib/pergabridge/pergabridge.db"}, left)

	in("rm -r /var/lib/pergabridge; dpkg -i /tmp/p.deb; dpkg -P pergabridge")
	require.NotContains(t, in("cat /etc/passwd"), "pergabridge", "without data the account goes too")
	require.NoDirExists(t, filepath.Join(root, "var/lib/pergabridge"))
}

// files are the names below root.
func files(t *testing.T, root string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	require.NoError(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		out[rel] = true
		return err
	}))
	return out
}

func TestVersions(t *testing.T) {
	for _, v := range []string{"1.2.3", "1.2.3-rc.1+dirty", "0.0.0-dev.20261121.abc"} {
		require.NoError(t, checkVersion(v))
	}
	for _, v := range []string{"", "v1", "1 2", "1/2", "1.2'x"} {
		require.Error(t, checkVersion(v), v)
	}
	require.Equal(t, "1.2.3~rc.1", (&release{Version: "1.2.3-rc.1"}).debVersion())
}
