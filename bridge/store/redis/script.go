package redisstore

import (
	"crypto/sha1" //nolint:gosec // the name under which Redis keeps a script
	"embed"
	"encoding/hex"
	"strings"
)

//go:embed lua/*.lua
var sources embed.FS

// A script is one Lua program: the files it stands on, one after the other, and its own.
type script struct {
	name, source, sha string
}

func load(name string, libraries ...string) *script {
	var b strings.Builder
	for _, file := range append(libraries, name) {
		src, err := sources.ReadFile("lua/" + file + ".lua")
		if err != nil {
			panic(err) // embedded at build
		}
		b.Write(src)
		b.WriteByte('\n')
	}
	sum := sha1.Sum([]byte(b.String())) //nolint:gosec // as above
	return &script{name: name, source: b.String(), sha: hex.EncodeToString(sum[:])}
}

var rules = []string{"core", "lanes", "decide", "sessions"}

var (
	acceptScript       = load("accept", rules...)
	settleScript       = load("settle", append(rules, "apply")...)
	sweepScript        = load("sweep", append(rules, "apply", "shrink")...)
	operateScript      = load("operate", append(rules, "apply", "shrink")...)
	sessionScript      = load("session", "core", "sessions")
	boardScript        = load("board", "core")
	resumeScript       = load("resume", "core")
	parkScript         = load("park", rules...)
	markScript         = load("mark", "core")
	noticeScript       = load("notice")
	importScript       = load("import")
	backupScript       = load("backup", "core")
	restoreScript      = load("restore", rules...)
	readEventsScript   = load("read_events", "core", "out")
	readEventScript    = load("read_event", "core", "out")
	readBondsScript    = load("read_bonds", "core", "out")
	readLanesScript    = load("read_lanes", "core", "lanes")
	readCountsScript   = load("read_counts", "core", "lanes")
	readReplicasScript = load("read_replicas", "core", "sessions")
)
