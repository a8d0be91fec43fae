package message

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// lines joins lines as mail systems do.
func lines(l ...string) []byte { return []byte(strings.Join(l, "\r\n")) }

func TestPlain(t *testing.T) {
	m, err := Parse(lines(
		`From: =?iso-8859-1?Q?J=F6rg_M=FCller?= <joerg@provider.example>`,
		`To: "Support, SSP" <support@example.com>, b@example.com`,
		`Subject: =?UTF-8?B?`+base64.StdEncoding.EncodeToString([]byte("Störung"))+`?= INC0012345`,
		`Message-ID: <a1@provider.example>`,
		`In-Reply-To: <x1@example.com>`, `References: <x0@example.com>`, "\t<x1@example.com>",
		`Date: Mon, 5 Jan 2026 10:00:00 +0100`,
		`Content-Type: text/plain; charset=iso-8859-1`, `Content-Transfer-Encoding: quoted-printable`, ``,
		`Gr=FC=DFe`))
	require.NoError(t, err)
	require.Equal(t, Address{"Jörg Müller", "joerg@provider.example"}, m.From)
	require.Equal(t, "provider.example", m.From.Domain())
	require.Equal(t, []Address{{"Support, SSP", "support@example.com"}, {"", "b@example.com"}}, m.To)
	require.Equal(t, "Störung INC0012345", m.Subject)
	require.Equal(t, "a1@provider.example", m.ID)
	require.Equal(t, []string{"x1@example.com"}, m.InReplyTo)
	require.Equal(t, []string{"x0@example.com", "x1@example.com"}, m.References)
	require.Equal(t, "Grüße", m.Text)
	require.Equal(t, "go-message", m.Reader)
	require.Empty(t, m.Defects)
	require.Equal(t, 2026, m.Date.Year())
}

func TestCharsetsThatLie(t *testing.T) {
	for _, c := range []struct{ label, body, want string }{
		{"iso-8859-1", "Größe", "Größe"},                         // UTF-8 labelled latin-1
		{"utf-8", "Gr\xf6\xdfe", "Größe"},                        // windows-1252 labelled UTF-8
		{"us-ascii", "Gr\xf6\xdfe", "Größe"},                     // eight bits labelled seven
		{"x-nobody-knows", "Gr\xf6\xdfe", "Größe"},               // a label that nobody knows
		{"windows-1252", "\x80 100 \x96 Preis", "€ 100 – Preis"}, // the real one
		{"koi8-r", "\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"},
		{"shift_jis", "\x93\xfa\x96\x7b", "日本"},
		{"utf-16", "\xff\xfeG\x00r\x00\xf6\x00\xdf\x00e\x00", "Größe"},
		{"iso-2022-jp", "\x1b$BF|K\\\x1b(B", "日本"}, // seven bits, but not ASCII
		{"\"UTF8\"", "Größe", "Größe"},
		{"cp850", "Gr\x94\xe1e", "Größe"},
		{"iso-8859-15", "\xa4 100", "€ 100"},
		{"gb2312", "\xc4\xe3\xba\xc3", "你好"},
		{"", "Gr\xf6\xdfe", "Größe"},
		{"windows-1251", "\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"},
		{"unknown-8bit", "caf\xe9", "café"},
		{"utf-8", "broken \xff\xfe", "broken \u00ff\u00fe"},
		{"utf-8", "\xef\xbb\xbfwith mark", "with mark"},
		{"iso-8859-1", "plain", "plain"},
		{"big5", "\xa7A\xa6n", "你好"},
		{"ansi_x3.4-1968", "Gr\xf6\xdfe", "Größe"},
		{"cp1252", "\x84x\x93", "„x“"},
		{"euc-kr", "\xbe\xc8\xb3\xe7", "안녕"},
		{"utf-7-nonsense", "x", "x"},
		{"iso-8859-1", "\x93quoted\x94", "\u201cquoted\u201d"}, // windows-1252 labelled latin-1
		{"windows-1252", "naïve", "naïve"},
		{"macintosh", "Gr\x9a\xa7e", "Größe"},
		{"utf-16le", "h\x00i\x00", "hi"},
		{"utf-16be", "\x00h\x00i", "hi"},
		{"us-ascii", "Gr\xc3\xb6\xc3\x9fe", "Größe"},
		{"iso-8859-2", "\xb3\xf3d\xbc", "łódź"},
		{"windows-1257", "\xe1\xe8", "įč"},
		{"default", "Größe", "Größe"},
		{"utf-8", strings.Repeat("ä", 3), strings.Repeat("ä", 3)},
		{"ISO-8859-1", "\xe4\xf6\xfc", "äöü"},
		{"windows-874", "\xca\xc7\xd1\xca\xb4\xd5", "สวัสดี"},
		{"iso-8859-7", "\xe1\xe2", "αβ"},
		{"tis-620", "\xca\xc7", "สว"},
		{"hz-gb-2312-nonsense", "ok", "ok"},
		{"ibm850", "\x84", "ä"},
		{"x-ansi", "\xe4", "ä"},
		{"gb18030", "\xc4\xe3", "你"},
		{"utf-8", "e\u0301", "e\u0301"},
		{"windows-1250", "\x9a", "š"},
		{"utf8mb4", "ä", "ä"},
	} {
		require.Equal(t, c.want, toUTF8(c.label, []byte(c.body)), "%s %q", c.label, c.body)
	}
}

