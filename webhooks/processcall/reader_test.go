package processcall_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// settings reads an intake section as it would stand in a config file.
func settings(t testing.TB, yaml string) processcall.Config {
	t.Helper()
	n, err := config.Parse("test.yaml", []byte(yaml))
	require.NoError(t, err)
	var c processcall.Config
	config.Decode(n, &c)
	require.Empty(t, n.Problems())
	return c
}

func open(t testing.TB, more string) *processcall.Reader {
	return processcall.New("acme", settings(t, "auth: {none: true}\n"+more))
}

func inbound(contentType, body string) bridge.Inbound {
	return bridge.Inbound{ContentType: contentType, Body: []byte(body), Received: noon}
}

func read(t testing.TB, r *processcall.Reader, body string) processcall.Reading {
	t.Helper()
	rd, err := r.Read(inbound("application/json", body))
	require.NoError(t, err)
	return rd
}

const whole = `{"task":" 4711 ","request_type":"Submit Request","direction":"Out","reference":"EXT-1","text":" a\n","message_id":"m1",
 "ticket":"T-1001","title":"Printer","description":"<p>x</p>","priority":"2","author":"bob",
 "requester":{"name":"Ann","email":"ann@example.com"},"fields":{"any":"1"},"Room":"B1","tags":["x","y"]}`

func TestReadFillsTheEvent(t *testing.T) {
	rd := read(t, open(t, "window: 5m"), whole)
	e := rd.Event
	require.Equal(t, []byte(whole), e.Inbound.Body)
	require.Equal(t, "acme", e.Inbound.Provider)
	e.Inbound = nil
	require.Equal(t, bridge.Event{
		Provider: "acme", Task: "4711", Dir: bridge.Out, Kind: bridge.Submit, Reference: "EXT-1", Key: "m1",
		Window: 5 * time.Minute, Entrance: bridge.ByProcessCall, Received: noon, Text: " a\n", Author: "bob",
		Ticket: "T-1001", Title: "Printer", Description: "<p>x</p>", Priority: "2",
		Requester: bridge.Person{Name: "Ann", Email: "ann@example.com"},
		Fields:    map[string]any{"any": "1", "Room": "B1", "tags": []any{"x", "y"}},
	}, e)
	require.Equal(t, processcall.JSON, rd.Format)
}

// The same call gives the same event, whatever it is written in.
func TestEveryFormGivesTheSameEvent(t *testing.T) {
	r := open(t, "")
	want := read(t, r, `{"task":"1","request_type":"Update","direction":"Out","text":"a & b","requester":{"name":"é"},"Room":"B1"}`).Event
	want.Inbound = nil
	for name, in := range map[string]bridge.Inbound{
		"form":     inbound("application/x-www-form-urlencoded", "task=1&request_type=Update&direction=Out&text=a+%26+b&requester.name=%C3%A9&fields.Room=B1"),
		"adapter":  inbound("text/xml", `<SSPAdapterCall><Field Name="Task">1</Field><Field Name="Request Type">Update</Field><Field Name="direction">Out</Field><Field Name="text">a &amp; b</Field><Field Name="requester.name">é</Field><Field Name="Room">B1</Field></SSPAdapterCall>`),
		"elements": inbound("application/xml", `<c><task>1</task><request_type>Update</request_type><direction>Out</direction><text>a &amp; b</text><requester><name>é</name></requester><Room>B1</Room></c>`),
		"capitals": inbound("application/xml", `<C><TASK>1</TASK><Request_Type>Update</Request_Type><DIRECTION>Out</DIRECTION><Text>a &amp; b</Text><Requester><Name>é</Name></Requester><Fields><Room>B1</Room></Fields></C>`),
		"soap11":   inbound("text/xml", soap11+`<soap:Body><c><task>1</task><request_type>Update</request_type><direction>Out</direction><text>a &amp; b</text><requester><name>é</name></requester><Field Name="Room">B1</Field></c></soap:Body></soap:Envelope>`),
		"soap12":   inbound("application/soap+xml", soap12+`<soap:Body><c><task>1</task><request_type>Update</request_type><direction>Out</direction><text>a &amp; b</text><requester><name>é</name></requester><fields><Room>B1</Room></fields></c></soap:Body></soap:Envelope>`),
	} {
		t.Run(name, func(t *testing.T) {
			rd, err := r.Read(in)
			require.NoError(t, err)
			rd.Event.Inbound = nil
			require.Equal(t, want, rd.Event)
		})
	}
}

