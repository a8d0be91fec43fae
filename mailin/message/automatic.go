package message

import (
	"regexp"
	"strings"
)

// Automatic says what kind of program wrote a mail, if it was not a person.
type Automatic string

// The kinds.
const (
	ByPerson  Automatic = ""
	Generated Automatic = "generated" // a notification of a system (Auto-Submitted: auto-generated)
	Replied   Automatic = "replied"   // an answer that nobody wrote: absence, receipt
	Bulk      Automatic = "bulk"      // a list or a mass mailing
	Bounce    Automatic = "bounce"    // a delivery report
)

var absence = regexp.MustCompile(`(?i)^\W*(?:(?:automatic|automated|auto)[ -]?(?:reply|response|antwort|respuesta|réponse)\b|autoreply|auto:|(?:i am |i['’]m )?out of (?:the )?office|ooo\b|automatische (?:antwort|reactie|beantwoording)|automatisch antwoord|abwesenheit(?:s(?:notiz|assistent|meldung|benachrichtigung|nachricht|mitteilung|hinweis|agent|info))?\b|(?:ich bin )?(?:abwesend\b|nicht im (?:büro|haus)|außer haus\b)` +
	`|afwezig(?:heid(?:s(?:bericht|melding|assistent|notificatie))?)?\b|niet aanwezig|réponse automatique|(?:message |notification |avis )d['’]absence|absence du bureau|absent(?:e)? du bureau|respuesta automática|fuera de (?:la )?oficina|ausente\b|automaatti(?:nen (?:vastaus|poissaoloviesti)|vastaus)|olen poissa\b|poissaolo|poissa (?:toimistosta|työpaikalta)|lomavastaus|vacation\b)`)

// Automatic tells who wrote the mail, by RFC 3834 and what programs do beyond it; why names the sign.
func (m *Message) Automatic() (kind Automatic, why string) {
	h := m.Header
	if m.Report != nil {
		return Bounce, "delivery report (" + m.Report.Action + ")"
	}
	submitted, _, _ := strings.Cut(strings.ToLower(h.Get("Auto-Submitted")), ";")
	submitted = strings.TrimSpace(submitted)
	switch {
	case strings.HasPrefix(submitted, "auto-replied"):
		return Replied, "Auto-Submitted: " + submitted
	case h.Has("X-Autoreply") && !no(h.Get("X-Autoreply")), h.Has("X-Autorespond"), h.Has("X-Autoresponder"), h.Has("X-Mail-Autoreply"), h.Has("X-Auto-Reply-From"), h.Has("X-Amazon-Auto-Reply"):
		return Replied, "header of an automatic reply"
	case strings.Contains(strings.ToLower(h.Get("X-Auto-Response-Suppress")), "oof") && absence.MatchString(m.Subject), strings.EqualFold(h.Get("Precedence"), "auto_reply"):
		return Replied, "automatic reply"
	case absence.MatchString(m.Subject):
		return Replied, "subject of an automatic reply"
	case h.Has("Return-Path") && strings.Trim(h.Get("Return-Path"), "<> ") == "":
		return Replied, "null return path"
	case submitted != "" && submitted != "no":
		return Generated, "Auto-Submitted: " + submitted
	case h.Has("List-Id"), h.Has("List-Unsubscribe"), h.Has("List-Post"), h.Has("List-Help"):
		return Bulk, "header of a list"
	}
	switch p := strings.ToLower(strings.TrimSpace(h.Get("Precedence"))); p {
	case "bulk", "list", "junk":
		return Bulk, "Precedence: " + p
	}
	if s := strings.ToLower(h.Get("X-Auto-Response-Suppress")); strings.Contains(s, "all") || strings.Contains(s, "autoreply") {
		return Generated, "X-Auto-Response-Suppress: " + s
	}
	if v := h.Get("X-Auto-Generated"); v != "" && !no(v) {
		return Generated, "X-Auto-Generated"
	}
	return ByPerson, ""
}

func no(v string) bool {
	v = strings.ToLower(strings.TrimSpace(v))
	return v == "no" || v == "false" || v == "0"
}
