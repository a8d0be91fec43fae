package message

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const said = "We have replaced the disk.\nPlease test."

// Every way to quote must leave what is new, and keep what was said before.
func TestHistoryIsCut(t *testing.T) {
	old := []string{"> [[Task]]: 4711", "> The disk is broken."}
	plainOld := []string{"[[Task]]: 4711", "The disk is broken."}
	for name, block := range map[string][]string{
		"gmail en":         append([]string{"On Mon, Jan 5, 2026 at 10:00 AM Ann Example <ann@example.com> wrote:", ""}, old...),
		"gmail en wrapped": append([]string{"On Mon, Jan 5, 2026 at 10:00 AM Ann Example <", "ann@example.com> wrote:", ""}, old...),
		"gmail de":         append([]string{"Am Mo., 5. Jan. 2026 um 10:00 Uhr schrieb Ann Example <ann@example.com>:", ""}, old...),
		"gmail nl":         append([]string{"Op ma 5 jan 2026 om 10:00 schreef Ann Example <ann@example.com>:", ""}, old...),
		"gmail fr":         append([]string{"Le lun. 5 janv. 2026 à 10:00, Ann Example <ann@example.com> a écrit :", ""}, old...),
		"gmail es":         append([]string{"El lun, 5 ene 2026 a las 10:00, Ann Example (<ann@example.com>) escribió:", ""}, old...),
		"gmail fi":         append([]string{"ma 5. tammik. 2026 klo 10.00 Ann Example (ann@example.com) kirjoitti:", ""}, old...),
		"apple nl":         append([]string{"Op 5 jan. 2026, om 10:00 heeft Ann Example <ann@example.com> het volgende geschreven:", ""}, old...),
		"apple de":         append([]string{"Am 05.01.2026 um 10:00 schrieb Ann Example <ann@example.com>:", ""}, old...),
		"apple fi":         append([]string{"Ann Example <ann@example.com> kirjoitti 5.1.2026 kello 10.00:", ""}, old...),
		"no attribution":   old,
		"outlook en":       append([]string{"From: Ann Example <ann@example.com>", "Sent: Monday, January 5, 2026 10:00 AM", "To: Help <h@provider.example>", "Subject: Task", ""}, plainOld...),
		"outlook bar":      append([]string{"________________________________", "From: Ann Example", "Sent: Monday", "To: Help", "Subject: Task", ""}, plainOld...),
		"outlook de":       append([]string{"Von: Ann Example <ann@example.com>", "Gesendet: Montag, 5. Januar 2026 10:00", "An: Help", "Betreff: Task", ""}, plainOld...),
		"outlook nl":       append([]string{"Van: Ann Example", "Verzonden: maandag 5 januari 2026 10:00", "Aan: Help", "Onderwerp: Task", ""}, plainOld...),
		"outlook fr":       append([]string{"De : Ann Example", "Envoyé : lundi 5 janvier 2026 10:00", "À : Help", "Objet : Task", ""}, plainOld...),
		"outlook es":       append([]string{"De: Ann Example", "Enviado el: lunes, 5 de enero de 2026 10:00", "Para: Help", "Asunto: Task", ""}, plainOld...),
		"outlook fi":       append([]string{"Lähettäjä: Ann Example", "Lähetetty: maanantai 5. tammikuuta 2026 10.00", "Vastaanottaja: Help", "Aihe: Task", ""}, plainOld...),
		"outlook bold":     append([]string{"*From:* Ann Example", "*Sent:* Monday", "*To:* Help", "*Subject:* Task", ""}, plainOld...),
		"original en":      append([]string{"-----Original Message-----"}, plainOld...),
		"original de":      append([]string{"-----Ursprüngliche Nachricht-----"}, plainOld...),
		"original nl":      append([]string{"-----Oorspronkelijk bericht-----"}, plainOld...),
		"original fr":      append([]string{"-----Message d'origine-----"}, plainOld...),
		"original es":      append([]string{"-----Mensaje original-----"}, plainOld...),
		"original fi":      append([]string{"-----Alkuperäinen viesti-----"}, plainOld...),
		"forwarded":        append([]string{"---------- Forwarded message ---------"}, plainOld...),
		"apple forward":    append([]string{"Anfang der weitergeleiteten Nachricht:"}, plainOld...),
		"notes":            append([]string{"-----Ann Example/EXAMPLE wrote: -----"}, plainOld...),
		"notes forward":    append([]string{"----- Forwarded by Help/PROVIDER on 05.01.2026 10:00 -----"}, plainOld...),
		"reply above":      append([]string{"##- Please type your reply above this line -##"}, plainOld...),
		"reply above nl":   append([]string{"--- Boven deze regel antwoorden ---"}, plainOld...),
		"html mark":        append([]string{quoteMark}, plainOld...),
	} {
		t.Run(name, func(t *testing.T) {
			s := Split(said+"\n\n"+strings.Join(block, "\n"), nil)
			require.Equal(t, said, s.New)
			require.Contains(t, s.Quoted, "[[Task]]: 4711\n")
			require.Contains(t, s.Quoted, "The disk is broken.")
		})
	}
}

func TestAnswersBelowAndBetween(t *testing.T) {
	s := Split("On 5 Jan 2026, Ann wrote:\n> Is it done?\n\nYes.\n\n> And the other?\nTomorrow.", nil)
	require.Equal(t, "Yes.\n\nTomorrow.", s.New)
	require.Contains(t, s.Quoted, "Is it done?")
	require.Contains(t, s.Quoted, "And the other?")

	s = Split("##- Please type your reply above this line -##\n\nThe technician is on the way.", nil)
	require.Equal(t, "The technician is on the way.", s.New, "a ticket system's own mail begins with that line")
}

