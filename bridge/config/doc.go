// Package config reads Pergabridge's YAML config strictly and says everything that is wrong with it at once.
//
// [Parse] turns the text into nodes that know their line, column and path; [Decode] fills structs from
// them by reflection. Neither stops at the first mistake: every [Problem] is collected in the document
// and [Node.Problems] returns them in the order of the file. Only text that is not YAML at all ends
// [Parse] with an error, because nothing can be read from it.
//
// # Rules
//
//   - A struct is a section. `yaml:"name"` names the key of a field, `yaml:",inline"` (or an embedded struct
//     without a tag) puts its keys into the surrounding section; fields without a tag are not read.
//   - Unknown keys and keys written twice are problems.
//   - `required:"true"`: the key must be there and not be empty. `default:"…"`: used when the key is absent.
//     `enum:"a|b"`: the words allowed, for a list or map those of its elements. `doc:"…"`: shown in the schema and as the hint of a
//     missing key.
//   - A pointer is an optional section: nil when absent. A plain struct that is absent counts as an empty
//     section: its defaults apply and its required keys are missing.
//   - A key without a value is a problem, not an absent key.
//   - Types are not converted: 1.10 and true are not text, "5" is not a number. Numbers that YAML readers
//     disagree about (0123, 1_000) are problems.
//   - An unknown key that is known in a section around or below says where it belongs; otherwise the nearest
//     known key is proposed.
//   - Own types implement [Unmarshaler] and [Schemer]; a field of type *[Node] keeps the node for later;
//     types with UnmarshalText are read from a single value. Any type may implement [Validator], which
//     is called after decoding, inlined structs first. An embedded type's methods are promoted by Go: do not
//     inline a type that is an [Unmarshaler] or [Schemer].
//   - Tags, complex keys (? …) and several documents are not allowed; anchors, aliases and << are.
//
// # Bounds
//
// [MaxBytes], [MaxTokens], [MaxDepth], [MaxNodes] (aliases count as often as they are used) and [MaxProblems]; secrets are
// read from regular files of at most 64 KiB.
//
// Mistakes of the program (a tag that contradicts itself, a default that does not fit, a type that cannot be
// decoded) panic.
package config
