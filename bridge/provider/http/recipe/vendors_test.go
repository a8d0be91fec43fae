package recipe_test

import (
	"html"
	"net/http"
	"strconv"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
)

// A product is what a test needs to know of one recipe.
type product struct {
	credential string
	env        map[string]string
	routes     []route
	// inputs are webhooks: an update, a resolve, a private text, and one that no rule knows.
	update, resolve, private, unknown string
}

func unhtml(s string) string { return html.UnescapeString(strings.ReplaceAll(s, "<br>", "\n")) }

var products = map[string]product{
	"servicenow": {
		credential: basic("integration.user", "servicenow-pass-1"),
		env:        map[string]string{"SERVICENOW_PASSWORD": "servicenow-pass-1", "SERVICENOW_WEBHOOK_KEY": "servicenow-hook-1"},
		routes: []route{
			{method: "POST", path: "/api/now/table/incident", query: []string{"sysparm_fields"}, must: []string{"short_description", "correlation_id"},
				may: []string{"description", "urgency", "correlation_display"}, do: func(d *desk, _ []string, b map[string]any, _ *http.Request) (int, any) {
					t := d.open(str(b, "correlation_id"))
					d.did(bridge.Submit, t.number+"/"+t.id, "")
					return 201, map[string]any{"result": map[string]string{"number": t.number, "sys_id": t.id}}
				}},
			{method: "PATCH", path: "/api/now/table/incident/(.+)", may: []string{"state", "comments", "close_code", "close_notes"}, do: func(d *desk, a []string, b map[string]any, _ *http.Request) (int, any) {
				t := d.find(func(t *ticket) bool { return t.id == a[0] })
				if t == nil {
					return 404, gone
				}
				kind := map[string]bridge.Kind{"": bridge.Update, "2": bridge.RejectSolution, "7": bridge.Close}[str(b, "state")]
				d.did(kind, t.number+"/"+t.id, str(b, "comments"))
				return 200, map[string]any{"result": map[string]string{"sys_id": t.id}}
			}},
			{method: "GET", path: "/api/now/table/incident", query: []string{"sysparm_query", "sysparm_fields", "sysparm_limit"}, do: func(d *desk, _ []string, _ map[string]any, r *http.Request) (int, any) {
				list := []any{}
				key := strings.TrimPrefix(r.URL.Query().Get("sysparm_query"), "correlation_id=")
				if t := d.find(func(t *ticket) bool { return t.key == key }); t != nil {
					list = append(list, map[string]string{"number": t.number, "sys_id": t.id})
				}
				return 200, map[string]any{"result": list}
			}},
		},
		update:  `{"event":"comment","id":"j1","element":"comments","number":"N1","sys_id":"s1","author":"bob","text":"hi"}`,
		resolve: `{"event":"resolved","id":"s1:4","number":"N1","sys_id":"s1","author":"bob","text":"done"}`,
		private: `{"event":"comment","id":"j2","element":"work_notes","number":"N1","sys_id":"s1","author":"bob","text":"secret"}`,
		unknown: `{"event":"deleted","id":"x"}`,
	},
	"jira-service-management": {
		credential: basic("bridge@example.com", "jira-token-1"),
		env:        map[string]string{"JIRA_TOKEN": "jira-token-1", "JIRA_WEBHOOK_SECRET": "jira-hook-1"},
		routes: []route{
			{method: "POST", path: "/rest/servicedeskapi/request", must: []string{"serviceDeskId", "requestTypeId", "requestFieldValues.summary"}, may: []string{"requestFieldValues.description"},
				do: func(d *desk, _ []string, b map[string]any, _ *http.Request) (int, any) {
					t := d.open(str(b, "requestFieldValues.summary"))
					d.did(bridge.Submit, t.number, "")
					return 201, map[string]any{"issueId": t.id, "issueKey": t.number}
				}},
			{method: "GET", path: "/rest/servicedeskapi/request", query: []string{"searchTerm", "requestOwnership", "limit"}, do: func(d *desk, _ []string, _ map[string]any, r *http.Request) (int, any) {
				list := []any{map[string]any{"issueKey": "OTHER-1", "requestFieldValues": []any{map[string]any{"fieldId": "summary", "value": "SSP 47 other"}}}} // fuzzy
				if t := d.find(func(t *ticket) bool { return strings.Contains(t.key, r.URL.Query().Get("searchTerm")) }); t != nil {
					list = append(list, map[string]any{"issueKey": t.number, "requestFieldValues": []any{
						map[string]any{"fieldId": "description", "value": "x"}, map[string]any{"fieldId": "summary", "value": t.key}}})
				}
				return 200, map[string]any{"values": list, "isLastPage": true}
			}},
			{method: "POST", path: "/rest/servicedeskapi/request/([^/]+)/comment", must: []string{"body", "public"}, do: func(d *desk, a []string, b map[string]any, _ *http.Request) (int, any) {
				if d.find(func(t *ticket) bool { return t.number == a[0] }) == nil || b["public"] != true {
					return 404, gone
				}
				return 201, map[string]any{"id": d.did(bridge.Update, a[0], str(b, "body")), "public": true}
			}},
			{method: "POST", path: "/rest/servicedeskapi/request/([^/]+)/transition", must: []string{"id"}, may: []string{"additionalComment.body"}, do: func(d *desk, a []string, b map[string]any, _ *http.Request) (int, any) {
				if d.find(func(t *ticket) bool { return t.number == a[0] }) == nil {
					return 404, gone
				}
				kind := map[string]bridge.Kind{"31": bridge.RejectSolution, "41": bridge.Close}[str(b, "id")]
				d.did(kind, a[0], str(b, "additionalComment.body"))
				return 204, nil
			}},
		},
		update:  `{"webhookEvent":"comment_created","issue":{"key":"N1"},"comment":{"id":"7","body":"hi","jsdPublic":true,"author":{"accountId":"a","displayName":"Bob"}}}`,
		resolve: `{"webhookEvent":"jira:issue_updated","issue":{"key":"N1"},"user":{"accountId":"a","displayName":"Bob"},"changelog":{"id":"9","items":[{"field":"resolution","from":null,"to":"1","toString":"Done"}]}}`,
		private: `{"webhookEvent":"comment_created","issue":{"key":"N1"},"comment":{"id":"8","body":"secret","jsdPublic":false,"author":{"accountId":"a","displayName":"Bob"}}}`,
		unknown: `{"webhookEvent":"jira:issue_deleted","issue":{"key":"N1"}}`,
	},
	"topdesk": {
		credential: basic("bridge", "topdesk-pass-1"),
		env:        map[string]string{"TOPDESK_APPLICATION_PASSWORD": "topdesk-pass-1", "TOPDESK_WEBHOOK_KEY": "topdesk-hook-1"},
		routes: []route{
			{method: "POST", path: "/tas/api/incidents", must: []string{"callerLookup.email", "briefDescription", "externalNumber"}, may: []string{"request"},
				do: func(d *desk, _ []string, b map[string]any, _ *http.Request) (int, any) {
					if len([]rune(str(b, "briefDescription"))) > 80 {
						return 400, map[string]string{"message": "briefDescription is too long"}
					}
					t := d.open(str(b, "externalNumber"))
					d.did(bridge.Submit, t.number, "")
					return 201, map[string]any{"id": t.id, "number": t.number}
				}},
			{method: "PATCH", path: "/tas/api/incidents/number/([^/]+)", may: []string{"action", "actionInvisibleForCaller", "processingStatus.name", "closed"},
				do: func(d *desk, a []string, b map[string]any, _ *http.Request) (int, any) {
					if d.find(func(t *ticket) bool { return t.number == a[0] }) == nil {
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
			{method: "GET", path: "/tas/api/incidents", query: []string{"query", "fields", "page_size"}, do: func(d *desk, _ []string, _ map[string]any, r *http.Request) (int, any) {
				key := strings.Trim(strings.TrimPrefix(r.URL.Query().Get("query"), "externalNumber=="), `"`)
				if t := d.find(func(t *ticket) bool { return t.key == key }); t != nil {
					return 200, []any{map[string]string{"number": t.number}}
				}
				return 204, nil
			}},
		},
		update:  `{"event":"action","id":"a1","number":"N1","invisible":false,"author":"Bob","text":"hi<br/>there"}`,
		resolve: `{"event":"completed","id":"N1:1","number":"N1","author":"Bob","text":"done"}`,
		private: `{"event":"action","id":"a2","number":"N1","invisible":true,"author":"Bob","text":"secret"}`,
		unknown: `{"event":"archived","id":"x"}`,
	},
	"zammad": {
		credential: "Token token=zammad-token-1",
		env:        map[string]string{"ZAMMAD_TOKEN": "zammad-token-1", "ZAMMAD_WEBHOOK_TOKEN": "zammad-hook-1"},
		routes: []route{
			{method: "POST", path: "/api/v1/tickets", must: []string{"title", "group", "customer_id", "article.body"}, may: []string{"tags", "article.subject", "article.type", "article.internal", "article.content_type"},
				do: func(d *desk, _ []string, b map[string]any, _ *http.Request) (int, any) {
					t := d.open(str(b, "tags"))
					d.did(bridge.Submit, t.number+"/"+t.id, "")
					n, _ := strconv.Atoi(t.id)
					return 201, map[string]any{"id": n, "number": t.number}
				}},
			{method: "POST", path: "/api/v1/ticket_articles", must: []string{"ticket_id", "body", "internal"}, may: []string{"type", "content_type"}, do: func(d *desk, _ []string, b map[string]any, _ *http.Request) (int, any) {
				id, _ := b["ticket_id"].(float64)
				t := d.find(func(t *ticket) bool { return t.id == strconv.Itoa(int(id)) })
				if t == nil || b["internal"] != false {
					return 422, gone
				}
				n, _ := strconv.Atoi(d.did(bridge.Update, t.number+"/"+t.id, str(b, "body")))
				return 201, map[string]any{"id": n}
			}},
			{method: "PUT", path: "/api/v1/tickets/([0-9]+)", must: []string{"state"}, may: []string{"article.body", "article.type", "article.internal", "article.content_type"}, do: func(d *desk, a []string, b map[string]any, _ *http.Request) (int, any) {
				t := d.find(func(t *ticket) bool { return t.id == a[0] })
				if t == nil {
					return 404, gone
				}
				kind := map[string]bridge.Kind{"open": bridge.RejectSolution, "closed": bridge.Close}[str(b, "state")]
				d.did(kind, t.number+"/"+t.id, str(b, "article.body"))
				return 200, map[string]any{"number": t.number}
			}},
			{method: "GET", path: "/api/v1/tickets/search", query: []string{"query", "limit", "expand"}, do: func(d *desk, _ []string, _ map[string]any, r *http.Request) (int, any) {
				list := []any{}
				key := strings.Trim(strings.TrimPrefix(r.URL.Query().Get("query"), "tags:"), `"`)
				if t := d.find(func(t *ticket) bool { return t.key == key }); t != nil {
					n, _ := strconv.Atoi(t.id)
					list = append(list, map[string]any{"id": n, "number": t.number})
				}
				return 200, list
			}},
		},
		update:  `{"ticket":{"id":1,"number":"N1","state":"open"},"article":{"id":7,"body":"hi","internal":false,"created_by":{"login":"bob"}}}`,
		resolve: `{"ticket":{"id":1,"number":"N1","state":"closed","close_at":"2026-01-01T00:00:00Z"},"article":{"id":8,"body":"done","internal":false,"created_by":{"login":"bob"}}}`,
		private: `{"ticket":{"id":1,"number":"N1","state":"open"},"article":{"id":9,"body":"secret","internal":true,"created_by":{"login":"bob"}}}`,
		unknown: `{"ticket":{"id":1,"number":"N1","state":"merged"},"article":null}`,
	},
	"zendesk": {
		credential: basic("bridge@example.com/token", "zendesk-token-1"),
		env:        map[string]string{"ZENDESK_TOKEN": "zendesk-token-1", "ZENDESK_WEBHOOK_SECRET": "zendesk-hook-1"},
		routes: []route{
			{method: "POST", path: "/api/v2/tickets.json", must: []string{"ticket.subject", "ticket.comment.body", "ticket.comment.public", "ticket.external_id"},
				may: []string{"ticket.priority", "ticket.requester.name", "ticket.requester.email"}, do: func(d *desk, _ []string, b map[string]any, r *http.Request) (int, any) {
					if r.Header.Get("Idempotency-Key") == "" {
						return 400, map[string]string{"error": "no Idempotency-Key"}
					}
					t := d.open(str(b, "ticket.external_id"))
					d.did(bridge.Submit, t.id, "")
					n, _ := strconv.Atoi(t.id)
					return 201, map[string]any{"ticket": map[string]any{"id": n}}
				}},
			{method: "PUT", path: `/api/v2/tickets/([0-9]+)\.json`, may: []string{"ticket.status", "ticket.comment.body", "ticket.comment.public"}, do: func(d *desk, a []string, b map[string]any, _ *http.Request) (int, any) {
				if d.find(func(t *ticket) bool { return t.id == a[0] }) == nil {
					return 404, gone
				}
				kind := map[string]bridge.Kind{"": bridge.Update, "open": bridge.RejectSolution, "solved": bridge.Close}[str(b, "ticket.status")]
				id := d.did(kind, a[0], str(b, "ticket.comment.body"))
				return 200, map[string]any{"ticket": map[string]any{}, "audit": map[string]any{"events": []any{map[string]any{"id": 1, "type": "Change"}, map[string]any{"id": id, "type": "Comment"}}}}
			}},
			{method: "GET", path: "/api/v2/tickets.json", query: []string{"external_id"}, do: func(d *desk, _ []string, _ map[string]any, r *http.Request) (int, any) {
				list := []any{}
				if t := d.find(func(t *ticket) bool { return t.key == r.URL.Query().Get("external_id") }); t != nil {
					n, _ := strconv.Atoi(t.id)
					list = append(list, map[string]any{"id": n})
				}
				return 200, map[string]any{"tickets": list}
			}},
		},
		update:  `{"event":"comment","public":true,"ticket":"1","at":"2026-01-01T00:00:00Z","author":"bob@example.com","text":"hi"}`,
		resolve: `{"event":"solved","ticket":"1","at":"2026-01-01T00:00:00Z","author":"bob@example.com","text":"done"}`,
		private: `{"event":"comment","public":false,"ticket":"1","at":"2026-01-01T00:00:00Z","author":"bob@example.com","text":"secret"}`,
		unknown: `{"event":"deleted","ticket":"1"}`,
	},
}
