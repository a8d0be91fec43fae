package message

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/pergabridge/pergabridge/bridge/mapping"
)

// Marks that stand in a text where its HTML told what a reader of plain text has to guess. They are
// invisible separators around a word, which nobody writes by hand.
const (
	quoteMark     = "\u2063quoted\u2063"
	signatureMark = "\u2063signature\u2063"
)

// maxQuote bounds the nesting of quotes that is shown.
const maxQuote = 20

// htmlText returns the text of HTML with quotes as "> " and with marks before what mail programs
// say is history or a signature.
func htmlText(src string) string {
	z := html.NewTokenizer(strings.NewReader(src))
	z.SetMaxBuf(4 << 20)
	var (
		out   []string
		piece strings.Builder
		depth int
	)
	flush := func() {
		t := mapping.HTMLToText(piece.String())
		piece.Reset()
		if t == "" {
			return
		}
		if depth > 0 {
			prefix := strings.Repeat(">", min(depth, maxQuote))
			lines := strings.Split(t, "\n")
			for i, l := range lines {
				lines[i] = strings.TrimRight(prefix+" "+l, " ")
			}
			t = strings.Join(lines, "\n")
		}
		out = append(out, t)
	}
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		raw := string(z.Raw())
		tok := z.Token()
		switch {
		case tok.DataAtom == atom.Blockquote && kind == html.StartTagToken:
			flush()
			if strings.Contains(class(tok), "gmail_quote") {
				out = append(out, quoteMark)
			}
			depth++
		case tok.DataAtom == atom.Blockquote && kind == html.EndTagToken:
			flush()
			depth = max(0, depth-1)
		case kind == html.StartTagToken || kind == html.SelfClosingTagToken:
			switch {
			case hidden(tok):
				skipElement(z, kind, tok)
				continue
			case startsQuote(tok):
				flush()
				out = append(out, quoteMark)
			case startsSignature(tok):
				flush()
				out = append(out, signatureMark)
			}
			piece.WriteString(raw)
		case kind == html.CommentToken: // conditional comments of Office hold no text for people
		default:
			piece.WriteString(raw)
		}
	}
	flush()
	return strings.TrimSpace(strings.Join(out, "\n\n"))
}

func attr(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func class(t html.Token) string { return strings.ToLower(attr(t, "class")) }

// startsQuote knows the elements with which mail programs begin what they quote.
func startsQuote(t html.Token) bool {
	id, c, style := strings.ToLower(attr(t, "id")), class(t), strings.ToLower(strings.ReplaceAll(attr(t, "style"), " ", ""))
	switch {
	case strings.HasSuffix(id, "divrplyfwdmsg"), strings.HasSuffix(id, "appendonsend"), id == "stopspelling", id == "reply-intro",
		id == "olk_src_body_section", id == "mail-editor-reference-message-container", strings.HasPrefix(id, "replybelow"):
		return true
	case strings.Contains(c, "gmail_quote"), strings.Contains(c, "yahoo_quoted"), strings.Contains(c, "moz-cite-prefix"),
		strings.Contains(c, "gmail_attr"), strings.Contains(c, "zmail_extra"), strings.Contains(c, "protonmail_quote"),
		strings.Contains(c, "tutanota_quote"), strings.Contains(c, "outlookmessageheader"), strings.Contains(c, "hcl_quote"):
		return true
	case strings.EqualFold(attr(t, "name"), "quote"), attr(t, "data-marker") == "__QUOTED_TEXT__":
		return true
	case t.DataAtom == atom.Div && strings.Contains(style, "border:none;border-top:solid#"): // Outlook's line above From:
		return strings.Contains(style, "#e1e1e11.0pt") || strings.Contains(style, "#b5c4df1.0pt")
	}
	return false
}

func startsSignature(t html.Token) bool {
	c, id := class(t), strings.ToLower(attr(t, "id"))
	return strings.Contains(c, "gmail_signature") || strings.Contains(c, "moz-signature") || strings.Contains(c, "protonmail_signature_block") ||
		id == "signature" || strings.HasSuffix(id, "_signature") || id == "applemailsignature" || strings.HasPrefix(id, "ms-outlook-mobile-signature")
}

// hidden reports whether an element is not shown: preview texts of newsletters, tracking.
func hidden(t html.Token) bool {
	style := strings.ToLower(strings.ReplaceAll(attr(t, "style"), " ", ""))
	return strings.Contains(style, "display:none") || strings.Contains(style, "mso-hide:all")
}

// skipElement reads past an element.
func skipElement(z *html.Tokenizer, kind html.TokenType, t html.Token) {
	if kind == html.SelfClosingTagToken || void(t.DataAtom) {
		return
	}
	for depth := 1; depth > 0; {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken:
			if name, _ := z.TagName(); string(name) == t.Data {
				depth++
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == t.Data {
				depth--
			}
		}
	}
}

func void(a atom.Atom) bool {
	switch a {
	case atom.Img, atom.Br, atom.Hr, atom.Input, atom.Meta, atom.Link, atom.Col, atom.Wbr, atom.Area, atom.Base:
		return true
	}
	return false
}
