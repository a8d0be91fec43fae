package message

import (
	"bufio"
	"bytes"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Report is what a mail system says about a mail of ours (RFC 3464, or a bounce in free form).
type Report struct {
	// Action: failed, delayed, delivered, relayed, expanded; read for a receipt; partial when it did not reach
	// all its recipients, and those it is for have it or may still get it.
	Action    string `json:"action"`
	Status    string `json:"status,omitempty"`
	Recipient string `json:"recipient,omitempty"`
	Reason    string `json:"reason,omitempty"`
	// Original holds the message ids of the mail it is about.
	Original []string `json:"original,omitempty"`
	// Written is when that mail was written, by its own Date; zero if the report does not hold it.
	Written time.Time `json:"written,omitzero"`
}

// Failed reports whether the mail did not arrive and will not.
func (r *Report) Failed() bool { return r.Action == "failed" }

var (
	statusCode  = regexp.MustCompile(`\b([245]\.\d{1,3}\.\d{1,3})\b`)
	replyCode   = regexp.MustCompile(`(?m)\b(5\d\d)[ -][^\n]{0,200}`)
	bounceTitle = regexp.MustCompile(`(?i)undeliver|delivery status notification|mail delivery failed|returned mail|failure notice|delivery failure|` +
		`delivery has failed|message not delivered|unzustellbar|nicht zugestellt|nicht zustellbar|zustellung fehlgeschlagen|onbestelbaar|niet bezorgd|bezorging mislukt|` +
		`non remis|échec de la remise|non distribué|no se puede entregar|no se ha podido entregar|no entregado|perillemeno epäonnistui|toimitus epäonnistui|toimittaminen epäonnistui|ei voitu toimittaa`)
	delayTitle = regexp.MustCompile(`(?i)delayed|verzögert|vertraagd|retardé|retrasad|viivästy`)
	// answering is how the subject of an answer begins: with Re:, or with a ticket's number.
	answering  = regexp.MustCompile(`(?i)^\W*(?:(?:re|aw|antw|antwort|antwoord|sv|vs|rv|ref)\s?(?:\[\d+\])?\s?:|\[[^\]]*\d{3}[^\]]*\])`)
	postmaster = regexp.MustCompile(`(?i)^(mailer-daemon|postmaster|mailerdaemon|mail-daemon|mmdf|bounce[sd]?)(@|$)`)
)

// readReport recognises delivery reports and bounces.
func (m *Message) readReport(root *part) {
	kind := strings.ToLower(root.params["report-type"])
	var status *part
	var originals []string
	var to, cc []Address
	var written time.Time
	root.each(func(p *part) {
		switch p.media {
		case "message/delivery-status", "message/global-delivery-status":
			if status == nil {
				status = p
			}
		case "message/disposition-notification":
			m.Report = &Report{Action: "read", Original: originalIDs(p.body, "Original-Message-Id")}
		case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
			originals = append(originals, originalIDs(p.body, "Message-Id")...)
			for _, v := range headerValues(p.body, "Date") {
				written = date(v)
			}
			for _, v := range headerValues(p.body, "To") {
				to = append(to, addresses(v)...)
			}
			for _, v := range headerValues(p.body, "Cc") {
				cc = append(cc, addresses(v)...)
			}
		}
	})
	switch {
	case status != nil:
		m.Report = deliveryStatus(status.body, to, cc)
	case m.Report != nil:
	case root.media == "multipart/report" && kind == "disposition-notification":
		m.Report = &Report{Action: "read"}
	case m.bounce():
		m.Report = m.freeReport()
	default:
		return
	}
	m.Report.Original, m.Report.Written = append(m.Report.Original, originals...), written
	if len(m.Report.Original) == 0 && m.Report.Action != "read" {
		m.Report.Original = ids(m.Text)
		m.Report.Original = append(m.Report.Original, m.References...)
		m.Report.Original = append(m.Report.Original, m.InReplyTo...)
	}
	if m.Report.Reason == "" {
		m.Report.Reason = m.firstLines()
	}
}

func (p *part) each(visit func(*part)) {
	visit(p)
	for _, c := range p.parts {
		c.each(visit)
	}
}

// bounce reports whether a mail without the standard form is a bounce: it says so in its subject,
// and comes from a mail system or from nobody. Absence notes and confirmations of ticket systems come from
// nobody, too, and repeat a title that may be about lost mail.
func (m *Message) bounce() bool {
	if m.Header.Has("X-Failed-Recipients") {
		return true
	}
	nobody := m.Header.Has("Return-Path") && strings.Trim(m.Header.Get("Return-Path"), "<> ") == ""
	return (nobody || postmaster.MatchString(m.From.Email)) && (bounceTitle.MatchString(m.Subject) || delayTitle.MatchString(m.Subject)) &&
		!absence.MatchString(m.Subject) && !answering.MatchString(m.Subject)
}

func (m *Message) freeReport() *Report {
	r := &Report{Action: "failed", Recipient: m.Header.Get("X-Failed-Recipients")}
	if delayTitle.MatchString(m.Subject) && !bounceTitle.MatchString(m.Subject) {
		r.Action = "delayed"
	}
	if s := statusCode.FindStringSubmatch(m.Text); s != nil {
		r.Status = s[1]
	}
	if s := replyCode.FindString(m.Text); s != "" {
		r.Reason = strings.TrimSpace(s)
	}
	return r
}

func (m *Message) firstLines() string {
	t := strings.Join(strings.Fields(m.Text), " ")
	if len(t) > 300 {
		t = strings.ToValidUTF8(t[:300], "") + "…"
	}
	return t
}

// deliveryStatus reads the groups of a delivery-status part; the worst recipient decides. A failure is partial
// only when one of those in to has the mail, or when nobody failed but those in cc: somebody unknown may
// be one of to under another address.
func deliveryStatus(body []byte, to, cc []Address) *Report {
	r := &Report{}
	rank := map[string]int{"failed": 5, "delayed": 4, "relayed": 2, "expanded": 2, "delivered": 1}
	arrived, missing := false, false
	for _, group := range bytes.Split(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), []byte("\n\n")) {
		group = bytes.TrimSpace(group)
		if len(group) == 0 {
			continue
		}
		h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(group, "\n\n"...)))).ReadMIMEHeader()
		if err != nil && len(h) == 0 {
			continue
		}
		action := strings.ToLower(strings.TrimSpace(h.Get("Action")))
		final, original := afterType(h.Get("Final-Recipient")), afterType(h.Get("Original-Recipient"))
		isTo := among(to, final, original)
		switch action {
		case "delivered", "relayed", "expanded":
			arrived = arrived || isTo
		case "failed":
			missing = missing || isTo || !among(cc, final, original)
		}
		if action == "" || r.Action != "" && rank[action] <= rank[r.Action] {
			continue
		}
		r.Action, r.Status = action, strings.TrimSpace(h.Get("Status"))
		r.Recipient = first(final, original)
		r.Reason = strings.Join(strings.Fields(decodeText(afterType(h.Get("Diagnostic-Code")))), " ")
	}
	switch {
	case r.Action == "":
		r.Action = "failed"
	case r.Action == "failed" && (arrived || !missing):
		r.Action = "partial"
	}
	return r
}

// among reports whether one of the names of a recipient is in list.
func among(list []Address, names ...string) bool {
	return slices.ContainsFunc(list, func(a Address) bool {
		return slices.ContainsFunc(names, func(n string) bool { return n != "" && strings.EqualFold(a.Email, strings.Trim(n, "<>")) })
	})
}

func afterType(v string) string {
	if _, rest, ok := strings.Cut(v, ";"); ok {
		v = rest
	}
	return strings.TrimSpace(v)
}

// originalIDs finds the ids that the header in body gives under name.
func originalIDs(body []byte, name string) []string {
	var out []string
	for _, v := range headerValues(body, name) {
		out = append(out, ids(v)...)
	}
	return out
}

// headerValues returns what the header in body gives under name.
func headerValues(body []byte, name string) []string {
	var out []string
	header, _, _ := bytes.Cut(bytes.ReplaceAll(body[:min(len(body), maxHeader)], []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	for _, l := range strings.Split(strings.ReplaceAll(strings.ReplaceAll(string(header), "\n ", " "), "\n\t", " "), "\n") {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.EqualFold(strings.TrimSpace(k), name) {
			out = append(out, v)
		}
	}
	return out
}