func TestSignaturesAreCut(t *testing.T) {
	for _, sig := range []string{
		"-- \nJo Helper\nProvider Ltd\n+49 30 1234", "--\nJo", "Kind regards,\nJo Helper\nProvider Ltd", "Best regards\n\nJo", "Mit freundlichen Grüßen\n\ni. A. Jo Helfer\nProvider GmbH",
		"Viele Grüße\nJo", "MfG\nJo", "Met vriendelijke groet,\n\nJo", "Mvg,\nJo", "Cordialement,\nJo", "Bien cordialement\nJo", "Un saludo,\nJo", "Saludos cordiales\nJo", "Atentamente,\nJo",
		"Ystävällisin terveisin\nJo", "Terveisin\nJo", "Thanks,\nJo", "Danke\nJo", "Bedankt!\nJo", "Merci\nJo", "Gracias,\nJo", "Kiitos\nJo", "Thanks Jan",
		"Sent from my iPhone", "Von meinem iPhone gesendet", "Verzonden vanaf mijn iPhone", "Envoyé de mon iPhone", "Enviado desde mi iPhone", "Lähetetty iPhonesta",
		"Get Outlook for iOS<https://aka.ms/x>", "Outlook für Android herunterladen", signatureMark + "\nJo",
	} {
		s := Split(said+"\n\n"+sig, nil)
		require.Equal(t, said, s.New, "%q", sig)
		require.NotEmpty(t, s.Signature, "%q", sig)
	}
}

func TestWhatOnlyLooksLikeASignatureStays(t *testing.T) {
	for _, text := range []string{
		"Thanks,\nplease also check the router in the cellar.", "Thanks", "Danke", "Kind regards", "> 100 MB are free", "Regards the disk: it is broken.",
		"On Monday we wrote:\nthree mails", "From: the cellar\nwe hear noise", "Sent from my office to you: the disk.", "a -- b", "To: be\nor not",
		"Am 5. haben wir Folgendes geprüft:\nalles", ">100 MB are free",
	} {
		s := Split(text, nil)
		if strings.HasPrefix(text, "> ") {
			continue // one line with a space behind the mark is a quote
		}
		require.Equal(t, text, s.New, "%q", text)
	}
}

func TestFootersAndBannersAreCut(t *testing.T) {
	for _, foot := range []string{
		"This e-mail and any attachments are confidential.", "CONFIDENTIALITY NOTICE: x", "Please consider the environment before printing.", "Diese E-Mail enthält vertrauliche Informationen.",
		"Dit bericht is vertrouwelijk.", "Ce message et ses pièces jointes sont confidentiels.", "Este mensaje y sus anexos contiene información", "Tämä viesti on luottamuksellinen.",
		"You are receiving this email because you are watching.", "This message was sent by Atlassian Jira", "This email is a service from Provider.",
	} {
		s := Split(said+"\n\n"+foot, nil)
		require.Equal(t, said, s.New, "%q", foot)
		require.Equal(t, foot, s.Footer)
	}
	for _, banner := range []string{"[EXTERNAL]", "CAUTION: This email originated from outside of the organization.\nDo not click.", "ACHTUNG: Diese E-Mail kommt von außerhalb.", "LET OP: dit bericht komt van buiten"} {
		s := Split(banner+"\n\n"+said, nil)
		require.Equal(t, said, s.New, "%q", banner)
	}
}

func TestTagsAreNeverCut(t *testing.T) {
	tag := func(l string) bool { return strings.HasPrefix(l, "[[") }
	s := Split("[[Information]]: it works\nThanks Jan\n\n[[Source]]: Email\n\n-- \nJan", tag)
	require.Contains(t, s.New, "[[Source]]: Email")
	require.Equal(t, "--\nJan", s.Signature)
}

// What hostile people write must not take longer than its length: the bound is far above what it
// takes, and far below what anything but linear time would.
func TestHostileTexts(t *testing.T) {
	for name, text := range map[string]string{
		"attributions": strings.Repeat("on 1 aaaa bbbb cccc dddd eeee ffff gggg hhhh\n", 4000),
		"colons":       strings.Repeat("ma 5 this is @ it so long as a line can be and be and be:\n", 3000),
		"footers":      strings.Repeat("this message is a\n\n", 10000),
		"thanks":       strings.Repeat("thanks\nJo Helper\n", 10000),
		"closings":     strings.Repeat("kind regards\n", 15000),
		"signatures":   strings.Repeat("--\n", 60000),
		"one line":     strings.Repeat("a", 1<<18),
		"quotes":       strings.Repeat("> x\n\n", 40000),
		"empty quote":  "> x" + strings.Repeat("\n", 1<<18) + "> y",
		"headers":      strings.Repeat("From: x\n\n", 20000),
	} {
		began := time.Now()
		Split(text, func(string) bool { return false })
		require.Less(t, time.Since(began), 30*time.Second, name)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("text\n\nOn 5 Jan 2026, Ann wrote:\n> x\n-- \nJo")
	f.Fuzz(func(t *testing.T, text string) {
		s := Split(text, nil)
		require.LessOrEqual(t, len(s.New), len(text)+strings.Count(text, "\n")+1)
	})
}
