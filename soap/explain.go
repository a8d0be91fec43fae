package soap

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/soap/internal/xmltext"
)

// An explainer says what the answers mean that do not come from the service but from what stands
// before it, and which key of the config to change.
type explainer struct {
	auth     outbound.Auth
	proxy    bool // one is configured
	cert     bool // a client certificate is configured
	loggedIn string
}

func newExplainer(c outbound.Config) explainer {
	e := explainer{auth: c.Auth, proxy: c.Proxy != "", cert: c.TLS.Cert != ""}
	switch {
	case c.Auth.Basic != nil:
		e.loggedIn = "basic"
	case c.Auth.NTLM != nil:
		e.loggedIn = "ntlm"
	case !c.Auth.Bearer.Empty():
		e.loggedIn = "bearer"
	case c.Auth.OAuth2 != nil:
		e.loggedIn = "oauth2"
	case c.Auth.Header != nil:
		e.loggedIn = "header"
	}
	return e
}

// cause returns the likely cause of an answer and what to change; empty if there is nothing to say.
func (e explainer) cause(a outbound.Answer) string {
	switch s := a.Status; {
	case s == http.StatusUnauthorized:
		return e.unauthorized(a.Header)
	case s == http.StatusForbidden:
		why := "it knows the caller and does not let it in: the account has no right to the service, or the address of this machine is not on its list (IIS: IP Address Restrictions)"
		if !e.cert {
			why += ", or it asks for a client certificate (ssp.tls.cert)"
		}
		if e.loggedIn == "" {
			why += ", or it asks for credentials (ssp.auth)"
		}
		return why
	case s == http.StatusNotFound || s == http.StatusGone:
		return "is ssp.url the address of WorkflowService.asmx?"
	case s == http.StatusMethodNotAllowed:
		return "nothing takes calls there: is ssp.url the address of WorkflowService.asmx, with https if SSP is reached by https?"
	case s == http.StatusBadRequest && xmltext.Sniff(a.Body).HTML:
		return "a web page and no SOAP fault: the web server turned the request away before the service saw it (a host name that it does not know, an address that is too long); is the host in ssp.url right?"
	case s == http.StatusUnsupportedMediaType:
		return "the service does not take this SOAP version: change ssp.version; or is ssp.url not the address of WorkflowService.asmx?"
	case s == http.StatusProxyAuthRequired && e.proxy:
		return "the proxy asks for credentials: set ssp.proxy_auth"
	case s == http.StatusProxyAuthRequired:
		return "a proxy on the way asks for credentials: name it in ssp.proxy and set ssp.proxy_auth"
	case s/100 == 3 && outbound.Classify(a, nil, outbound.Policy{}).Reason == "unauthorized", outbound.LoginPage(a):
		return "a login page instead of an answer: the site signs people in by a form, which a program cannot fill in; " +
			"let SSP's administrator exempt the service (anonymous, Basic or Windows authentication for WorkflowService.asmx) and set ssp.auth to match"
	case s/100 == 3:
		return "the address has moved: set ssp.url to " + shorten(a.Header.Get("Location"), 200)
	case s == http.StatusInternalServerError && xmltext.Sniff(a.Body).HTML:
		return "a web page and no SOAP fault: ASP.NET failed before the service saw the call; SSP's event log says why, and ssp.version or ssp.url may be wrong"
	case s == http.StatusServiceUnavailable:
		return "the application pool is stopped, or the site is being maintained"
	}
	return ""
}

// schemes lists the authentication schemes that an answer offers.
func schemes(h http.Header) []string {
	var out []string
	for _, v := range h.Values("Www-Authenticate") {
		name, _, _ := strings.Cut(strings.TrimSpace(v), " ")
		if name = strings.Trim(name, ","); name != "" && len(out) < 8 && !slices.Contains(out, name) {
			out = append(out, shorten(name, 30))
		}
	}
	return out
}

func (e explainer) unauthorized(h http.Header) string {
	offered := schemes(h)
	has := func(s string) bool {
		return slices.ContainsFunc(offered, func(o string) bool { return strings.EqualFold(o, s) })
	}
	switch {
	case e.loggedIn == "basic" && has("Basic"), e.loggedIn == "ntlm" && has("NTLM"):
		return "the user name or the password in ssp.auth." + e.loggedIn + " is wrong, or the account is locked or expired"
	case has("NTLM"):
		return "it asks for Windows authentication: set ssp.auth.ntlm"
	case has("Basic"):
		return "it asks for Basic authentication: set ssp.auth.basic"
	case has("Negotiate"):
		return "it offers only Negotiate (Kerberos), which is not supported: let SSP's administrator add the provider NTLM to Windows authentication (then ssp.auth.ntlm), or Basic"
	case e.loggedIn != "":
		return "it does not accept the credentials in ssp.auth." + e.loggedIn
	case len(offered) > 0:
		return "it asks for " + strings.Join(offered, ", ") + ": set ssp.auth"
	}
	return "it asks for credentials and does not say which: set ssp.auth"
}

// description says why an answer is not a description; empty if it may be one.
func (e explainer) description(a outbound.Answer) string {
	why := e.cause(a)
	if a.Status == http.StatusOK && why == "" {
		return ""
	}
	if a.Status == http.StatusNotFound {
		why += " (or SSP's administrator has switched its documentation off; then save the description and set ssp.wsdl)"
	}
	text := fmt.Sprintf("it answers with status %d %s", a.Status, http.StatusText(a.Status))
	if why != "" {
		text += ": " + why
	}
	return text
}

func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
