package browsertest

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/axe.min.js
var axe string

// A tab is one page of a real browser. At its end the test fails if anything was written to its
// console as an error, or asked of anybody but the bridge.
type tab struct {
	t   *testing.T
	w   *world
	ctx context.Context

	mu      sync.Mutex
	allowed int // errors that the test makes on purpose
	errors  []string
	outside []string
}

// open starts a browser of its own, so that nothing is shared.
func (w *world) open(t *testing.T) *tab {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{chromedp.UserDataDir(profile(t))}
	for _, f := range []string{"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync", "disable-extensions", "disable-default-apps", "disable-dev-shm-usage", "hide-scrollbars", "mute-audio"} {
		options = append(options, chromedp.Flag(f, true))
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 4*time.Minute)
	t.Cleanup(cancel)
	alloc, cancelAlloc := chromedp.NewExecAllocator(within, options...)
	t.Cleanup(cancelAlloc)
	ctx, cancelTab := chromedp.NewContext(alloc)
	b := &tab{t: t, w: w, ctx: ctx}
	var listening sync.WaitGroup
	hear(b, &listening, runtime.ExceptionThrown, func(e runtime.EventExceptionThrown) {
		b.errors = append(b.errors, (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	})
	hear(b, &listening, runtime.ConsoleAPICalled, func(e runtime.EventConsoleAPICalled) {
		if string(e.Type) == "error" || string(e.Type) == "warning" {
			b.errors = append(b.errors, fmt.Sprint(e.Type))
		}
	})
	hear(b, &listening, log.EntryAdded, func(e log.EventEntryAdded) {
		if string(e.Entry.Level) == "error" || string(e.Entry.Level) == "warning" {
			b.errors = append(b.errors, e.Entry.Text)
		}
	})
	hear(b, &listening, network.RequestWillBeSent, func(e network.EventRequestWillBeSent) {
		u, err := url.Parse(e.Request.URL)
		if err != nil || u.Scheme != "data" && u.Scheme != "about" && u.Host != w.admin {
			b.outside = append(b.outside, e.Request.URL)
		}
	})
	require.NoError(t, chromedp.Do(ctx, command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}), chromedp.EmulateViewport(1280, 900)))
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // it ends with its context at the latest
		cancelTab()
		listening.Wait()
		if len(b.errors) > b.allowed {
			t.Errorf("the console says %q", b.errors)
		}
		if len(b.outside) > 0 {
			t.Errorf("asked outside: %q", b.outside)
		}
	})
	return b
}

// profile is a folder for a browser; it may still write there for a moment after its end.
func profile(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pergabridge-browser-")
	require.NoError(t, err)
	t.Cleanup(func() {
		require.Eventually(t, func() bool { return os.RemoveAll(dir) == nil }, 10*time.Second, 50*time.Millisecond)
	})
	return dir
}

// hear handles every event of a kind until the browser ends.
func hear[E any](b *tab, all *sync.WaitGroup, kind cdp.Event[E], handle func(E)) {
	events := chromedp.Events(b.ctx, kind)
	all.Go(func() {
		for e, err := range events {
			if err != nil {
				return // the browser has ended
			}
			b.mu.Lock()
			handle(e)
			b.mu.Unlock()
		}
	})
}

// command is one command of the protocol as a step.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// allow says that the test makes n errors on purpose: a browser reports every 4xx.
func (b *tab) allow(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.allowed += n
}

func (b *tab) run(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`)) // for the message alone
		require.NoError(b.t, err, text)
	}
}

func (b *tab) goTo(path string) {
	b.t.Helper()
	b.run(chromedp.Navigate("http://" + b.w.admin + path))
}

// signIn signs in by typing.
func (b *tab) signIn(name string) {
	b.t.Helper()
	b.goTo("/")
	b.run(chromedp.SendKeys("#name", name), chromedp.SendKeys("#token", name+"-password\r"), chromedp.WaitVisible(`//h1[text()="Overview"]`))
}

// follow clicks a link or button that says word, and waits for the heading of the page it leads to.
func (b *tab) follow(selector, heading string) {
	b.t.Helper()
	b.click(selector)
	b.run(chromedp.WaitVisible(fmt.Sprintf(`//h1[contains(., %q)]`, heading)))
}

// click clicks. A live page may be replaced between finding the place and pressing; a person would
// press again.
func (b *tab) click(selector string) {
	b.t.Helper()
	var err error
	for range 5 {
		ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
		err = chromedp.Do(ctx, chromedp.Click(selector))
		cancel()
		if err == nil {
			return
		}
	}
	require.NoError(b.t, err, selector)
}

// text returns what a person reads.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return value[string](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].map((x) => x.innerText).join("\n")`, selector))
}

// value evaluates an expression; it waits for a promise.
func value[T any](b *tab, expr string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 60*time.Second)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expr, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, expr)
	return v
}

// sees waits until the page says something.
func (b *tab) sees(selector, want string) {
	b.t.Helper()
	expr := fmt.Sprintf(`[...document.querySelectorAll(%q)].map((x) => x.innerText).join("\n")`, selector)
	said := ""
	// A stray selection keeps a live page as it is, for the person who selects.
	value[bool](b, `getSelection().removeAllRanges() || true`)
	ok := assert.Eventually(b.t, func() bool {
		s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expr))
		if err == nil {
			said = s
		}
		return err == nil && strings.Contains(s, want)
	}, 20*time.Second, 50*time.Millisecond)
	require.True(b.t, ok, "%s never says %q, but %q", selector, want, said)
}

// dark switches the scheme.
func (b *tab) dark(on bool) {
	b.t.Helper()
	scheme := map[bool]string{false: "light", true: "dark"}[on]
	b.run(command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}))
}

// accessible fails the test for every serious problem that axe-core finds.
func (b *tab) accessible(what string) {
	b.t.Helper()
	if !value[bool](b, `"axe" in window`) {
		b.run(chromedp.Evaluate[chromedp.Void](axe))
	}
	found := value[[]string](b, `axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => v.id + ": " + v.nodes.map((n) => n.html + " " + n.failureSummary).join(" | ")))`)
	require.Empty(b.t, found, what)
}

// live waits until the page is connected to the bridge.
func (b *tab) live() { b.t.Helper(); b.sees("#live", "This page is live.") }
