// Package initial writes the first config of a bridge: the sections that every bridge has, and that of
// one provider by its kind. [Write] makes a text with comments for people, together with the secrets
// that are ours to choose; it never touches a file that is there.
//
// The text of a kind is a template under kinds, or the recipe of that name. What a person has to know
// better is marked with "your" in a comment. A first config is checked before it is written, as `check`
// would, with stand-ins for the secrets that only others can give.
package initial
