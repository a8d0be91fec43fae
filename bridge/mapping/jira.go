package mapping

import (
	"fmt"
	"regexp"
	"strings"
)

// JiraToText returns the plain text of Jira wiki markup (a string) or of the Atlassian Document
// Format (an object).
func JiraToText(v any) (string, error) {
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		return wikiToText(x), nil
	case map[string]any:
		w := &textWriter{}
		if err := adf(w, x, "", 0); err != nil {
			return "", err
		}
		return w.String(), nil
	default:
		return "", fmt.Errorf("jiraToText: a %T is neither wiki markup nor a document", v)
	}
}

var (
	wikiBlock  = regexp.MustCompile(`(?i)\{(code|noformat|quote|panel|color|anchor)(:[^{}\n]*)?\}`)
	wikiHead   = regexp.MustCompile(`(?m)^h[1-6]\.[ \t]+`)
	wikiBullet = regexp.MustCompile(`(?m)^[ \t]*([*#-]+)[ \t]+`)
	wikiQuote  = regexp.MustCompile(`(?m)^bq\.[ \t]+`)
	wikiLink   = regexp.MustCompile(`\[([^\[\]|\n]+)\|([^\[\]|\n]+)(?:\|[^\[\]\n]*)?\]`)
	wikiBare   = regexp.MustCompile(`\[((?:https?://|mailto:)[^\[\]|\s]+)\]`)
	wikiUser   = regexp.MustCompile(`\[~(?:accountid:)?([^\[\]\n]+)\]`)
	wikiImage  = regexp.MustCompile(`!([^!|\s][^!|\n]*)(?:\|[^!\n]*)?!`)
	wikiStrong = regexp.MustCompile(`(^|[\s(>"'])([*_+])([^\s*_+](?:[^*_+\n]*[^\s*_+])?)([*_+])($|[\s).,;:!?<"'])`)
	wikiMono   = regexp.MustCompile(`\{\{([^{}\n]+)\}\}`)
)

func wikiToText(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = wikiBlock.ReplaceAllString(s, "")
	s = wikiHead.ReplaceAllString(s, "")
	s = wikiQuote.ReplaceAllString(s, "> ")
	s = wikiBullet.ReplaceAllString(s, "- ")
	s = strings.ReplaceAll(s, "||", "|") // the head of a table
	s = wikiUser.ReplaceAllString(s, "@$1")
	s = wikiBare.ReplaceAllString(s, "$1")
	s = wikiLink.ReplaceAllString(s, "$1 ($2)")
	s = wikiImage.ReplaceAllString(s, "[$1]")
	s = wikiMono.ReplaceAllString(s, "$1")
	s = wikiStrong.ReplaceAllStringFunc(s, func(m string) string {
		p := wikiStrong.FindStringSubmatch(m)
		if p[2] != p[4] {
			return m
		}
		return p[1] + p[3] + p[5]
	})
	s = strings.ReplaceAll(s, `\\`, "\n")
	return strings.TrimSpace(s)
}

func adf(w *textWriter, n map[string]any, bullet string, depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("jiraToText: the document is nested deeper than %d", MaxDepth)
	}
	attrs, _ := n["attrs"].(map[string]any)
	kind, _ := n["type"].(string)
	switch kind {
	case "text":
		s, _ := n["text"].(string)
		from := w.b.Len()
		w.text(s, true)
		marks, _ := n["marks"].([]any)
		for _, m := range marks {
			mark, _ := m.(map[string]any)
			a, _ := mark["attrs"].(map[string]any)
			if href, _ := a["href"].(string); mark["type"] == "link" {
				w.link(href, from)
			}
		}
		return nil
	case "hardBreak":
		w.newline(1)
		return nil
	case "rule":
		w.newline(1)
		w.text("---", true)
		w.newline(1)
		return nil
	case "mention", "emoji", "status", "date", "inlineCard", "blockCard":
		w.text(firstText(attrs, "text", "shortName", "timestamp", "url"), true)
		return nil
	case "listItem":
		w.newline(1)
		w.text(bullet, true)
	case "bulletList", "orderedList":
		w.newline(1)
		bullet = "- "
	case "paragraph":
		if !strings.HasSuffix(w.b.String(), bullet) || bullet == "" {
			w.newline(2)
		}
	case "heading", "blockquote", "codeBlock", "panel", "table":
		w.newline(2)
	case "tableRow":
		w.newline(1)
	case "tableCell", "tableHeader":
		w.cell()
		bullet = w.b.String() // a cell's first paragraph stays on the row's line
		bullet = bullet[max(0, len(bullet)-1):]
	}
	kids, _ := n["content"].([]any)
	for _, k := range kids {
		if kid, ok := k.(map[string]any); ok {
			if err := adf(w, kid, bullet, depth+1); err != nil {
				return err
			}
		}
	}
	switch kind {
	case "heading", "blockquote", "codeBlock", "panel", "table":
		w.newline(2)
	case "bulletList", "orderedList":
		w.newline(1)
	}
	return nil
}

func firstText(m map[string]any, keys ...string) string {
	for _, k := range keys {
		if s, ok := m[k].(string); ok && s != "" {
			return s
		}
	}
	return ""
}
