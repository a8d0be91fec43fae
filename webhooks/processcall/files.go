package processcall

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
)

// A call may bring files: a list `attachments`, each with name, type and content (base64). JSON has
// it as a list of objects, forms and XML as attachments.0.name and so on. The bytes stay in the
// input; the event names the files with size and hash.

// maxFiles bounds the files of one call.
const maxFiles = 100

const filePrefix = "attachments"

// Files takes the files out of a stored call, in the order in which the event names them.
func Files(in *bridge.Inbound) ([]bridge.File, error) {
	call, err := Decode(in.ContentType, in.Body, 200, 1_000_000) // it was within the config's bounds when it came
	if err != nil {
		return nil, fmt.Errorf("processcall: %w", err)
	}
	list, _, err := filesIn(call)
	return list, err
}

// filesIn reads the files of a call; theirs reports which fields describe them.
func filesIn(call Call) (list []bridge.File, theirs map[string]bool, err error) {
	type entry struct {
		name, media, content string
		has                  bool
	}
	var entries []entry
	theirs = map[string]bool{}
	for _, f := range call.Fields {
		parts := strings.Split(bare(f.Name), ".")
		if len(parts) != 3 || !strings.EqualFold(parts[0], filePrefix) {
			continue
		}
		i, err := strconv.Atoi(parts[1])
		if err != nil || i < 0 || i >= maxFiles {
			continue
		}
		for len(entries) <= i {
			entries = append(entries, entry{})
		}
		x := &entries[i]
		switch plain(parts[2]) {
		case "name", "filename":
			x.name = f.Value
		case "type", "contenttype":
			x.media = f.Value
		case "content", "data":
			x.content, x.has = f.Value, true
		default:
			continue
		}
		theirs[f.Name] = true
	}
	for i, x := range entries {
		if !x.has {
			return nil, nil, nil // a list of something else by the same name
		}
		data, err := decodeBase64(x.content)
		if err != nil {
			return nil, theirs, fmt.Errorf("attachments.%d.content is not base64", i)
		}
		sum := sha256.Sum256(data)
		list = append(list, bridge.File{
			N: i + 1, Name: fileName(x.name, i+1), Type: clip(strings.TrimSpace(x.media), 100), Size: len(data), SHA256: hex.EncodeToString(sum[:]), Data: data,
		})
	}
	return list, theirs, nil
}

func decodeBase64(s string) ([]byte, error) {
	s = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\n' || r == '\r' || r == '\t' || r == '=' {
			return -1
		}
		return r
	}, s)
	if strings.ContainsAny(s, "-_") {
		return base64.RawURLEncoding.DecodeString(s)
	}
	return base64.RawStdEncoding.DecodeString(s)
}

func fileName(s string, n int) string {
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	s = clip(strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)), " "), 200)
	if s == "" {
		s = "file-" + strconv.Itoa(n)
	}
	return s
}

// takeFiles puts names, sizes and hashes in the place of the files' bytes. A call whose files cannot
// be read is still good for everything else; its fields then say what is wrong.
func takeFiles(e *bridge.Event, call Call) {
	list, theirs, err := filesIn(call)
	if len(theirs) == 0 {
		return
	}
	for name := range theirs {
		delete(e.Fields, bare(name))
	}
	if e.Fields == nil { // an alias gave all of them other places
		e.Fields = map[string]any{}
	}
	if err != nil {
		e.Fields["attachments_problem"] = err.Error()
		return
	}
	if len(list) > 0 {
		e.Fields[filePrefix] = bridge.FileField(list)
	}
}
