package service

import "strings"

// Name is what the service, its account and its folders are called unless something else is asked for.
const Name = "pergabridge"

// Paths are the places of one service, by the convention of its system.
type Paths struct {
	Config      string // the config file
	Secrets     string // folder of files with one secret each
	Environment string // file with environment variables of the service; empty: the system has another way
	State       string // folder of the ledger
	Log         string // log file; empty: the system keeps the log
}

// PathsOf returns the places on the operating system goos; env reads its environment.
func PathsOf(goos, name string, env func(string) string) Paths {
	switch goos {
	case "windows":
		root := env("ProgramData")
		if root == "" {
			root = `C:\ProgramData`
		}
		root = strings.TrimRight(root, `\`) + `\` + strings.ToUpper(name[:1]) + name[1:]
		return Paths{Config: root + `\pergabridge.yaml`, Secrets: root + `\secrets`, State: root + `\data`, Log: root + `\logs\pergabridge.log`}
	case "darwin", "freebsd":
		return Paths{Config: "/usr/local/etc/" + name + "/pergabridge.yaml", Secrets: "/usr/local/etc/" + name + "/secrets", State: "/var/db/" + name}
	}
	return Paths{Config: "/etc/" + name + "/pergabridge.yaml", Secrets: "/etc/" + name + "/secrets",
		Environment: "/etc/" + name + "/environment", State: "/var/lib/" + name}
}
