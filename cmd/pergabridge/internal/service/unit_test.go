package service

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func linux() Definition {
	return Definition{Name: Name, Exec: "/usr/bin/pergabridge", User: Name, Config: "/etc/pergabridge/pergabridge.yaml", Paths: PathsOf("linux", Name, nil)}
}

// safe is the highest exposure that systemd-analyze may find, in tenths; 10.0 is the worst there is.
const safe = 20

// systemd itself reads the unit, and says how exposed the service is.
func TestSystemdReadsTheUnit(t *testing.T) {
	t.Attr("peer", "systemd-analyze")
	for name, d := range map[string]func(*Definition){
		"plain":     func(*Definition) {},
		"low ports": func(d *Definition) { d.LowPorts = true },
		"odd paths": func(d *Definition) {
			d.Config = `/srv/the bridge/50% of "it"/$HOME/p.yaml`
			d.Writable = []string{"/srv/the bridge/data", "/var/100%"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			def := linux()
			def.Exec = "/bin/true" // verify looks for the binary
			d(&def)
			unit, err := def.Unit()
			require.NoError(t, err)
			file := filepath.Join(t.TempDir(), "pergabridge.service")
			require.NoError(t, os.WriteFile(file, []byte(unit), 0o600))
			out, err := exec.Command("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", file).CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.NotContains(t, string(out), "pergabridge.service", "systemd has something to say about the unit")

			out, err = exec.Command("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold="+strconv.Itoa(safe), file).CombinedOutput()
			require.NoError(t, err, "%s", out)
			t.Log(regexp.MustCompile(`Overall exposure level.*`).FindString(string(out)))
		})
	}
}

func TestUnit(t *testing.T) {
	d := linux()
	unit, err := d.Unit()
	require.NoError(t, err)
	for _, line := range []string{
		"Type=notify", "WatchdogSec=60s", "User=pergabridge", "ProtectHome=yes", "CapabilityBoundingSet=",
		"ExecStart=/usr/bin/pergabridge serve --config /etc/pergabridge/pergabridge.yaml",
		"ExecReload=+/usr/bin/pergabridge reload --config /etc/pergabridge/pergabridge.yaml", "NotifyAccess=main",
		"LoadCredential=secrets:/etc/pergabridge/secrets", "EnvironmentFile=-/etc/pergabridge/environment",
		"AssertPathExists=/etc/pergabridge/pergabridge.yaml", "StateDirectory=pergabridge",
	} {
		require.Contains(t, unit, "\n"+line+"\n")
	}
	require.NotContains(t, unit, "{{", "the registration would take it for a template of its own")

	d.Config, d.Writable, d.LowPorts = `/home/me/a "b" $X 5%/c\d.yaml`, []string{"/data/pb 1"}, true
	unit, err = d.Unit()
	require.NoError(t, err)
	for _, line := range []string{
		`ExecStart=/usr/bin/pergabridge serve --config "/home/me/a \"b\" $$X 5%%/c\\d.yaml"`, `ReadWritePaths="/data/pb 1"`,
		"ProtectHome=read-only", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
	} {
		require.Contains(t, unit, "\n"+line+"\n")
	}
	require.NotContains(t, unit, "PrivateUsers", "it would take the capability away")

	for wrong, change := range map[string]func(*Definition){
		"small letters":                 func(d *Definition) { d.Name = "a b" },
		"the account":                   func(d *Definition) { d.User = "root\nUser=root" },
		"no absolute path":              func(d *Definition) { d.Config = "pergabridge.yaml" },
		"a line end":                    func(d *Definition) { d.Config = "/a\nExecStart=/bin/sh" },
		"systemd cannot have the path ": func(d *Definition) { d.Writable = []string{"/a{{.}}"} },
	} {
		d := linux()
		change(&d)
		_, err := d.Unit()
		require.ErrorContains(t, err, wrong)
	}
}

func TestPaths(t *testing.T) {
	env := func(k string) string { return map[string]string{"ProgramData": `D:\ProgramData`}[k] }
	require.Equal(t, Paths{
		Config: `D:\ProgramData\Pergabridge\pergabridge.yaml`, Secrets: `D:\ProgramData\Pergabridge\secrets`,
		State: `D:\ProgramData\Pergabridge\data`, Log: `D:\ProgramData\Pergabridge\logs\pergabridge.log`,
	}, PathsOf("windows", Name, env))
	require.True(t, strings.HasPrefix(PathsOf("windows", Name, func(string) string { return "" }).Config, `C:\ProgramData\Pergabridge\`))
	require.Equal(t, "/var/lib/second", PathsOf("linux", "second", nil).State)
	require.Equal(t, "/usr/local/etc/pergabridge/pergabridge.yaml", PathsOf("darwin", Name, nil).Config)
}
