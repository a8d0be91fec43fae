package message

import "regexp"

// What mail programs and people write around a text, in English, German, Dutch, French, Spanish
// and Finnish. All of it is matched on lines without their outer white space, case-blind.

// separators begin history, whatever follows.
var separators = regexp.MustCompile(`(?i)^(?:` +
	`[-_=*\s]{2,}\s*(?:original (?:message|appointment)|forwarded (?:message|by.*)|reply message|urspr(?:ü|ue)ngliche (?:nachricht|e-mail)|original-nachricht|weitergeleitete nachricht|weitergeleitet von.*|antwort von.*|` +
	`oorspronkelijk(?:e)? (?:bericht|afspraak)|doorgestuurd bericht|doorgestuurd door.*|message d['’]origine|message original|message (?:transféré|transmis)|transféré par.*|` +
	`mensaje original|mensaje reenviado|reenviado por.*|alkuperäinen viesti|välitetty viesti|edelleenlähetetty viesti|välittäjä.*)\s*[-_=*\s]{2,}` +
	`|begin forwarded message\s*:|anfang der weitergeleiteten (?:nachricht|e-?mail)\s*:|begin doorgestuurd bericht\s*:|début du message (?:réexpédié|transféré)\s*:` +
	`|inicio del mensaje reenviado\s*:|välitetty viesti alkaa\s*:|alkaa välitetty viesti\s*:` +
	`|-{3,}.{1,150}\b(?:wrote|schrieb|schreef|a écrit|escribió|kirjoitti)\s*:\s*-{3,}` +
	`)$`)

// attributions stand before a quote; several lines may have been joined.
var attributions = regexp.MustCompile(`(?i)^(?:` +
	`on\s.{5,250}\swrote\s*:|.{3,150}\swrote on\s.{5,100}:` +
	`|am\s.{5,250}\sschrieb(?:\s.{1,150})?\s*:|.{3,150}\sschrieb am\s.{5,100}:|.{3,150}\shat am\s.{5,100}\sgeschrieben\s*:` +
	`|op\s.{5,250}\sschreef(?:\s.{1,150})?\s*:|op\s.{5,250}\sheeft\s.{1,150}geschreven\s*:|.{3,150}\sschreef op\s.{5,100}:` +
	`|le\s.{5,250}\sa écrit\s*:` +
	`|el\s.{5,250}\sescribió\s*:` +
	`|.{5,250}\skirjoitti\s*:|.{3,150}\skirjoitti\s.{5,100}:` +
	`)$`)

// attributionStart says that a line may begin one of them.
var attributionStart = regexp.MustCompile(`(?i)^(?:on|am|op|le|el|ma|ti|ke|to|pe|la|su)[\s.,]|@|\d{4}`)

// headerLine is a line of the block that Outlook and Notes put above a quote.
var headerLine = regexp.MustCompile(`(?i)^\*?(?:` +
	`(from|von|van|de|expéditeur|lähettäjä)|` +
	`(sent|date|gesendet(?: am)?|datum|verzonden|envoyé|enviado(?: el)?|fecha|lähetetty|päivämäärä|päiväys|to|an|aan|à|para|vastaanottaja|cc|kopie|kopi[eë]|copia|kopio|` +
	`subject|betreff|onderwerp|objet|asunto|aihe|reply-to|antwort an|importance|wichtigkeit|prioriteit)` +
	`)\s?\*?\s*:\*?(?:\s|$)`)

// replyAbove is the line above which ticket systems want an answer.
var replyAbove = regexp.MustCompile(`(?i)^[#\-—–=*>\s]*(?:(?:please )?(?:type|write|enter|add) your reply above this line|(?:please )?reply above this line|replies? (?:above|below) this line.*` +
	`|(?:bitte )?(?:antworten sie|schreiben sie ihre antwort|ihre antwort) (?:bitte )?(?:oberhalb|über) dieser (?:zeile|linie)|typ uw antwoord boven deze (?:regel|lijn)|(?:gelieve )?(?:uw antwoord )?boven deze (?:regel|lijn) (?:te )?(?:antwoorden|typen)` +
	`|(?:veuillez )?(?:saisir|répondre|écrire) (?:votre réponse )?au-dessus de cette ligne|(?:por favor,? )?(?:escriba|responda) (?:su respuesta )?(?:por )?encima de esta línea|kirjoita vastauksesi tämän rivin yläpuolelle)[#\-—–=*.\s]*$`)

