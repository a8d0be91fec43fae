package binding

import (
	"slices"
	"strings"
	"unicode"
)

// words splits the name of an argument into its words, in lower case: "p_strExternalRefNo" is
// external, ref, no. The abbreviations of Hungarian notation that names begin with are left out.
func words(name string) []string {
	var out []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, strings.ToLower(string(word)))
			word = nil
		}
	}
	r := []rune(name)
	for i, c := range r {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			flush()
			continue
		case unicode.IsUpper(c) && i > 0 && (unicode.IsLower(r[i-1]) || i+1 < len(r) && unicode.IsLower(r[i+1])):
			flush()
		}
		word = append(word, c)
	}
	flush()
	for len(out) > 1 && slices.Contains(hungarian, out[0]) {
		out = out[1:]
	}
	return out
}

var hungarian = []string{"p", "a", "m", "i", "s", "n", "b", "l", "in", "prm", "par", "param", "arg", "str", "int", "lng", "bln", "bool", "dt", "dat", "dbl", "obj", "guid", "sz", "var", "txt"}

// A meaning is what a word in the name of an argument speaks for. Weak words speak only where no
// other argument has a strong one.
type meaning struct {
	strong, weak []string
}

// vocabulary holds the words by which arguments are recognised, in English and in the languages of
// SSP's customers.
var vocabulary = map[Role]meaning{
	Task: {
		[]string{"task", "taskid", "taak", "taakid", "taaknummer", "aufgabe", "tache"},
		[]string{"instance", "process", "id", "number", "nr", "no"},
	},
	Reference: {
		[]string{"reference", "ref", "refno", "external", "ext", "extern", "externalid", "externalreference", "referentie", "kenmerk", "referenz", "referenznummer"},
		[]string{"ticket", "number", "nr", "no", "case", "incident"},
	},
	Message: {
		[]string{"message", "msg", "update", "updatetext", "bericht", "nachricht", "comment", "opmerking", "kommentar", "remark"},
		[]string{"text", "tekst", "note", "notes", "memo", "body", "description", "content"},
	},
	Solution: {
		[]string{"solution", "resolution", "oplossing", "loesung", "lösung", "losung"},
		[]string{"message", "msg", "text", "tekst", "comment", "note", "notes", "memo", "body", "description", "closure", "remark"},
	},
	Author: {
		[]string{"author", "sender", "auteur", "afzender", "absender", "sentby", "writtenby"},
		[]string{"by", "from", "person", "name"},
	},
	Status: {
		[]string{"status", "state", "toestand"},
		[]string{"code", "reason"},
	},
}

// What is no role but has a value of its own.
var (
	hashWords   = []string{"hash", "checksum", "signature", "sig", "digest", "mac"}
	secretWords = []string{"password", "pwd", "passwd", "pass", "secret", "token", "apikey", "key", "wachtwoord", "kennwort"}
)

// says reports whether one of the words is in the list.
func says(of, list []string) bool {
	return slices.ContainsFunc(of, func(w string) bool { return slices.Contains(list, w) })
}

// score says how much the words speak for a role: 0 not at all, 1 weakly, 2 strongly.
func score(w []string, r Role) int {
	switch m := vocabulary[r]; {
	case says(w, m.strong):
		return 2
	case says(w, m.weak):
		return 1
	}
	return 0
}
