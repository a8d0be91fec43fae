package vendortest

import "strings"

// Environment variables that [Config] names.
const (
	TokenEnv  = "VENDOR_TOKEN"
	SecretEnv = "VENDOR_WEBHOOK_SECRET"
)

// Config returns the section of a provider that talks to a vendor at base, as it stands under
// providers: in a config file. It names the secrets as environment variables [TokenEnv] and
// [SecretEnv]. more is added at its end: further keys of the section, not indented.
func Config(base, more string) string {
	s := strings.ReplaceAll(section, "BASE", base) + strings.TrimPrefix(more, "\n")
	return s
}

// Indented returns text with every line indented by n spaces, to be put under a key.
func Indented(text string, n int) string {
	pad := strings.Repeat(" ", n)
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = pad + l
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

const section = `kind: http
base: BASE/api
auth: {bearer: {env: VENDOR_TOKEN}}
webhook: {scheme: standard-webhooks, secret: {env: VENDOR_WEBHOOK_SECRET}}
tables:
  priority:
    values: {"1": high, "2": normal, "3": low, high: high, medium: normal, low: low}
    default: normal
send:
  submit:
    url: /tickets
    body:
      external_id: "${event.task}|${event.id}"
      title: "${event.title != '' ? event.title : 'Task ' + event.task}"
      description: "${event.description}"
      priority: "${table('priority', event.priority)}"
      contact: {name: "${event.requester.name}", email: "${event.requester.email}"}
    reference: answer.ticket.number
  update:
    url: /tickets/${bond.reference}/comments
    body: {text: "${textToHtml(event.text)}", client_id: "${event.id}"}
    comment: answer.comment.id
  reject_solution:
    url: /tickets/${bond.reference}/reopen
    body: {reason: "${textToHtml(event.text)}", client_id: "${event.id}"}
    success: status == 200 || answer.code == 'already_open'
    comment: answer.comment?.id
  close:
    url: /tickets/${bond.reference}/close
    body: {}
    statuses: {done: [409]}        # closed already
repeat: reopen
find:
  submit:
    url: /tickets
    query: {external_id: "${event.task}|${event.id}"}
    found: len(answer.items) > 0
    reference: answer.items[0].number
  update:
    url: /tickets/${bond.reference}/comments
    query: {client_id: "${event.id}"}
    found: len(answer.items) > 0
  reject_solution:
    url: /tickets/${bond.reference}/comments
    query: {client_id: "${event.id}"}
    found: len(answer.items) > 0
  close:
    url: /tickets/${bond.reference}
    found: answer.status == 'closed'
inbound:
  authors: [api-bridge]
  rules:
    - name: created
      when: body.type == 'ticket.created'
      kind: acknowledge
      id: body.id
      task: split(body.ticket.external_id, '|')[0]
      reference: body.ticket.number
    - name: comment
      when: body.type == 'comment.created'
      kind: update
      public: body.comment.public
      id: body.id
      reference: body.ticket.number
      author: body.comment.author
      comment: body.comment.id
      text: htmlToText(body.comment.text) + links(body.comment.attachments)
    - name: solved
      when: body.type in ['ticket.resolved', 'ticket.closed']
      kind: resolve
      public: true                 # a solution is always for the customer
      id: body.id
      reference: body.ticket.number
      author: body.actor
      text: htmlToText(body.ticket.solution ?? '')
    - name: reopened
      when: body.type == 'ticket.reopened'
      kind: ignore
`