func TestBrokenHeaders(t *testing.T) {
	m, err := Parse(lines(
		`From: Müller, Jörg <j@provider.example>`, `this line has no colon and ends the strict reader`,
		`Subject: roh: Größe`, `Message-ID: not-bracketed@x.example`, `In-Reply-To: a message of today <p1@example.com> (mine)`, ``, `Text`))
	require.NoError(t, err)
	require.Equal(t, "enmime", m.Reader)
	require.NotEmpty(t, m.Defects)
	require.Equal(t, "j@provider.example", m.From.Email)
	require.Contains(t, m.Text, "Text")

	m, err = Parse(lines(`From: "Half <half@provider.example>`, `Subject: =?utf-8?Q?two words?= and =?bogus?=`, `Date: yesterday`, ``, `x`))
	require.NoError(t, err)
	require.Equal(t, "half@provider.example", m.From.Email)
	require.Contains(t, m.Subject, "two words")
	require.True(t, m.Date.IsZero())

	m, err = Parse([]byte("From mbox@host Mon Jan  5 10:00:00 2026\nFrom: a@b.example\nSubject: x\n\nbody\n"))
	require.NoError(t, err)
	require.Equal(t, "a@b.example", m.From.Email)
	require.Equal(t, "body", m.Text)

	for _, junk := range []string{"", "\x00\x01\x02", "no header at all", "{\"json\":true}"} {
		_, err := Parse([]byte(junk))
		require.ErrorIs(t, err, ErrUnreadable, "%q", junk)
	}
}

const head = "From: a@provider.example\r\nSubject: s\r\nMIME-Version: 1.0\r\n"

func TestStructures(t *testing.T) {
	tnef := base64.StdEncoding.EncodeToString([]byte("\x78\x9f\x3e\x22 packed"))
	m, err := Parse(lines(head+`Content-Type: multipart/mixed; boundary="b"`, ``,
		`--b`, `Content-Type: multipart/alternative; boundary=c`, ``,
		`--c`, `Content-Type: text/plain; charset=utf-8; format=flowed`, ``, `One line `, `goes on.`, ``, `-- `, `Jo`,
		`--c`, `Content-Type: multipart/related; boundary=d`, ``,
		`--d`, `Content-Type: text/html; charset=utf-8`, ``, `<p>One line goes on.<img src="cid:logo"></p>`,
		`--d`, `Content-Type: image/png; name=logo.png`, `Content-Disposition: inline`, `Content-Transfer-Encoding: base64`, ``, `AAAA`,
		`--d--`, `--c--`,
		`--b`, `Content-Type: application/ms-tnef`, `Content-Transfer-Encoding: base64`, ``, tnef,
		`--b`, `Content-Type: application/pdf; name="=?utf-8?Q?Pr=C3=BCfung.pdf?="`, `Content-Disposition: attachment; filename*=utf-8''Pr%C3%BCfung.pdf`, ``, `%PDF`,
		`--b`, `Content-Type: text/x-log; name="../../etc/pass wd.log"`, `Content-Disposition: attachment`, ``, `log`,
		`--b`, `Content-Type: message/rfc822`, ``, `From: in@inner.example`, `Subject: inner`, `Message-ID: <in@x>`, ``, `inner text`,
		`--b`, `Content-Type: text/calendar; method=REQUEST`, ``, `BEGIN:VCALENDAR`, `BEGIN:VEVENT`, `SUMMARY:Visit\, of a `, ` technician`, `DTSTART;TZID=x:20260105T100000`, `END:VEVENT`, `END:VCALENDAR`,
		`--b--`, ``))
	require.NoError(t, err)
	require.Equal(t, "One line goes on.\n\n-- \nJo", m.Text)
	require.False(t, m.FromHTML)
	var names []string
	for _, a := range m.Attachments {
		names = append(names, a.Name)
		require.Len(t, a.SHA256, 64)
		require.Positive(t, a.Size)
	}
	require.Equal(t, []string{"logo.png", "winmail.dat", "Prüfung.pdf", "pass wd.log", "inner.eml"}, names)
	require.True(t, m.Attachments[0].Inline)
	require.Contains(t, strings.Join(m.Defects, "\n"), "winmail.dat (TNEF)")
	require.Len(t, m.Forwarded, 1)
	require.Equal(t, "inner text", m.Forwarded[0].Text)
	require.Equal(t, []Calendar{{"REQUEST", "Visit, of a technician", "20260105T100000"}}, m.Calendar)
}

