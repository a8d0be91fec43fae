// Command release makes everything that is published from one commit: static binaries, archives, Debian
// packages, a bill of materials for each binary, checksums, and the files of the container image.
//
//	go run ./cmd/pergabridge/internal/release            # or: make release
//
// # Reproducible
//
// The same commit gives the same bytes, in whatever folder, by whoever: paths are trimmed, no build id
// is written, every time is that of the commit, every file belongs to root, lists are sorted. What is
// not committed is not published: a changed checkout is refused unless -dirty says so, and then the
// version says so too.
//
// # Failure classes
//
// A missing program (git, go, dpkg-deb) or a build that fails ends it with exit code 1; what was written
// until then is not complete and has no checksums.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

func main() {
	r := release{}
	flag.StringVar(&r.out, "out", "dist", "folder to write; it is emptied first")
	flag.StringVar(&r.Version, "version", "", "version without v; default: from the tag, else 0.0.0-dev and the commit")
	only := flag.String("only", "", "systems to build for, comma separated, for instance linux/amd64; default: all")
	flag.BoolVar(&r.dirty, "dirty", false, "publish a checkout with changes")
	flag.Parse()
	if *only != "" {
		r.only = strings.Split(*only, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := r.make(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}
