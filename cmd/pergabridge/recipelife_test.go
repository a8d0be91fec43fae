package main_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/provider/http/recipe"
	"github.com/pergabridge/pergabridge/bridge/provider/http/recipe/recipetest"
	"github.com/pergabridge/pergabridge/bridge/provider/providertest"
)

var recipeBase = regexp.MustCompile(`(?m)^    base: .*$`)

// Every recipe as somebody uses it: `recipes show` pasted under the rest of a config, one line edited, then
// `check` and `serve`. A task lives its whole life between SSP and the strict fake of the product; webhooks
// come signed, and unsigned ones are turned away.
func TestLivesByRecipe(t *testing.T) {
	t.Parallel()
	for _, r := range recipe.List() {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			w := newKinds(t)
			desk, product, err := recipetest.Start(r.Name)
			require.NoError(t, err)
			t.Cleanup(func() { desk.Close(); require.Empty(t, desk.Violations()) })
			for k, v := range product.Env {
				w.env = append(w.env, k+"="+v)
			}
			pasted := command(t, w.dir, w.env, "recipes", "show", r.Name, "--as", "desk")
			require.Equal(t, 0, pasted.code, pasted.err)
			section := recipeBase.ReplaceAllString(pasted.out, "    base: "+desk.URL())
			require.NotEqual(t, pasted.out, section)
			head, _, _ := strings.Cut(w.text(w.public, w.admin, nil), "providers:\n")
			w.write(head + section)
			w.group("desk")
			w.done("check")
			w.start()

			task := w.assign("desk")
			w.referred(task)
			ticket, hooks := desk.Last(), 0
			hook := func(what recipetest.Hook, text string, sign bool) int {
				if sign {
					hooks++
				}
				body := product.Hook(what, ticket, max(1, hooks), text)
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.webhooks("desk"), strings.NewReader(body))
				require.NoError(t, err)
				req.Header.Set("Content-Type", "application/json")
				if sign {
					product.Sign(req.Header, body)
				}
				answer, err := w.http.Do(req)
				require.NoError(t, err)
				defer answer.Body.Close()
				_, _ = io.Copy(io.Discard, answer.Body)
				return answer.StatusCode
			}
			require.Equal(t, http.StatusUnauthorized, hook(recipetest.Update, "forged", false))
			require.Equal(t, http.StatusAccepted, hook(recipetest.Update, "We are on it.", true))
			w.told(task, "We are on it.")
			hook(recipetest.Private, "between us", true)
			require.NoError(t, w.ssp.UserUpdate(task, "It smokes."))
			wrote := func(n int, kind bridge.Kind) providertest.Effect {
				w.until(fmt.Sprint("the desk has its ", kind), func() bool { return len(desk.Effects()) == n })
				last := desk.Effects()[n-1]
				require.Equal(t, kind, last.Kind)
				return last
			}
			require.Equal(t, "It smokes.", wrote(2, bridge.Update).Text)
			require.Equal(t, http.StatusAccepted, hook(recipetest.Resolve, "Rebooted.", true))
			w.told(task, "Rebooted.")
			require.NoError(t, w.ssp.DeclineSolution(task, "Still smokes."))
			require.Equal(t, "Still smokes.", wrote(3, bridge.RejectSolution).Text)
			require.Equal(t, http.StatusAccepted, hook(recipetest.Resolve, "New printer.", true))
			w.told(task, "New printer.")
			require.NoError(t, w.ssp.CloseByUser(task, "thanks"))
			wrote(4, bridge.Close)
			w.settled()
			w.nothingStuck()
			require.Len(t, w.texts(task), 3, "%q", w.texts(task))
			require.NotContains(t, strings.Join(w.texts(task), "\n"), "between us")
			w.stop()
			for _, secret := range product.Env {
				w.secretless(secret)
			}
		})
	}
}
