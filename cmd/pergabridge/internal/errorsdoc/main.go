// Errorsdoc writes docs/errors.md from the tables that the bridge answers with.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/webhooks"
)

const top = `<!-- Made by go generate from the tables in bridge/console/api and webhooks; do not edit. -->

# Errors and reasons

Every error is an RFC 9457 problem document (` + "`application/problem+json`" + `; for XML callers in XML, for SOAP callers inside a fault); its ` + "`type`" + ` is ` + "`%s`" + ` and the code.

## The admin API (` + "`/api/v1`" + `)

| code | status | meaning | send again? | what to do |
|---|---|---|---|---|
`

const middle = `
## The public listener (` + "`/ssp/…`, `/webhooks/…`" + `)

| code | status | meaning | send again? | what to do |
|---|---|---|---|---|
`

const last = `
## Reasons of events, tries and lanes

Retried says whether the bridge tries again by itself; *after evidence* means that it first looks for proof that the earlier try
arrived. A dash: nothing is left to be tried.

| reason | meaning | retried? | what to do |
|---|---|---|---|
`

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: errorsdoc FILE")
		os.Exit(2)
	}
	var b strings.Builder
	fmt.Fprintf(&b, top, api.TypePrefix)
	for _, c := range api.Codes() {
		row(&b, "`"+string(c.Code)+"`", fmt.Sprint(c.Status), c.Means, c.Again, c.Do)
	}
	b.WriteString(middle)
	for _, p := range webhooks.Problems() {
		row(&b, "`"+p.Word+"`", fmt.Sprint(p.Status), p.Means, p.Again, p.Do)
	}
	b.WriteString(last)
	for _, r := range api.Reasons() {
		row(&b, "`"+string(r.Reason)+"`", r.Means, r.Again, r.Do)
	}
	if err := os.WriteFile(os.Args[1], []byte(b.String()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func row(b *strings.Builder, cells ...string) {
	for _, c := range cells {
		b.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ")
	}
	b.WriteString("|\n")
}