// mobile signatures are one line.
var mobile = regexp.MustCompile(`(?i)^(?:sent from (?:my |outlook|mail for|yahoo|samsung|proton).{0,60}|get outlook for .{0,30}|sent via .{0,40}` +
	`|von meinem .{2,40} gesendet|gesendet (?:von|mit|über) (?:meinem |outlook|mail|der ).{0,60}|outlook für .{2,20} (?:beziehen|herunterladen)|diese nachricht wurde von meinem .{2,60} gesendet\.?` +
	`|verzonden (?:vanaf|met|vanuit|via) (?:mijn |outlook|mail|samsung).{0,60}|verstuurd vanaf mijn .{2,40}|outlook voor .{2,20} (?:downloaden|ophalen)` +
	`|envoyé (?:de mon|depuis mon|depuis|à partir d).{0,60}|télécharger outlook pour .{2,20}|obtenir outlook pour .{2,20}` +
	`|enviado (?:desde|de) (?:mi |outlook|mail|el ).{0,60}|obtener outlook para .{2,20}|obtenga outlook para .{2,20}` +
	`|lähetetty (?:iphonesta|ipadista|puhelimesta|androidista|outlookista|samsung).{0,60}|lähetetty (?:minun )?.{2,30}(?:sta|stä|lta|ltä)(?:ni)?|hanki outlook .{2,20})$`)

// closings end a text; what follows is a signature. The strong ones are nothing else.
var (
	closings = regexp.MustCompile(`(?i)^(?:(?:with )?(?:kind|best|warm|kindest|warmest|many) (?:regards|wishes|greetings)|regards|yours (?:sincerely|faithfully|truly)|sincerely(?: yours)?|cheers` +
		`|mit (?:freundlichen|freundlichem|besten|herzlichen|vielen|lieben) (?:gr(?:ü|ue)(?:ß|ss)en?|gru(?:ß|ss))|(?:freundliche|beste|viele|liebe|herzliche|sch(?:ö|oe)ne) gr(?:ü|ue)(?:ß|ss)e(?: aus .{2,40})?|hochachtungsvoll|mfg|lg|vg|mit freundlichem gru(?:ß|ss)` +
		`|met (?:vriendelijke|hartelijke|beste) groet(?:en)?|(?:vriendelijke|hartelijke) groet(?:en)?|mvg|hoogachtend|groeten?` +
		`|(?:bien |très )?cordialement|(?:bien )?à vous|sincères salutations|(?:salutations|cordiales salutations)(?: distinguées| cordiales)?|bien cordialement|meilleures salutations|je vous prie d['’]agréer.{0,120}|veuillez agréer.{0,120}` +
		`|(?:un )?(?:cordial(?:es)? )?saludos?(?: cordial(?:es)?)?|atentamente|(?:un )?cordial saludo|reciba un cordial saludo` +
		`|(?:parhain |ystävällisin )?terveisin|ystävällisin terveisin|parhain terveisin|terveisin|yst\. ?terv\.?|t\.` +
		`)[\s,.!;:–-]*$`)
	thanks = regexp.MustCompile(`(?i)^(?:(?:many )?thanks(?: (?:a lot|in advance|and (?:kind |best )?regards))?|thank you(?: (?:very much|in advance))?|thx|(?:vielen |herzlichen |besten )?dank(?: im voraus)?|danke(?: (?:schön|und gru(?:ß|ss)))?` +
		`|(?:alvast )?bedankt|dank u(?: wel)?|dankjewel|merci(?: (?:beaucoup|d['’]avance))?|(?:muchas )?gracias(?: de antemano)?|(?:paljon )?kiitos(?: etukäteen)?|kiitoksia|kiittäen)(?:[\s,.!;:–-]*|[\s,]+\p{Lu}\p{Ll}+(?: \p{Lu}\p{Ll}+)?)$`)
)

