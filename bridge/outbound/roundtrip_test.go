package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hooklift/gowsdl/soap"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	peer "github.com/pergabridge/pergabridge/bridge/outbound/outboundtest"
)

func TestRoundTripperUnderGowsdl(t *testing.T) {
	type ask struct {
		XMLName struct{} `xml:"http://tempuri.org/ Ask"`
		Text    string   `xml:"text"`
	}
	type reply struct {
		Result string `xml:"AskResult"`
	}
	good := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><AskResponse xmlns="http://tempuri.org/"><AskResult>yes</AskResult></AskResponse></s:Body></s:Envelope>`
	p := peer.New(t, func(c *peer.Conn) {
		c.ReadRequest()
		c.WriteAnswer(200, "text/xml", good)
		c.ReadRequest()
		c.WriteAnswer(500, "text/xml", "<fault/>")
		c.ReadRequest() // and no answer
	}, peer.AcceptAndClose())
	k := client(t, Config{Auth: Auth{Basic: &BasicAuth{"u", text("soap-pass")}}}, Options{})
	s := soap.NewClient(p.URL("/x.asmx"), soap.WithHTTPClient(&http.Client{Transport: k.RoundTripper()}))

	ctx, trace := WithTrace(context.Background())
	_, _, called := trace.Result()
	require.False(t, called)
	require.Equal(t, NotSent, trace.Phase())
	var r reply
	require.NoError(t, s.CallContext(ctx, "http://tempuri.org/Ask", &ask{Text: "é"}, &r))
	require.Equal(t, "yes", r.Result)
	require.Equal(t, Answered, trace.Phase())
	a, err, called := trace.Result()
	require.NoError(t, err)
	require.True(t, called)
	require.Equal(t, good, string(a.Body))
	require.Contains(t, p.Requests()[0].Header.Get("Authorization"), "Basic ")
	require.Contains(t, string(p.Requests()[0].Body), "é")

	require.Error(t, s.CallContext(ctx, "http://tempuri.org/Ask", &ask{}, &r))
	a, err, _ = trace.Result()
	require.NoError(t, err)
	require.Equal(t, 500, a.Status)
	require.Equal(t, "<fault/>", string(a.Body))
	require.Equal(t, 1, p.Conns(), "req.Close of gowsdl is ignored")

	err = s.CallContext(ctx, "http://tempuri.org/Ask", &ask{}, &r)
	require.Equal(t, Sent, failed(t, err).Phase, "our error is found through http.Client")
	require.Equal(t, Sent, trace.Phase())
	a, err, _ = trace.Result()
	require.Equal(t, bridge.OutcomeUnknown, Classify(a, err, Policy{}).Kind)
	require.Len(t, p.Requests(), 3)
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestRoundTripper(t *testing.T) {
	p := peer.New(t, peer.Answer(302, "text/plain", "moved", "Location: /y"))
	rt := client(t, Config{}, Options{}).RoundTripper()
	req, err := http.NewRequest("POST", p.URL("/x?q=1"), strings.NewReader("body"))
	require.NoError(t, err)
	req.Host = "virtual.example"
	req.Header.Set("X-A", "b")
	before := req.Header.Clone()
	res, err := rt.RoundTrip(req)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, "moved", string(body))
	require.Equal(t, "302 Found", res.Status)
	require.Equal(t, before, req.Header, "the request is not changed")
	got := p.Requests()[0]
	require.Equal(t, []string{"virtual.example", "b", "/x?q=1", "body"}, []string{got.Host, got.Header.Get("X-A"), got.URL, string(got.Body)})

	ctx, trace := WithTrace(context.Background())
	req, err = http.NewRequestWithContext(ctx, "POST", p.URL("/"), brokenReader{})
	require.NoError(t, err)
	_, err = rt.RoundTrip(req)
	require.Equal(t, NotSent, failed(t, err).Phase)
	require.Equal(t, NotSent, trace.Phase())
	require.Len(t, p.Requests(), 1)
}
