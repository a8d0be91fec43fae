package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge/store/transfer"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
)

type exportCmd struct {
	File string `arg:"" help:"File to write; it must not exist. - is standard output."`
}

// Run writes the ledger. The file appears under its name only when it is whole.
func (x exportCmd) Run(c *cli, con *console) (err error) {
	if x.File == "-" {
		return x.write(c, con, con.out, con.err)
	}
	if _, err := os.Lstat(x.File); err == nil {
		return fmt.Errorf("%s exists already: name a new file", x.File)
	}
	part, err := os.CreateTemp(filepath.Dir(x.File), filepath.Base(x.File)+".part-*") // readable by its owner only
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	defer part.Close()
	return x.write(c, con, part, con.out, part.Sync, part.Close, func() error { return os.Rename(part.Name(), x.File) })
}

func (x exportCmd) write(c *cli, con *console, to, say io.Writer, then ...func() error) error {
	store, err := app.LoadStore(c.Config)
	if err != nil {
		return complain(c, con, err)
	}
	p, closeStore, err := store.Porter(con.ctx, true, newLog(con.err, "error"))
	if err != nil {
		return err
	}
	counts, err := transfer.Export(con.ctx, p, to, transfer.Header{From: store.Kind(), Made: time.Now().UTC().Truncate(time.Second), By: version})
	if err = errors.Join(err, closeStore()); err != nil {
		return moving(err)
	}
	for _, f := range then {
		if err := f(); err != nil {
			return err
		}
	}
	return tell(c, say, "exported", store, counts)
}

type importCmd struct {
	File string `arg:"" help:"File that export wrote. - is standard input."`
}

// Run reads a ledger into the store of the config, which must be empty.
func (x importCmd) Run(c *cli, con *console) error {
	store, err := app.LoadStore(c.Config)
	if err != nil {
		return complain(c, con, err)
	}
	from := con.in
	if from == nil {
		from = os.Stdin
	}
	if x.File != "-" {
		f, err := os.Open(x.File)
		if err != nil {
			return err
		}
		defer f.Close()
		from = f
	}
	p, closeStore, err := store.Porter(con.ctx, false, newLog(con.err, "error"))
	if err != nil {
		return err
	}
	_, counts, err := transfer.Import(con.ctx, p, from)
	if err = errors.Join(err, closeStore()); err != nil {
		return moving(err)
	}
	return tell(c, con.out, "imported", store, counts)
}

// moving says what to do where the error alone does not.
func moving(err error) error {
	if errors.Is(err, transfer.ErrNotEmpty) {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	return err
}

// tell prints how many records of each kind moved.
func tell(c *cli, out io.Writer, done string, store *app.Store, counts map[string]transfer.Count) error {
	return show(c, &console{out: out}, map[string]any{"store": store.String(), done: counts}, func(w io.Writer) {
		var parts []string
		for _, k := range transfer.Kinds() {
			if n := counts[k].Lines; n > 0 && k != "ledger" && k != "queue" {
				parts = append(parts, fmt.Sprintf("%d %s", n, plural(k, n)))
			}
		}
		if len(parts) == 0 {
			parts = []string{"an empty ledger"}
		}
		fmt.Fprintf(w, "%s %s: %s\n", done, store, strings.Join(parts, ", "))
	})
}

func plural(kind string, n int64) string {
	switch {
	case kind == "wrote":
		return "traces of writings"
	case n == 1:
		return kind
	case strings.HasSuffix(kind, "ty"):
		return strings.TrimSuffix(kind, "y") + "ies"
	}
	return kind + "s"
}