func TestHTMLOnly(t *testing.T) {
	m, err := Parse(lines(head+`Content-Type: text/html`, ``, `<html><head><meta charset="windows-1252"><style>p{}</style></head><body>`,
		`<div style="display:none">preview <div>deep</div></div><p>Gr`+"\xfc"+`n &amp; gut</p><div class="gmail_signature">Jo</div>`,
		`<div class="gmail_quote"><div class="gmail_attr">On Mon, Jo wrote:</div><blockquote>[[Task]]: 4711<blockquote>older</blockquote></blockquote></div></body></html>`))
	require.NoError(t, err)
	require.True(t, m.FromHTML)
	s := Split(m.Text, nil)
	require.Equal(t, "Grün & gut", s.New)
	require.Equal(t, "Jo", s.Signature)
	require.Equal(t, "On Mon, Jo wrote:\n\n[[Task]]: 4711\n\nolder", s.Quoted)

	m, err = Parse(lines(head+`Content-Type: multipart/alternative; boundary=b`, ``, `--b`, ``, `Your program does not support HTML email.`,
		`--b`, `Content-Type: text/html`, ``, `<b>the text</b>`, `--b--`))
	require.NoError(t, err)
	require.Equal(t, "the text", m.Text)
}

func TestEncrypted(t *testing.T) {
	for _, body := range []string{
		"Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b--",
		"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n\r\nAAAA",
		"Content-Type: text/plain\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nxx",
	} {
		m, err := Parse([]byte(head + body))
		require.NoError(t, err)
		require.True(t, m.Encrypted, body)
	}
}

// A mail to several counts as failed only when none of those in To has it.
func TestPartialReports(t *testing.T) {
	who := func(action, address string) string {
		return "Final-Recipient: rfc822; " + address + "\r\nAction: " + action + "\r\nStatus: 5.1.1\r\n\r\n"
	}
	report := func(header string, status ...string) *Report {
		m, err := Parse(lines(`From: MAILER-DAEMON@mx.example`, `Subject: Undelivered Mail Returned to Sender`, `Return-Path: <>`,
			`Content-Type: multipart/report; report-type=delivery-status; boundary=b`, ``, `--b`, ``, `I'm sorry.`,
			`--b`, `Content-Type: message/delivery-status`, ``, `Reporting-MTA: dns; mx.example`, ``, strings.Join(status, "")+
				`--b`, `Content-Type: text/rfc822-headers`, ``, `Message-ID: <our.1@bridge.example>`, header+`--b--`))
		require.NoError(t, err)
		return m.Report
	}
	const header = "To: Desk <to@p.example>,\r\n to2@p.example\r\nCc: cc@p.example\r\n\r\n"
	failedTo, failedTo2, failedCc := who("failed", "to@p.example"), who("failed", "TO2@p.example"), who("failed", "cc@p.example")
	for name, c := range map[string]struct {
		r      *Report
		action string
	}{
		"a copy only":                   {report(header, failedCc), "partial"},
		"to has it, the copy failed":    {report(header, failedCc, who("delivered", "to@p.example")), "partial"},
		"one of two in to has it":       {report(header, failedTo, who("relayed", "to2@p.example")), "partial"},
		"only one of two is named":      {report(header, failedTo), "failed"},
		"both in to":                    {report(header, failedTo, failedTo2, failedCc), "failed"},
		"only the copy arrived":         {report(header, failedTo, failedTo2, who("delivered", "cc@p.example")), "failed"},
		"an alias that nobody knows":    {report(header, who("failed", "box17@inner.example")), "failed"},
		"an alias whose name is given":  {report(header, "Original-Recipient: rfc822;cc@p.example\r\n"+who("failed", "box17@inner.example")), "partial"},
		"nobody knows who is in to":     {report("", failedTo, who("delivered", "to2@p.example")), "failed"},
		"the copy is late, nobody lost": {report(header, who("delayed", "cc@p.example"), who("delivered", "to@p.example")), "delayed"},
	} {
		require.Equal(t, c.action, c.r.Action, name)
		require.Equal(t, c.action == "failed", c.r.Failed(), name)
		require.Equal(t, []string{"our.1@bridge.example"}, c.r.Original, name)
	}
	require.Equal(t, "cc@p.example", report(header, who("delivered", "to@p.example"), failedCc).Recipient)
}

