// Command summary reads the output of `go test -json` and prints what an engineer wants to know:
// each failed test with its output, each package that failed to build, and how many tests ran
// against which real peers (tests name theirs with t.Attr("peer", …)). It exits 1 if anything
// failed or if nothing ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
	Elapsed    float64
	Key, Value string
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	output := map[string]*strings.Builder{}
	peers := map[string]map[string]bool{}
	var passed, failed, skipped, broken int
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Println(in.Text())
			continue
		}
		id := e.Package + e.ImportPath + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			b := output[id]
			if b == nil {
				b = &strings.Builder{}
				output[id] = b
			}
			if b.Len() < 200_000 {
				b.WriteString(e.Output)
			}
		case "attr":
			if e.Key == "peer" {
				if peers[e.Value] == nil {
					peers[e.Value] = map[string]bool{}
				}
				peers[e.Value][id] = true
			}
		case "build-fail":
			broken++
			fmt.Printf("--- BUILD FAILED %s\n%s", e.ImportPath, text(output[id]))
		case "fail":
			if e.Test == "" {
				broken++
				fmt.Printf("FAIL %s (%.1f s)\n%s", e.Package, e.Elapsed, text(output[id]))
				continue
			}
			failed++
			fmt.Printf("--- FAIL %s %s\n%s", e.Package, e.Test, text(output[id]))
		case "pass":
			if e.Test != "" {
				passed++
			} else {
				fmt.Printf("ok   %s (%.1f s)\n", e.Package, e.Elapsed)
			}
			delete(output, id)
		case "skip":
			if e.Test != "" {
				skipped++
				fmt.Printf("--- SKIP %s %s\n%s", e.Package, e.Test, text(output[id]))
			}
		}
	}
	fmt.Println("\ntests against real peers:")
	names := make([]string, 0, len(peers))
	for p := range peers {
		names = append(names, p)
	}
	slices.Sort(names)
	for _, p := range names {
		fmt.Printf("  %4d  %s\n", len(peers[p]), p)
	}
	if len(names) == 0 {
		fmt.Println("  none")
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed+broken > 0 || passed == 0 || in.Err() != nil {
		os.Exit(1)
	}
}

func text(b *strings.Builder) string {
	if b == nil {
		return ""
	}
	return b.String()
}