func TestRequestTypeAndDirection(t *testing.T) {
	r := open(t, "types: {Nieuwe aanvraag: submit, Gereed: reassigned}\ndirections: {Inkomend: in}")
	for _, c := range []struct {
		requestType, direction string
		kind                   bridge.Kind
		echo                   bridge.EchoBy
		quarantine             bridge.Reason
		field                  string
	}{
		{"Submit Request", "Out", bridge.Submit, "", "", ""},
		{" submit REQUEST ", "", bridge.Submit, "", "", ""},
		{"submit", "out", bridge.Submit, "", "", ""},
		{"nieuwe  AANVRAAG", "Out", bridge.Submit, "", "", ""},
		{"Resolution Rejection", "Out", bridge.RejectSolution, "", "", ""},
		{"Closed", "Out", bridge.Close, "", "", ""},
		{"Update", "Out", bridge.Update, "", "", ""},
		{"Update", "", bridge.Update, bridge.EchoByText, "", ""},
		{"Update", "In", bridge.Update, bridge.EchoByDirection, "", ""},
		{"Update", "inkomend", bridge.Update, bridge.EchoByDirection, "", ""},
		{"Reassigned", "In", bridge.Resolve, bridge.EchoByDirection, "", ""},
		{"Reassigned", "", bridge.Resolve, bridge.EchoByDirection, "", ""},
		{"Reassigned", "Out", bridge.Resolve, bridge.EchoByDirection, "", ""},
		{"gereed", "In", bridge.Resolve, bridge.EchoByDirection, "", ""},
		{"Submit Request", "In", "", bridge.EchoByDirection, "", ""},
		{"Something", "In", "", bridge.EchoByDirection, "", ""},
		{"", "In", "", bridge.EchoByDirection, "", ""},
		{"Something", "Out", "", "", bridge.UnknownType, "request_type"},
		{"Update", "Sideways", "", "", bridge.UnknownType, "direction"},
		{"", "Sideways", "", "", bridge.UnknownType, "direction"},
		{"", "Out", "", "", bridge.MissingField, "request_type"},
		{"", "", "", "", bridge.MissingField, "request_type"},
	} {
		t.Run(c.requestType+"/"+c.direction, func(t *testing.T) {
			body, err := json.Marshal(map[string]string{"task": "1", "request_type": c.requestType, "direction": c.direction, "text": "x", "message_id": "m"})
			require.NoError(t, err)
			rd := read(t, r, string(body))
			require.Equal(t, bridge.Out, rd.Event.Dir)
			require.Equal(t, c.kind, rd.Event.Kind)
			require.Equal(t, c.echo, rd.Event.Echo)
			require.Equal(t, c.quarantine, rd.Event.Quarantine)
			require.Equal(t, c.field, rd.Field)
			require.Equal(t, c.quarantine == "", rd.Event.Key == "m", "only readable events claim their key")
			require.Equal(t, c.quarantine != "", rd.Event.Detail != "")
		})
	}
}

