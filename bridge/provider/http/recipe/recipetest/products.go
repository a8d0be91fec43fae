package recipetest

import (
	"crypto/hmac"
	"crypto/sha1" // Zammad's own scheme
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"html"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
)

// A Product is what is known of one recipe's other side.
type Product struct {
	// Env holds the secrets that the recipe names.
	Env        map[string]string
	credential string
	routes     []route
	sign       func(h http.Header, body []byte)
	// Webhooks as the recipe asks for them: an update, a resolve, a private text, and one that no rule
	// knows. NUMBER, ID, TEXT and HOOK stand for the ticket, the words, and the number of the webhook.
	update, resolve, private, unknown string
}

// A Hook is a kind of webhook.
type Hook string

// The webhooks that every product sends.
const (
	Update  Hook = "update"
	Resolve Hook = "resolve"
	Private Hook = "private" // a text that is not for the user
	Unknown Hook = "unknown" // what no rule knows
)

// Hook returns the n-th webhook, about a ticket.
func (p *Product) Hook(h Hook, t Ticket, n int, text string) string {
	return strings.NewReplacer("NUMBER", t.Number, "ID", t.ID, "TEXT", text, "HOOK", strconv.Itoa(n)).Replace(
		map[Hook]string{Update: p.update, Resolve: p.resolve, Private: p.private, Unknown: p.unknown}[h])
}

// Sign sets the headers by which the product proves that it sent a webhook.
func (p *Product) Sign(h http.Header, body string) { p.sign(h, []byte(body)) }

// key is the scheme of products that send a fixed header.
func key(value string) func(http.Header, []byte) {
	return func(h http.Header, _ []byte) { h.Set("X-Bridge-Key", value) }
}

// hub is the scheme of X-Hub-Signature.
func hub(name string, with func() hash.Hash, secret string) func(http.Header, []byte) {
	return func(h http.Header, body []byte) {
		m := hmac.New(with, []byte(secret))
		m.Write(body)
		h.Set("X-Hub-Signature", name+"="+hex.EncodeToString(m.Sum(nil)))
	}
}

// zendesk signs the time and the body.
func zendesk(secret string) func(http.Header, []byte) {
	return func(h http.Header, body []byte) {
		at := time.Now().UTC().Format(time.RFC3339)
		m := hmac.New(sha256.New, []byte(secret))
		m.Write([]byte(at))
		m.Write(body)
		h.Set("X-Zendesk-Webhook-Signature-Timestamp", at)
		h.Set("X-Zendesk-Webhook-Signature", base64.StdEncoding.EncodeToString(m.Sum(nil)))
	}
}

func unhtml(s string) string { return html.UnescapeString(strings.ReplaceAll(s, "<br>", "\n")) }