func TestReports(t *testing.T) {
	m, err := Parse(lines(`From: MAILER-DAEMON@mx.example`, `Subject: Undelivered Mail Returned to Sender`, `Return-Path: <>`,
		`Content-Type: multipart/report; report-type=delivery-status; boundary=b`, ``,
		`--b`, ``, `I'm sorry.`,
		`--b`, `Content-Type: message/delivery-status`, ``, `Reporting-MTA: dns; mx.example`, ``,
		`Final-Recipient: rfc822; a@ok.example`, `Action: delivered`, `Status: 2.0.0`, ``,
		`Final-Recipient: rfc822; gone@provider.example`, `Action: failed`, `Status: 5.1.1`, `Diagnostic-Code: smtp; 550 5.1.1 no`, ` such user`,
		`--b`, `Content-Type: message/rfc822`, ``, `Message-ID: <our.1@bridge.example>`, `From: us@example.com`, ``, `text`, `--b--`))
	require.NoError(t, err)
	require.Equal(t, &Report{Action: "failed", Status: "5.1.1", Recipient: "gone@provider.example", Reason: "550 5.1.1 no such user", Original: []string{"our.1@bridge.example"}}, m.Report)
	require.Equal(t, "I'm sorry.", m.Text)
	kind, _ := m.Automatic()
	require.Equal(t, Bounce, kind)

	m, err = Parse(lines(`From: postmaster@ms.example`, `Subject: Unzustellbar: Auftrag`, `References: <our.2@bridge.example>`, ``,
		`Die Nachricht konnte nicht zugestellt werden.`, `550 5.7.1 TRANSPORT.RULES.RejectMessage`))
	require.NoError(t, err)
	require.Equal(t, "failed", m.Report.Action)
	require.Equal(t, "5.7.1", m.Report.Status)
	require.Contains(t, m.Report.Original, "our.2@bridge.example")

	m, err = Parse(lines(`From: a@b.example`, `Subject: Undelivered parcels`, ``, `Where are they?`))
	require.NoError(t, err)
	require.Nil(t, m.Report, "a person may write about what was not delivered")
}

func TestAutomatic(t *testing.T) {
	for _, c := range []struct {
		header string
		want   Automatic
	}{
		{"Subject: x", ByPerson},
		{"Auto-Submitted: no", ByPerson},
		{"Auto-Submitted: auto-replied (vacation)", Replied},
		{"Auto-Submitted: Auto-Generated", Generated},
		{"X-Autoreply: yes", Replied},
		{"X-Autoreply: no", ByPerson},
		{"Precedence: bulk", Bulk},
		{"Precedence: auto_reply", Replied},
		{"List-Id: <l.example>", Bulk},
		{"Return-Path: <>", Replied},
		{"X-Auto-Response-Suppress: All", Generated},
		{"X-Auto-Response-Suppress: DR, RN", ByPerson},
		{"Subject: Automatic reply: x", Replied},
		{"Subject: Automatische Antwort: x", Replied},
		{"Subject: Abwesenheitsnotiz: x", Replied},
		{"Subject: Automatisch antwoord: x", Replied},
		{"Subject: Afwezig: x", Replied},
		{"Subject: Réponse automatique : x", Replied},
		{"Subject: Respuesta automática: x", Replied},
		{"Subject: Automaattinen vastaus: x", Replied},
		{"Subject: Out of Office", Replied},
	} {
		m, err := Parse([]byte("From: a@b.example\r\n" + c.header + "\r\n\r\ntext"))
		require.NoError(t, err)
		got, why := m.Automatic()
		require.Equal(t, c.want, got, c.header)
		require.Equal(t, got != ByPerson, why != "")
	}
}