func TestUnusableFieldsAreNamed(t *testing.T) {
	const left = "#REPLACE-EXTAPPFIELD-Ticketing.TaskAssignment-Task_ExternalRequestType#"
	r := open(t, "")
	for _, c := range []struct {
		name, body string
		reason     bridge.Reason
		field      string
	}{
		{"type", `{"task":"1","request_type":"` + left + `"}`, bridge.Unreplaced, "request_type"},
		{"task", `{"task":"` + left + `","request_type":"Update"}`, bridge.Unreplaced, "task"},
		{"inside a text", `{"task":"1","request_type":"Update","text":"Hello ` + left + `"}`, bridge.Unreplaced, "text"},
		{"nested", `{"task":"1","request_type":"Update","requester":{"email":"` + left + `"}}`, bridge.Unreplaced, "requester.email"},
		{"name with spaces", `{"task":"1","request_type":"Update","text":"#REPLACE-FORMFIELD-Some Field#"}`, bridge.Unreplaced, "text"},
		{"call input", `{"task":"#TASKID||JSON#","request_type":"Update"}`, bridge.Unreplaced, "task"},
		{"bare call input", `{"task":"#TASKID#","request_type":"Update"}`, bridge.Unreplaced, "task"},
		{"no task", `{"request_type":"Update"}`, bridge.MissingField, "task"},
		{"blank task", `{"task":"  ","request_type":"Update"}`, bridge.MissingField, "task"},
		{"null task", `{"task":null,"request_type":"Update"}`, bridge.MissingField, "task"},
		{"quoted twice", `{"task":"\"4711\"","request_type":"Update"}`, bridge.Unreadable, "task"},
		{"given twice", `{"task":"1","Task":"2","request_type":"Update"}`, bridge.Unreadable, "task"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rd := read(t, r, c.body)
			require.Equal(t, c.reason, rd.Event.Quarantine)
			require.Equal(t, c.field, rd.Field)
			require.Contains(t, rd.Event.Detail, "the field "+c.field+" ")
			require.Empty(t, rd.Event.Key)
			require.Equal(t, c.body, string(rd.Event.Inbound.Body), "kept as it came")
			require.NotContains(t, rd.Event.Task, "#")
		})
	}
	t.Run("a person may write a hash word", func(t *testing.T) {
		require.Empty(t, read(t, r, `{"task":"1","request_type":"Update","text":"#URGENT#"}`).Event.Quarantine)
	})
	t.Run("fields nobody uses may hold anything", func(t *testing.T) {
		require.Empty(t, read(t, r, `{"task":"1","request_type":"Update","other":"`+left+`"}`).Event.Quarantine)
	})
	t.Run("a field may be declared literal", func(t *testing.T) {
		e := read(t, open(t, "literal: [text]"), `{"task":"1","request_type":"Update","text":"`+left+`"}`).Event
		require.Empty(t, e.Quarantine)
		require.Equal(t, left, e.Text)
	})
	t.Run("the same value twice is one value", func(t *testing.T) {
		require.Empty(t, read(t, r, `{"task":"1","TASK":" 1","request_type":"Update"}`).Event.Quarantine)
	})
}

func TestAliases(t *testing.T) {
	r := open(t, "aliases: {TaskNr: task, Melding: text, Locatie: fields.location, text: description}\ndrop: [Sent At]")
	e := read(t, r, `{"taskNR":"1","Task_ExternalRequestType":"Update","melding":"hi","LOCATIE":"B1","text":"long","sent_at":"12:00"}`).Event
	require.Equal(t, "1", e.Task)
	require.Equal(t, "hi", e.Text)
	require.Equal(t, "long", e.Description)
	require.Equal(t, map[string]any{"location": "B1"}, e.Fields)

	e = read(t, r, `{"taskNR":"1","task":"2","TaskId":"3","request_type":"Update"}`).Event
	require.Equal(t, "1", e.Task, "a configured alias is surer than our own name, and that surer than a common spelling")
	require.Equal(t, map[string]any{"task": "2", "TaskId": "3"}, e.Fields, "what lost stays visible")

	e = read(t, r, `{"taskNR":"","task":"2","request_type":"Update"}`).Event
	require.Equal(t, "2", e.Task, "a name without a value says nothing")
}

func TestUnreadableBodiesAreKept(t *testing.T) {
	rd, err := open(t, "").Read(inbound("application/json", `{"task": T-1}`))
	require.NoError(t, err)
	require.Equal(t, bridge.Unreadable, rd.Event.Quarantine)
	require.Contains(t, rd.Event.Detail, "||JSON")
	require.Equal(t, `{"task": T-1}`, string(rd.Event.Inbound.Body))
	require.Empty(t, rd.Event.Kind)
	require.Equal(t, processcall.JSON, rd.Format)

	_, err = open(t, "").Read(inbound("multipart/form-data; boundary=x", "--x--"))
	require.ErrorIs(t, err, processcall.ErrFormat)
}

func TestReceiveReadsAgainUnderANewConfig(t *testing.T) {
	rd := read(t, open(t, ""), `{"task":"1","request_type":"Nieuw","message_id":"m"}`)
	require.Equal(t, bridge.UnknownType, rd.Event.Quarantine)
	again, err := open(t, "types: {nieuw: submit}").Receive(t.Context(), *rd.Event.Inbound)
	require.NoError(t, err)
	require.Len(t, again, 1)
	require.Equal(t, bridge.Submit, again[0].Kind)
	require.Equal(t, "m", again[0].Key)
	require.Empty(t, again[0].Quarantine)
	require.Equal(t, noon, again[0].Received)
}