// footers begin legal notices and what systems add below a text.
var footers = regexp.MustCompile(`(?i)^(?:\W{0,4}` +
	`(?:(?:this|the information (?:contained )?in this) (?:e-?mail|message|communication)(?: and any.{0,60})? (?:is|are|may|contains?|was sent)|confidentiality (?:notice|note)|disclaimer\b|privileged (?:and|/) ?confidential|legal notice\b` +
	`|please (?:consider|think of) the environment|if you (?:are not|have received) (?:the|this) (?:intended|message|e-?mail).{0,40}|you (?:are receiv|receiv)(?:ing|ed) this (?:e-?mail|message|notification) (?:because|as)|to unsubscribe\b|unsubscribe (?:from|here)|manage (?:your )?notification` +
	`|this (?:message|email|e-mail|mail) (?:was|has been) (?:automatically )?(?:sent|generated|created)\b.{0,80}|this is an automat(?:ed|ic)(?:ally generated)? (?:e-?mail|message|notification).{0,80}|(?:please )?do not reply to this (?:e-?mail|message).{0,60}|this email is a service from .{2,80}|delivered by zendesk|powered by .{2,60}` +
	`|diese (?:e-?mail|nachricht)(?: und .{2,40})? (?:enthält|kann|könnte|ist|wurde)|der inhalt dieser e-?mail|vertraulichkeitshinweis|haftungsausschluss|bitte (?:denken|prüfen) sie .{0,40}umwelt|sie erhalten diese (?:e-?mail|nachricht).{0,60}|dies ist eine automatisch.{0,80}|bitte antworten sie nicht auf diese .{0,40}|(?:gesch(?:ä|ae)ftsführ(?:er|ung)|vorstand|amtsgericht|handelsregister|sitz der gesellschaft)\s?[:(]` +
	`|dit (?:e-?mail)?bericht(?: en .{2,40})? (?:is|kan|bevat|werd)|de informatie (?:verzonden )?(?:in|met) (?:dit|deze) e-?mail|deze e-?mail (?:en .{2,40} )?(?:is|kan|bevat)|denk aan het milieu.{0,60}|u ontvangt (?:dit|deze) .{0,60}|dit is een automatisch.{0,80}` +
	`|ce (?:message|courriel|courrier électronique|mail)(?: et .{2,60})? (?:est|peut|contient|sont)|(?:l['’]information contenue|les informations contenues) dans ce (?:message|courriel|mail)|pensez à l['’]environnement.{0,60}|avis de confidentialité|vous recevez ce .{0,60}|ceci est un (?:message|courriel|mail|e-mail) automatique.{0,60}|merci de ne pas répondre à ce .{0,40}` +
	`|este (?:mensaje|correo)(?: electrónico)?(?: y .{2,60})? (?:es|puede|contiene|está|va|se dirige)|la información contenida en este (?:mensaje|correo)|aviso (?:legal|de confidencialidad)|piense en el medio ?ambiente.{0,60}|antes de imprimir.{0,60}|ha recibido este .{0,60}|este es un (?:mensaje|correo) automático.{0,60}|no responda a este .{0,40}` +
	`|tämä (?:sähköposti)?viesti(?: .{2,40})? (?:on|saattaa|voi|sisältää)|tämä sähköposti .{0,40}(?:on|saattaa|sisältää)|luottamuksellisuus(?:huomautus|ilmoitus)|ajattele ympäristöä.{0,60}|tämä on automaattinen.{0,60}|älä vastaa tähän .{0,40}|saat tämän .{0,60}` +
	`))`)

// banners are what gateways put above a text.
var banners = regexp.MustCompile(`(?i)^(?:\W{0,4}(?:\[?(?:external|extern|externe|externo|ulkoinen)(?: (?:e-?mail|sender|message|nachricht|bericht|viesti))?\]?\W*$` +
	`|(?:caution|warning|attention|achtung|vorsicht|let op|pas op|attention|cuidado|atención|huomio|varoitus)\s?[:!–-].{0,40}(?:e-?mail|message|nachricht|sender|absender|bericht|courriel|correo|mensaje|viesti).{0,200}` +
	`|this (?:e-?mail|message) (?:originated|came|was sent) from outside .{0,160}|diese (?:e-?mail|nachricht) (?:kommt|stammt|wurde) von (?:außerhalb|extern).{0,160}|you don['’]t often get (?:e-?mail|email) from .{0,200}|sie erhalten nicht (?:oft|häufig) (?:e-?mails?) von .{0,200}))`)
