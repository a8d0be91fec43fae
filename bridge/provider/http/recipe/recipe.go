// Package recipe holds config sections for well-known ticket systems, ready to be edited: data for the
// provider kind http, no code. Each says at its top what was checked and what was not; the tests run every
// recipe against a strict fake of the calls that its vendor documents.
package recipe

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed recipes/*.yaml
var files embed.FS

// Info names one recipe.
type Info struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// List returns all recipes, by name.
func List() []Info {
	entries, err := files.ReadDir("recipes")
	if err != nil {
		panic(err) // part of the program
	}
	var out []Info
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".yaml")
		text, err := Show(name)
		if err != nil {
			panic(err)
		}
		title, _, _ := strings.Cut(strings.TrimPrefix(text, "# "), "\n")
		out = append(out, Info{name, title})
	}
	return out
}

// Show returns a recipe as it is edited.
func Show(name string) (string, error) {
	raw, err := files.ReadFile("recipes/" + name + ".yaml")
	if err != nil || strings.ContainsAny(name, "/\\") {
		var names []string
		entries, _ := files.ReadDir("recipes")
		for _, e := range entries {
			names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
		}
		slices.Sort(names)
		return "", fmt.Errorf("there is no recipe %q; known are %s", name, strings.Join(names, ", "))
	}
	return string(raw), nil
}

// Section returns a recipe as it stands under providers: NAME:, two levels deep.
func Section(name, as string) (string, error) {
	text, err := Show(name)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("providers:\n  " + as + ":\n")
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if line != "" {
			line = "    " + line
		}
		b.WriteString(line + "\n")
	}
	return b.String(), nil
}
