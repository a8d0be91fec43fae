package ssptest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/soap/ssptest"
)

func start(t testing.TB, o ssptest.Options) *ssptest.Server {
	t.Helper()
	s, err := ssptest.Start(o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// A bridge receives process calls and answers them as it is told.
type bridge struct {
	*httptest.Server
	mu     sync.Mutex
	got    []map[string]any
	header []http.Header
	answer func(call map[string]any) (int, string)
}

func newBridge(t testing.TB) *bridge {
	b := &bridge{answer: func(map[string]any) (int, string) { return http.StatusAccepted, `{"status":"accepted"}` }}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var call map[string]any
		if err := json.Unmarshal(raw, &call); err != nil {
			t.Errorf("process call is not JSON: %s", raw)
		}
		b.mu.Lock()
		b.got = append(b.got, call)
		b.header = append(b.header, r.Header)
		status, text := b.answer(call)
		b.mu.Unlock()
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(b.Close)
	return b
}

// calls returns what came, each call as "request type/direction/reference/text".
func (b *bridge) calls() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, c := range b.got {
		out = append(out, c["request_type"].(string)+"/"+c["direction"].(string)+"/"+c["reference"].(string)+"/"+c["text"].(string))
	}
	return out
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

const (
	ns11   = "http://schemas.xmlsoap.org/soap/envelope/"
	ns12   = "http://www.w3.org/2003/05/soap-envelope"
	type11 = "text/xml; charset=utf-8"
)

func wrap(ns, body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="` + ns + `"><soap:Body>` + body + `</soap:Body></soap:Envelope>`
}

func element(op ssptest.Operation, args ...string) string {
	var b strings.Builder
	b.WriteString("<" + string(op) + ` xmlns="http://tempuri.org/">`)
	for i := 0; i+1 < len(args); i += 2 {
		b.WriteString("<" + args[i] + ">" + args[i+1] + "</" + args[i] + ">")
	}
	return b.String() + "</" + string(op) + ">"
}

// post sends bytes as they are.
func post(t testing.TB, url, contentType string, action *string, body string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(within(t), http.MethodPost, url, bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	req.Header.Set("Content-Type", contentType)
	if action != nil {
		req.Header.Set("SOAPAction", *action)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

// call makes one good SOAP 1.1 call.
func call(t testing.TB, s *ssptest.Server, op ssptest.Operation, args ...string) (int, string, error) {
	t.Helper()
	action := `"http://tempuri.org/` + string(op) + `"`
	return post(t, s.URL(), type11, &action, wrap(ns11, element(op, args...)))
}

func mustCall(t testing.TB, s *ssptest.Server, op ssptest.Operation, args ...string) {
	t.Helper()
	status, text, err := call(t, s, op, args...)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, text)
}