var products = map[string]Product{
	"servicenow": {
		credential: basic("integration.user", "servicenow-pass-1"),
		Env:        map[string]string{"SERVICENOW_PASSWORD": "servicenow-pass-1", "SERVICENOW_WEBHOOK_KEY": "servicenow-hook-1"},
		routes: []route{
			{method: "POST", path: "/api/now/table/incident", query: []string{"sysparm_fields"}, must: []string{"short_description", "correlation_id"},
				may: []string{"description", "urgency", "correlation_display"}, do: func(d *Desk, _ []string, b map[string]any, _ *http.Request) (int, any) {
					t := d.open(str(b, "correlation_id"))
					d.did(bridge.Submit, t.Number+"/"+t.ID, "")
					return 201, map[string]any{"result": map[string]string{"number": t.Number, "sys_id": t.ID}}
				}},
			{method: "PATCH", path: "/api/now/table/incident/(.+)", may: []string{"state", "comments", "close_code", "close_notes"}, do: func(d *Desk, a []string, b map[string]any, _ *http.Request) (int, any) {
				t := d.find(func(t *Ticket) bool { return t.ID == a[0] })
				if t == nil {
					return 404, gone
				}
				kind := map[string]bridge.Kind{"": bridge.Update, "2": bridge.RejectSolution, "7": bridge.Close}[str(b, "state")]
				d.did(kind, t.Number+"/"+t.ID, str(b, "comments"))
				return 200, map[string]any{"result": map[string]string{"sys_id": t.ID}}
			}},
			{method: "GET", path: "/api/now/table/incident", query: []string{"sysparm_query", "sysparm_fields", "sysparm_limit"}, do: func(d *Desk, _ []string, _ map[string]any, r *http.Request) (int, any) {
				list := []any{}
				key := strings.TrimPrefix(r.URL.Query().Get("sysparm_query"), "correlation_id=")
				if t := d.find(func(t *Ticket) bool { return t.Key == key }); t != nil {
					list = append(list, map[string]string{"number": t.Number, "sys_id": t.ID})
				}
				return 200, map[string]any{"result": list}
			}},
		},
		sign:    key("servicenow-hook-1"),
		update:  `{"event":"comment","id":"jHOOK","element":"comments","number":"NUMBER","sys_id":"ID","author":"bob","text":"TEXT"}`,
		resolve: `{"event":"resolved","id":"ID:HOOK","number":"NUMBER","sys_id":"ID","author":"bob","text":"TEXT"}`,
		private: `{"event":"comment","id":"jHOOK","element":"work_notes","number":"NUMBER","sys_id":"ID","author":"bob","text":"TEXT"}`,
		unknown: `{"event":"deleted","id":"x"}`,
	},
	"jira-service-management": {
		credential: basic("bridge@example.com", "jira-token-1"),
		Env:        map[string]string{"JIRA_TOKEN": "jira-token-1", "JIRA_WEBHOOK_SECRET": "jira-hook-1"},
		routes: []route{
			{method: "POST", path: "/rest/servicedeskapi/request", must: []string{"serviceDeskId", "requestTypeId", "requestFieldValues.summary"}, may: []string{"requestFieldValues.description"},
				do: func(d *Desk, _ []string, b map[string]any, _ *http.Request) (int, any) {
					t := d.open(str(b, "requestFieldValues.summary"))
					d.did(bridge.Submit, t.Number, "")
					return 201, map[string]any{"issueId": t.ID, "issueKey": t.Number}
				}},
			{method: "GET", path: "/rest/servicedeskapi/request", query: []string{"searchTerm", "requestOwnership", "limit"}, do: func(d *Desk, _ []string, _ map[string]any, r *http.Request) (int, any) {
				list := []any{map[string]any{"issueKey": "OTHER-1", "requestFieldValues": []any{map[string]any{"fieldId": "summary", "value": "SSP 47 other"}}}} // fuzzy
				if t := d.find(func(t *Ticket) bool { return strings.Contains(t.Key, r.URL.Query().Get("searchTerm")) }); t != nil {
					list = append(list, map[string]any{"issueKey": t.Number, "requestFieldValues": []any{
						map[string]any{"fieldId": "description", "value": "x"}, map[string]any{"fieldId": "summary", "value": t.Key}}})
				}
				return 200, map[string]any{"values": list, "isLastPage": true}
			}},
			{method: "POST", path: "/rest/servicedeskapi/request/([^/]+)/comment", must: []string{"body", "public"}, do: func(d *Desk, a []string, b map[string]any, _ *http.Request) (int, any) {
				if d.find(func(t *Ticket) bool { return t.Number == a[0] }) == nil || b["public"] != true {
					return 404, gone
				}
				return 201, map[string]any{"id": d.did(bridge.Update, a[0], str(b, "body")), "public": true}
			}},
			{method: "POST", path: "/rest/servicedeskapi/request/([^/]+)/transition", must: []string{"id"}, may: []string{"additionalComment.body"}, do: func(d *Desk, a []string, b map[string]any, _ *http.Request) (int, any) {
				if d.find(func(t *Ticket) bool { return t.Number == a[0] }) == nil {
					return 404, gone
				}
				kind := map[string]bridge.Kind{"31": bridge.RejectSolution, "41": bridge.Close}[str(b, "id")]
				d.did(kind, a[0], str(b, "additionalComment.body"))
				return 204, nil
			}},
		},
		sign:    hub("sha256", sha256.New, "jira-hook-1"),
		update:  `{"webhookEvent":"comment_created","issue":{"key":"NUMBER"},"comment":{"id":"HOOK","body":"TEXT","jsdPublic":true,"author":{"accountId":"a","displayName":"Bob"}}}`,
		resolve: `{"webhookEvent":"jira:issue_updated","issue":{"key":"NUMBER"},"user":{"accountId":"a","displayName":"Bob"},"changelog":{"id":"HOOK","items":[{"field":"resolution","from":null,"to":"1","toString":"TEXT"}]}}`,
		private: `{"webhookEvent":"comment_created","issue":{"key":"NUMBER"},"comment":{"id":"HOOK","body":"TEXT","jsdPublic":false,"author":{"accountId":"a","displayName":"Bob"}}}`,
		unknown: `{"webhookEvent":"jira:issue_deleted","issue":{"key":"NUMBER"}}`,
	},
	"topdesk": {
		credential: basic("bridge", "topdesk-pass-1"),
		Env:        map[string]string{"TOPDESK_APPLICATION_PASSWORD": "topdesk-pass-1", "TOPDESK_WEBHOOK_KEY": "topdesk-hook-1"},
		routes: []route{
			{method: "POST", path: "/tas/api/incidents", must: []string{"callerLookup.email", "briefDescription", "externalNumber"}, may: []string{"request"},
				do: func(d *Desk, _ []string, b map[string]any, _ *http.Request) (int, any) {
					if len([]rune(str(b, "briefDescription"))) > 80 {
						return 400, map[string]string{"message": "briefDescription is too long"}
					}
					t := d.open(str(b, "externalNumber"))
					d.did(bridge.Submit, t.Number, "")
					return 201, map[string]any{"id": t.ID, "number": t.Number}
				}},
			{method: "PATCH", path: "/tas/api/incidents/number/([^/]+)", may: []string{"action", "actionInvisibleForCaller", "processingStatus.name", "closed"},
				do: func(d *Desk, a []string, b map[string]any, _ *http.Request) (int, any) {
					if d.find(func(t *Ticket) bool { return t.Number == a[0] }) == nil {
						return 404, gone
					}
					kind := bridge.Update
					switch {
					case b["closed"] == true:
						kind = bridge.Close
					case str(b, "processingStatus.name") != "":
						kind = bridge.RejectSolution
					}
					if kind != bridge.Close && b["actionInvisibleForCaller"] != false {
						return 400, map[string]string{"message": "visible actions only"}
					}
					d.did(kind, a[0], unhtml(str(b, "action")))
					return 200, map[string]any{"number": a[0]}
				}},
			{method: "GET", path: "/tas/api/incidents", query: []string{"query", "fields", "page_size"}, do: func(d *Desk, _ []string, _ map[string]any, r *http.Request) (int, any) {
				key := strings.Trim(strings.TrimPrefix(r.URL.Query().Get("query"), "externalNumber=="), `"`)
				if t := d.find(func(t *Ticket) bool { return t.Key == key }); t != nil {
					return 200, []any{map[string]string{"number": t.Number}}
				}
				return 204, nil
			}},
		},
		sign:    key("topdesk-hook-1"),
		update:  `{"event":"action","id":"aHOOK","number":"NUMBER","invisible":false,"author":"Bob","text":"TEXT<br/>"}`,
		resolve: `{"event":"completed","id":"NUMBER:HOOK","number":"NUMBER","author":"Bob","text":"TEXT"}`,
		private: `{"event":"action","id":"aHOOK","number":"NUMBER","invisible":true,"author":"Bob","text":"TEXT"}`,
		unknown: `{"event":"archived","id":"x"}`,
	},
	"zammad": {
		credential: "Token token=zammad-token-1",
		Env:        map[string]string{"ZAMMAD_TOKEN": "zammad-token-1", "ZAMMAD_WEBHOOK_TOKEN": "zammad-hook-1"},
		routes: []route{
			{method: "POST", path: "/api/v1/tickets", must: []string{"title", "group", "customer_id", "article.body"}, may: []string{"tags", "article.subject", "article.type", "article.internal", "article.content_type"},
				do: func(d *Desk, _ []string, b map[string]any, _ *http.Request) (int, any) {
					t := d.open(str(b, "tags"))
					d.did(bridge.Submit, t.Number+"/"+t.ID, "")
					n, _ := strconv.Atoi(t.ID)
					return 201, map[string]any{"id": n, "number": t.Number}
				}},
			{method: "POST", path: "/api/v1/ticket_articles", must: []string{"ticket_id", "body", "internal"}, may: []string{"type", "content_type"}, do: func(d *Desk, _ []string, b map[string]any, _ *http.Request) (int, any) {
				id, _ := b["ticket_id"].(float64)
				t := d.find(func(t *Ticket) bool { return t.ID == strconv.Itoa(int(id)) })
				if t == nil || b["internal"] != false {
					return 422, gone
				}
				n, _ := strconv.Atoi(d.did(bridge.Update, t.Number+"/"+t.ID, str(b, "body")))
				return 201, map[string]any{"id": n}
			}},
			{method: "PUT", path: "/api/v1/tickets/([0-9]+)", must: []string{"state"}, may: []string{"article.body", "article.type", "article.internal", "article.content_type"}, do: func(d *Desk, a []string, b map[string]any, _ *http.Request) (int, any) {
				t := d.find(func(t *Ticket) bool { return t.ID == a[0] })
				if t == nil {
					return 404, gone
				}
				kind := map[string]bridge.Kind{"open": bridge.RejectSolution, "closed": bridge.Close}[str(b, "state")]
				d.did(kind, t.Number+"/"+t.ID, str(b, "article.body"))
				return 200, map[string]any{"number": t.Number}
			}},
			{method: "GET", path: "/api/v1/tickets/search", query: []string{"query", "limit", "expand"}, do: func(d *Desk, _ []string, _ map[string]any, r *http.Request) (int, any) {
				list := []any{}
				key := strings.Trim(strings.TrimPrefix(r.URL.Query().Get("query"), "tags:"), `"`)
				if t := d.find(func(t *Ticket) bool { return t.Key == key }); t != nil {
					n, _ := strconv.Atoi(t.ID)
					list = append(list, map[string]any{"id": n, "number": t.Number})
				}
				return 200, list
			}},
		},
		sign:    hub("sha1", sha1.New, "zammad-hook-1"),
		update:  `{"ticket":{"id":ID,"number":"NUMBER","state":"open"},"article":{"id":HOOK,"body":"TEXT","internal":false,"created_by":{"login":"bob"}}}`,
		resolve: `{"ticket":{"id":ID,"number":"NUMBER","state":"closed","close_at":"2026-01-01T00:00:0HOOKZ"},"article":{"id":HOOK,"body":"TEXT","internal":false,"created_by":{"login":"bob"}}}`,
		private: `{"ticket":{"id":ID,"number":"NUMBER","state":"open"},"article":{"id":HOOK,"body":"TEXT","internal":true,"created_by":{"login":"bob"}}}`,
		unknown: `{"ticket":{"id":ID,"number":"NUMBER","state":"merged"},"article":null}`,
	},
	"zendesk": {
		credential: basic("bridge@example.com/token", "zendesk-token-1"),
		Env:        map[string]string{"ZENDESK_TOKEN": "zendesk-token-1", "ZENDESK_WEBHOOK_SECRET": "zendesk-hook-1"},
		routes: []route{
			{method: "POST", path: "/api/v2/tickets.json", must: []string{"ticket.subject", "ticket.comment.body", "ticket.comment.public", "ticket.external_id"},
				may: []string{"ticket.priority", "ticket.requester.name", "ticket.requester.email"}, do: func(d *Desk, _ []string, b map[string]any, r *http.Request) (int, any) {
					if r.Header.Get("Idempotency-Key") == "" {
						return 400, map[string]string{"error": "no Idempotency-Key"}
					}
					t := d.open(str(b, "ticket.external_id"))
					d.did(bridge.Submit, t.ID, "")
					n, _ := strconv.Atoi(t.ID)
					return 201, map[string]any{"ticket": map[string]any{"id": n}}
				}},
			{method: "PUT", path: `/api/v2/tickets/([0-9]+)\.json`, may: []string{"ticket.status", "ticket.comment.body", "ticket.comment.public"}, do: func(d *Desk, a []string, b map[string]any, _ *http.Request) (int, any) {
				if d.find(func(t *Ticket) bool { return t.ID == a[0] }) == nil {
					return 404, gone
				}
				kind := map[string]bridge.Kind{"": bridge.Update, "open": bridge.RejectSolution, "solved": bridge.Close}[str(b, "ticket.status")]
				id := d.did(kind, a[0], str(b, "ticket.comment.body"))
				return 200, map[string]any{"ticket": map[string]any{}, "audit": map[string]any{"events": []any{map[string]any{"id": 1, "type": "Change"}, map[string]any{"id": id, "type": "Comment"}}}}
			}},
			{method: "GET", path: "/api/v2/tickets.json", query: []string{"external_id"}, do: func(d *Desk, _ []string, _ map[string]any, r *http.Request) (int, any) {
				list := []any{}
				if t := d.find(func(t *Ticket) bool { return t.Key == r.URL.Query().Get("external_id") }); t != nil {
					n, _ := strconv.Atoi(t.ID)
					list = append(list, map[string]any{"id": n})
				}
				return 200, map[string]any{"tickets": list}
			}},
		},
		sign:    zendesk("zendesk-hook-1"),
		update:  `{"event":"comment","public":true,"ticket":"ID","at":"2026-01-01T00:00:0HOOKZ","author":"bob@example.com","text":"TEXT"}`,
		resolve: `{"event":"solved","ticket":"ID","at":"2026-01-01T00:00:0HOOKZ","author":"bob@example.com","text":"TEXT"}`,
		private: `{"event":"comment","public":false,"ticket":"ID","at":"2026-01-01T00:00:0HOOKZ","author":"bob@example.com","text":"TEXT"}`,
		unknown: `{"event":"deleted","ticket":"ID"}`,
	},
}
