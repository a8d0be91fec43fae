package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

// A component is one of CycloneDX 1.6, as far as we use it.
type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl"`
	Hashes     []hash     `json:"hashes,omitempty"`
	Licenses   []any      `json:"licenses,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Alg     string `json:"alg"`
	Content string `json:"content"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type bom struct {
	Schema      string         `json:"$schema"`
	Format      string         `json:"bomFormat"`
	SpecVersion string         `json:"specVersion"`
	Serial      string         `json:"serialNumber"`
	Version     int            `json:"version"`
	Metadata    map[string]any `json:"metadata"`
	Components  []component    `json:"components"`
	Depends     []dependency   `json:"dependencies"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn"`
}

// writeSBOM writes the bill of materials of a binary: what the Go linker recorded in it, not what some
// list says about it.
func writeSBOM(bin, out string, r *release) error {
	info, err := buildinfo.ReadFile(bin)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(bin)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	main := component{
		Type: "application", Name: "pergabridge", Version: r.Version, PURL: "pkg:golang/" + info.Main.Path + "@v" + r.Version,
		Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}}, Licenses: []any{map[string]any{"license": map[string]string{"id": "Apache-2.0"}}},
		Properties: []property{{"commit", r.Commit}},
	}
	main.Ref = main.PURL
	b := bom{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", SpecVersion: "1.6", Version: 1, Serial: uuidOf(sum),
		Metadata: map[string]any{"timestamp": r.Time.Format(time.RFC3339), "component": main},
	}

	std := module(&debug.Module{Path: "std", Version: strings.TrimPrefix(info.GoVersion, "go")})
	b.Components = append(b.Components, std)
	on := []string{std.Ref}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		c := module(m)
		b.Components, on = append(b.Components, c), append(on, c.Ref)
	}
	b.Depends = []dependency{{main.Ref, on}}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(text, '\n'), 0o644)
}

func module(m *debug.Module) component {
	c := component{Type: "library", Name: m.Path, Version: m.Version, PURL: "pkg:golang/" + m.Path + "@" + m.Version}
	c.Ref = c.PURL
	if m.Sum != "" {
		c.Properties = []property{{"go.sum", m.Sum}}
	}
	return c
}

// uuidOf makes a name-based UUID (version 8) of a hash, so that the same binary has the same one.
func uuidOf(sum [32]byte) string {
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