func TestBounds(t *testing.T) {
	var b strings.Builder
	b.WriteString(head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n")
	for range MaxParts + 50 {
		b.WriteString("--b\r\n\r\nx\r\n")
	}
	b.WriteString("--b--\r\n")
	_, err := Parse([]byte(b.String()))
	require.NoError(t, err)

	deep := "From: a@b.example\r\n\r\nx"
	for range 100 {
		deep = "From: a@b.example\r\nContent-Type: message/rfc822\r\n\r\n" + deep
	}
	m, err := Parse([]byte(deep))
	require.NoError(t, err)
	n := 0
	for ; len(m.Forwarded) > 0; m = m.Forwarded[0] {
		n++
	}
	require.Equal(t, MaxInside, n)
	require.Contains(t, m.Defects[0], "nested deeper than 3")
	require.Equal(t, "message.eml", m.Attachments[0].Name)

	m, err = Parse([]byte(head + "\r\n" + strings.Repeat("ä", MaxText)))
	require.NoError(t, err)
	require.LessOrEqual(t, len(m.Text), MaxText)
	require.NotEmpty(t, m.Defects)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("From: a@b.example\r\nSubject: =?utf-8?Q?x?=\r\n\r\ntext\r\n> quoted\r\n-- \r\nsig"))
	f.Add([]byte(head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>x<blockquote>y\r\n--b--"))
	f.Add([]byte("From: postmaster\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\n--b--"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Parse(raw)
		if err != nil {
			require.ErrorIs(t, err, ErrUnreadable)
			return
		}
		require.LessOrEqual(t, len(m.Text), MaxText)
		require.LessOrEqual(t, len(m.Attachments), MaxParts)
		s := Split(m.Text, nil)
		require.NotContains(t, s.New, quoteMark)
		m.Automatic()
	})
}

// forwarded returns how many messages are inside one another.
func forwarded(m *Message) (n int) {
	for ; len(m.Forwarded) > 0; m = m.Forwarded[0] {
		n++
	}
	return n
}

// A message inside a message costs memory again. However deep a mail is nested, what it takes is bounded by
// its size, and its parts are counted once for all levels.
func TestMessagesInsideMessagesShareOneBudget(t *testing.T) {
	zip := head + "Content-Type: application/zip; name=a.zip\r\nContent-Disposition: attachment\r\n\r\n"
	wrapped := func(in string, n int) string {
		b := fmt.Sprintf("level%d", n)
		return head + "Content-Type: multipart/mixed; boundary=" + b + "\r\n\r\n--" + b + "\r\nContent-Type: message/rfc822\r\n\r\n" + in + "\r\n--" + b + "--\r\n"
	}
	for size, levels := range map[int]int{1000: 3, 4 << 20: 1} {
		in := zip + strings.Repeat("x", size)
		for n := range 5 {
			in = wrapped(in, n)
		}
		m, err := Parse([]byte(in))
		require.NoError(t, err)
		require.Equal(t, levels, forwarded(m), size)
		for len(m.Forwarded) > 0 {
			m = m.Forwarded[0]
		}
		require.Len(t, m.Attachments, 1)
		require.Equal(t, "message.eml", m.Attachments[0].Name)
		require.Len(t, m.Defects, 1)
	}

	// Not encoded and not in parts: the bytes of the mail itself, on every level.
	raw := []byte(zip + "content")
	for range MaxInside {
		raw = []byte(head + "Content-Type: message/rfc822\r\n\r\n" + string(raw))
	}
	m, err := Parse(raw)
	require.NoError(t, err)
	require.Equal(t, MaxInside, forwarded(m))
	for len(m.Forwarded) > 0 {
		m = m.Forwarded[0]
	}
	require.Equal(t, "content", string(m.Attachments[0].Data))
	require.Same(t, &raw[len(raw)-len("content")], &m.Attachments[0].Data[0])

	// Many parts in each of many messages.
	inner := head + "Content-Type: multipart/mixed; boundary=i\r\n\r\n" + strings.Repeat("--i\r\nContent-Type: application/zip\r\n\r\nx\r\n", 50) + "--i--\r\n"
	many := head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: message/rfc822\r\n\r\n"+inner+"\r\n", 20) + "--b--\r\n"
	m, err = Parse([]byte(many))
	require.NoError(t, err)
	require.Len(t, m.Attachments, 20)
	parts := 21
	for _, in := range m.Forwarded {
		parts += 1 + len(in.Attachments)
	}
	require.LessOrEqual(t, parts, MaxParts+1)
	require.Greater(t, len(m.Forwarded), 4)
	require.Contains(t, strings.Join(m.Defects, "; "), "parts in all")
}
