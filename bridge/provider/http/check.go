package httpprovider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// What the expressions of the section test see: to ask, and of the answer.
var (
	testAsks = []string{"now"}
	testGot  = []string{"now", "status", "answer", "answer_text", "header"}
)

func (c *Config) validateTest(n *config.Node) {
	c.validateCall(n.Key("test"), c.Test, testAsks, testGot)
	for name, t := range c.Headers {
		if t.Mentions("event") || t.Mentions("bond") || t.Mentions("attempt") {
			n.Key("headers").Key(name).Problemf("move it to the headers of the calls under send", "a test call has no event, bond or attempt")
		}
	}
}

// checker makes the call that the config names as harmless.
type checker struct {
	name   string
	config *Config
	client *outbound.Client
	now    func() time.Time
}

// Check implements [provider.Checker].
func (k *checker) Check(ctx context.Context) []provider.CheckResult {
	r := provider.CheckResult{What: "test call"}
	env := k.config.Tables.Env(map[string]any{"now": k.now()})
	q, err := k.config.request(k.config.Test, env, true)
	if err != nil {
		r.Detail = secret.Mask("test: " + err.Error())
		return []provider.CheckResult{r}
	}
	r.What = q.Method + " " + secret.Mask(q.URL)
	a, err := k.client.Do(ctx, q)
	if err != nil {
		r.Detail = secret.Mask(err.Error())
		return []provider.CheckResult{r}
	}
	ok, err := k.config.Test.succeeded(answerEnv(env, a), a)
	if err == nil && !ok {
		err = errors.New("the answer is not what it should be")
	}
	if outbound.LoginPage(a) {
		ok, err = false, errors.New("the answer is a login page")
	}
	r.OK = ok && err == nil
	r.Detail = fmt.Sprintf("status %d", a.Status)
	if line := strings.TrimSpace(firstLine(a.Body)); line != "" {
		r.Detail += ": " + line
	}
	if err != nil {
		r.Detail += "; " + secret.Mask(err.Error())
	}
	return []provider.CheckResult{r}
}
