package main

import (
	"fmt"
	"io"

	"github.com/pergabridge/pergabridge/bridge/provider/http/recipe"
	"github.com/pergabridge/pergabridge/cmd/pergabridge/app"
)

type recipesCmd struct {
	List recipesListCmd `cmd:"" help:"List the recipes."`
	Show recipesShowCmd `cmd:"" help:"Print a recipe, ready to be edited."`
}

type recipesListCmd struct{}

// Run lists the recipes.
func (recipesListCmd) Run(c *cli, con *console) error {
	list := recipe.List()
	return show(c, con, list, func(w io.Writer) {
		for _, r := range list {
			fmt.Fprintf(w, "%s\t%s\n", r.Name, r.Title)
		}
	})
}

type recipesShowCmd struct {
	Name string `arg:"" help:"Recipe."`
	As   string `help:"Name of the provider; default: the recipe's." placeholder:"NAME"`
}

// Run prints a recipe.
func (x recipesShowCmd) Run(c *cli, con *console) error {
	as := x.As
	if as == "" {
		as = x.Name
	}
	if err := app.FitProviderName(as); err != nil {
		return fmt.Errorf("--as: %w", err)
	}
	text, err := recipe.Section(x.Name, as)
	if err != nil {
		return err
	}
	return show(c, con, map[string]string{"name": x.Name, "config": text}, func(w io.Writer) { fmt.Fprint(w, text) })
}