func denied(t *testing.T, err error) {
	t.Helper()
	var d *scheme.Denied
	require.ErrorAs(t, err, &d)
	require.NotEmpty(t, d.Why)
	require.NotEmpty(t, d.Challenge)
}

func TestAuthenticationOutsideTheBody(t *testing.T) {
	t.Setenv("NEW", "new-secret-value")
	t.Setenv("OLD", "old-secret-value")
	for name, c := range map[string]struct {
		yaml  string
		with  func(h http.Header, secret string) (token string)
		empty bool
	}{
		"header": {"auth: {header: {name: x-bridge-key, secret: [{env: NEW}, {env: OLD}]}}", func(h http.Header, s string) string { h.Set("X-Bridge-Key", s); return "" }, true},
		"basic": {"auth: {basic: {username: ssp, password: [{env: NEW}, {env: OLD}]}}", func(h http.Header, s string) string {
			r := http.Request{Header: h}
			r.SetBasicAuth("ssp", s)
			return ""
		}, true},
		"token": {"auth: {token: {secret: [{env: NEW}, {env: OLD}]}}", func(_ http.Header, s string) string { return s }, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := processcall.New("acme", settings(t, c.yaml))
			for s, good := range map[string]bool{"new-secret-value": true, "old-secret-value": true, "New-secret-value": false, "new-secret-value2": false, "": false} {
				h := http.Header{}
				err := r.Admit(h, c.with(h, s))
				if good {
					require.NoError(t, err)
				} else {
					denied(t, err)
				}
			}
			denied(t, r.Admit(http.Header{}, ""))
		})
	}
	t.Run("basic checks the user name", func(t *testing.T) {
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth("other", "new-secret-value")
		denied(t, processcall.New("acme", settings(t, "auth: {basic: {username: ssp, password: {env: NEW}}}")).Admit(r.Header, ""))
	})
	t.Run("a header sent twice is refused", func(t *testing.T) {
		h := http.Header{"X-Bridge-Key": {"new-secret-value", "x"}}
		denied(t, processcall.New("acme", settings(t, "auth: {header: {name: X-Bridge-Key, secret: {env: NEW}}}")).Admit(h, ""))
	})
	t.Run("nothing configured lets nobody in", func(t *testing.T) {
		var d *scheme.Denied
		require.ErrorAs(t, processcall.New("acme", processcall.Config{}).Admit(http.Header{}, ""), &d)
	})
}

// The secret in a field never reaches what is stored, however the sender hides it.
func TestSecretInAField(t *testing.T) {
	const key = `field "secret" & 1é`
	t.Setenv("FIELD_KEY", key)
	r := processcall.New("acme", settings(t, "auth: {field: {field: API-Key, secret: {env: FIELD_KEY}}}"))
	require.NoError(t, r.Admit(http.Header{}, ""))
	unicode := ""
	for _, c := range key {
		unicode += fmt.Sprintf(`\u%04x`, c)
	}
	for name, in := range map[string]bridge.Inbound{
		"json":          inbound("application/json", `{"task":"1","request_type":"Update","text":"hi","apikey":"field \"secret\" & 1é"}`),
		"json escaped":  inbound("application/json", `{"task":"1","request_type":"Update","text":"hi","apikey":"`+unicode+`"}`),
		"form":          inbound("application/x-www-form-urlencoded", "task=1&request_type=Update&text=hi&api_key=field+%22secret%22+%26+1%C3%A9"),
		"form escaped":  inbound("application/x-www-form-urlencoded", "task=1&request_type=Update&text=hi&api_key=%66ield+%22secret%22+%26+1%C3%A9"),
		"xml":           inbound("text/xml", `<c><task>1</task><request_type>Update</request_type><text>hi</text><ApiKey>field &quot;secret&quot; &amp; 1&#xE9;</ApiKey></c>`),
		"adapter":       inbound("text/xml", `<SSPAdapterCall><Field Name="task">1</Field><Field Name="request_type">Update</Field><Field Name="text">hi</Field><Field Name="API-Key">field "secret" &amp; 1é</Field></SSPAdapterCall>`),
		"windows-1252":  inbound("application/json; charset=windows-1252", "{\"task\":\"1\",\"request_type\":\"Update\",\"text\":\"hi\",\"apikey\":\"field \\\"secret\\\" & 1\xe9\"}"),
		"utf-16":        inbound("text/xml; charset=utf-16", wide(`<c><task>1</task><request_type>Update</request_type><text>hi</text><ApiKey>field "secret" &amp; 1é</ApiKey></c>`, false, true)),
		"inside fields": inbound("application/json", `{"task":"1","request_type":"Update","text":"hi","fields":{"apikey":"field \"secret\" & 1é"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			rd, err := r.Read(in)
			require.NoError(t, err)
			require.Empty(t, rd.Event.Quarantine)
			stored := rd.Event.Inbound
			call, err := processcall.Decode(stored.ContentType, stored.Body, 0, 0)
			require.NoError(t, err)
			for _, f := range call.Fields {
				require.NotContains(t, f.Value, key)
			}
			require.Empty(t, rd.Event.Fields)
			again, err := r.Receive(t.Context(), *stored)
			require.NoError(t, err)
			again[0].Inbound, rd.Event.Inbound = nil, nil
			require.Equal(t, rd.Event, again[0], "reads back to the same event")
		})
	}
	for name, body := range map[string]string{
		"wrong":   `{"task":"1","request_type":"Update","apikey":"nonsense"}`,
		"missing": `{"task":"1","request_type":"Update"}`,
		"twice":   `{"task":"1","request_type":"Update","apikey":"field \"secret\" & 1é","api-key":"x"}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.Read(inbound("application/json", body))
			denied(t, err)
		})
	}
	t.Run("an unreadable body proves nothing", func(t *testing.T) {
		_, err := r.Read(inbound("application/json", `{"task": T-1}`))
		require.ErrorIs(t, err, processcall.ErrUnproven)
		require.ErrorContains(t, err, "||JSON")
	})
}

