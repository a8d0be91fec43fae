package tesamanager

import (
	"errors"
	"fmt"
	"os"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pergabridge/pergabridge/bridge/config"
)

// loadSchemas compiles the customer's own descriptions of the nested objects.
func loadSchemas(files map[string]config.Path) (map[string]*jsonschema.Schema, error) {
	out := map[string]*jsonschema.Schema{}
	for name, file := range files {
		f, err := os.Open(string(file))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		doc, err := jsonschema.UnmarshalJSON(f)
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %s is not JSON: %w", name, file, err)
		}
		c := jsonschema.NewCompiler()
		c.UseLoader(noLoader{}) // a schema does not make us fetch anything
		if err := c.AddResource("schema.json", doc); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if out[name], err = c.Compile("schema.json"); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return out, nil
}

type noLoader struct{}

// Load refuses.
func (noLoader) Load(url string) (any, error) {
	return nil, errors.New("a schema must not refer to another file: " + url)
}
