package binding

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// lexical returns s as a value of the built-in type base of XML Schema is written.
func lexical(base, s string) (string, error) {
	if isText(base) {
		return s, nil
	}
	switch base {
	case "base64Binary":
		return base64.StdEncoding.EncodeToString([]byte(s)), nil
	case "hexBinary":
		return strings.ToUpper(hex.EncodeToString([]byte(s))), nil
	}
	t := strings.TrimSpace(s)
	if t == "" {
		return "", errEmpty
	}
	bad := fmt.Errorf("%q is not a value of type %s", shorten(t, 60), base)
	switch base {
	case "boolean":
		switch strings.ToLower(t) {
		case "true", "1":
			return "true", nil
		case "false", "0":
			return "false", nil
		}
		return "", bad
	case "decimal":
		if !decimal.MatchString(t) {
			return "", bad
		}
	case "float", "double":
		if _, err := strconv.ParseFloat(t, 64); err != nil {
			return "", bad
		}
	case "dateTime":
		return instant(t, bad)
	case "date":
		if _, err := time.Parse(time.DateOnly, t); err != nil {
			return "", bad
		}
	case "time":
		if _, err := time.Parse(time.TimeOnly, t); err != nil {
			return "", bad
		}
	default:
		if r, ok := ranges[base]; ok {
			return whole(t, r, bad)
		}
	}
	return t, nil
}

var errEmpty = errors.New("it is empty")

var decimal = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$`)

// isText reports whether any text is a value of the type.
func isText(base string) bool {
	switch base {
	case "string", "normalizedString", "token", "language", "Name", "NCName", "NMTOKEN", "NMTOKENS", "ID", "IDREF", "IDREFS",
		"ENTITY", "ENTITIES", "QName", "NOTATION", "anyURI", "anySimpleType":
		return true
	}
	return false
}

// isWhole reports whether the type is one of whole numbers.
func isWhole(base string) bool { _, ok := ranges[base]; return ok }

// ranges are the bounds of the types of whole numbers; an empty one is open.
var ranges = map[string][2]string{
	"integer":            {"", ""},
	"long":               {"-9223372036854775808", "9223372036854775807"},
	"int":                {"-2147483648", "2147483647"},
	"short":              {"-32768", "32767"},
	"byte":               {"-128", "127"},
	"nonNegativeInteger": {"0", ""},
	"positiveInteger":    {"1", ""},
	"nonPositiveInteger": {"", "0"},
	"negativeInteger":    {"", "-1"},
	"unsignedLong":       {"0", "18446744073709551615"},
	"unsignedInt":        {"0", "4294967295"},
	"unsignedShort":      {"0", "65535"},
	"unsignedByte":       {"0", "255"},
}

// maxDigits bounds numbers without a bound of their own.
const maxDigits = 100

func whole(t string, r [2]string, bad error) (string, error) {
	if len(t) > maxDigits {
		return "", bad
	}
	n, ok := new(big.Int).SetString(t, 10)
	if !ok || strings.Contains(t, "_") {
		return "", bad
	}
	for i, bound := range r {
		if bound == "" {
			continue
		}
		b, _ := new(big.Int).SetString(bound, 10)
		if c := n.Cmp(b); i == 0 && c < 0 || i == 1 && c > 0 {
			return "", bad
		}
	}
	return n.String(), nil
}

func instant(t string, bad error) (string, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if at, err := time.Parse(layout, t); err == nil {
			if layout == time.RFC3339Nano {
				return at.Format(layout), nil
			}
			return at.Format("2006-01-02T15:04:05"), nil
		}
	}
	return "", bad
}

func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