func TestHashOfFields(t *testing.T) {
	t.Setenv("HASH_KEY", "hash-secret-1")
	t.Setenv("HASH_OLD", "hash-secret-0")
	r := processcall.New("acme", settings(t, "auth: {hash: {field: hash, secret: [{env: HASH_KEY}, {env: HASH_OLD}], fields: [task, Request Type, text]}}"))
	sum := func(parts ...string) string {
		h := sha256.Sum256([]byte(strings.Join(parts, "|")))
		return hex.EncodeToString(h[:])
	}
	good := sum("hash-secret-1", "1", "Update", "a|b")
	body := func(text, hash string) string {
		b, err := json.Marshal(map[string]string{"task": "1", "request_type": "Update", "text": text, "hash": hash})
		require.NoError(t, err)
		return string(b)
	}
	for name, c := range map[string]struct {
		body string
		ok   bool
	}{
		"lower case":     {body("a|b", good), true},
		"upper case":     {body("a|b", strings.ToUpper(good)), true},
		"old secret":     {body("a|b", sum("hash-secret-0", "1", "Update", "a|b")), true},
		"line ends":      {body("a\nb", sum("hash-secret-1", "1", "Update", "a\r\nb")), true},
		"changed field":  {body("a|c", good), false},
		"other secret":   {body("a|b", sum("hash-secret-2", "1", "Update", "a|b")), false},
		"without secret": {body("a|b", sum("1", "Update", "a|b")), false},
		"no hex":         {body("a|b", "zz"+good[2:]), false},
		"empty":          {body("a|b", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			rd, err := r.Read(inbound("application/json", c.body))
			if !c.ok {
				denied(t, err)
				return
			}
			require.NoError(t, err)
			require.NotContains(t, strings.ToLower(string(rd.Event.Inbound.Body)), good, "the hash lets in, so it is not kept")
			require.Empty(t, rd.Event.Fields)
		})
	}
}

func TestRegisteredSecretsInBodiesAreMasked(t *testing.T) {
	secret.Register("hunter2-hunter2")
	e := read(t, open(t, ""), `{"task":"1","request_type":"Update","text":"my password is hunter2-hunter2"}`).Event
	require.Equal(t, "my password is [secret]", e.Text)
	require.NotContains(t, string(e.Inbound.Body), "hunter2")

	e = read(t, open(t, ""), `{"task":"1","request_type":"Update","text":"my password is hunter2-h\u0075nter2"}`).Event
	require.Equal(t, "my password is [secret]", e.Text)
	require.NotContains(t, string(e.Inbound.Body), "unter2", "also behind an escape")

	rd, err := open(t, "").Read(inbound("application/json", `{"task": hunter2-hunter2}`))
	require.NoError(t, err)
	require.NotContains(t, string(rd.Event.Inbound.Body), "hunter2", "also where nothing can be read")
}
