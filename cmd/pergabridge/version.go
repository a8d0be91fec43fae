package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

// Set by the release build; a build from a checkout knows commit and date from Go's own record.
var (
	version = "dev"
	commit  = ""
	date    = "" // of the commit, RFC 3339
)

type versionCmd struct{}

// build is what is known of this binary.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Time    string `json:"time,omitempty"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

func buildInfo() build {
	b := build{Version: version, Commit: commit, Time: date, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok && b.Commit == "" {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Time = s.Value
			}
		}
	}
	return b
}

// Run prints the version.
func (versionCmd) Run(c *cli, con *console) error {
	b := buildInfo()
	if c.JSON {
		return json.NewEncoder(con.out).Encode(b)
	}
	fmt.Fprintf(con.out, "pergabridge %s (%s, %s)\n", b.Version, b.Go, b.System)
	if b.Commit != "" {
		fmt.Fprintf(con.out, "commit %s of %s\n", b.Commit, b.Time)
	}
	return nil
}
