package browsertest

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge"
)

// TestAPersonMendsAParkedTask is the way of somebody who is woken at night.
func TestAPersonMendsAParkedTask(t *testing.T) {
	t.Parallel()
	w := start(t)
	s := w.play()
	b := w.open(t)
	b.signIn("otto")

	// Where is the ticket?
	b.follow(`//nav//a[text()="Tasks"]`, "Tasks")
	b.run(chromedp.SendKeys("#q", s.OpenReference+"\r"), chromedp.WaitVisible("#found"))
	b.follow(fmt.Sprintf(`//th/a[text()=%q]`, s.Open), "Task "+s.Open+" at acme")
	require.Contains(t, b.text("main"), "A technician is on the way & brings an extinguisher.")

	// Why does the other one not move?
	b.follow(`//nav//a[text()="Parked"]`, "Parked")
	require.Contains(t, b.text("main"), "the other side understood it and said no")
	b.follow(fmt.Sprintf(`//th/a[contains(., %q)]`, s.Parked), "Task "+s.Parked+" at acme")
	require.Contains(t, b.text("main"), "It waits behind submit at the head of its lane, which is parked.")
	b.sees("details[open]", "refused by script")
	b.live()

	// What do I press? It moves without being loaded again, and what was opened stays open.
	w.vendor.Heal()
	value[bool](b, `window.notReloaded = true`)
	b.click(`//section[@aria-label="SSP to acme"]//button[starts-with(., "Retry")]`)
	b.sees(".flash", "It is tried again.")
	b.sees("#e-"+s.ParkedEvent+" .state", "done")
	b.sees("section[aria-label='SSP to acme']", "Nothing waits here.")
	require.True(t, value[bool](b, `window.notReloaded === true`))
	require.Contains(t, b.text("#e-"+s.ParkedEvent+" details[open]"), "refused by script")
	w.until("the update behind it arrives", func() bool {
		task, _ := w.ssp.Task(s.Parked)
		ticket, _ := w.vendor.Ticket(task.Reference)
		return len(ticket.Comments) == 1
	})

	b.follow(`//nav//a[text()="Activity"]`, "Activity")
	b.sees("tbody tr", "otto")
	b.sees("tbody tr", "event: retry")
}

func TestQuarantineIsAssigned(t *testing.T) {
	t.Parallel()
	w := start(t)
	s := w.play()
	b := w.open(t)
	b.signIn("otto")
	b.follow(`//nav//a[text()="Quarantine"]`, "Quarantine")
	b.follow(fmt.Sprintf(`//td/a[contains(@href, %q)]`, "/quarantine/"+s.Lost), "Event of acme")
	require.Contains(t, b.text("main"), `"request_type": "Update"`, "the raw input, laid out")
	b.follow(`//a[starts-with(., "Assign")]`, "Assign")
	b.run(chromedp.SendKeys("#task", s.Open), chromedp.SendKeys("#note", "it meant the printer"))
	b.follow(`//button[text()="Assign"]`, "Event of acme")
	require.Contains(t, b.text(".flash"), "It has its task.")
	w.until("the text is at the provider", func() bool {
		ticket, _ := w.vendor.Ticket(s.OpenReference)
		return len(ticket.Comments) > 0 && ticket.Comments[len(ticket.Comments)-1].Text == "Meant for the printer, sent to the wrong task."
	})
	b.sees("main .state", "done")

	// The other one is noise: it is discarded by many at once, which asks first and shows progress.
	b.goTo("/quarantine")
	b.run(chromedp.SetValue("#bulk-verb", "discard"), chromedp.SetValue("#bulk-reason", string(bridge.UnknownType)))
	b.follow(`//section[@aria-labelledby="bulk"]//button`, "Repair")
	require.Contains(t, b.text("main"), "1 event in quarantine with the reason unknown_type")
	b.run(chromedp.SendKeys("#note", "a test of theirs"))
	b.click(`//button[contains(@class, "main")]`)
	b.run(chromedp.WaitVisible("progress"))
	b.sees("main", "Ended: 1 of 1 done.")
	b.goTo("/quarantine")
	require.Contains(t, b.text("main"), "Nothing is kept here")
}

func TestADestinationIsPausedAndResumed(t *testing.T) {
	t.Parallel()
	w := start(t)
	b := w.open(t)
	b.signIn("otto")
	b.follow(`//nav//a[text()="Providers"]`, "Providers")
	b.follow(`//section[@aria-label="acme"]//a[starts-with(., "Pause")]`, "Pause: acme")
	b.run(chromedp.SendKeys("#note", "maintenance"))
	b.follow(`//button[text()="Pause"]`, "Providers")
	b.sees("section[aria-label=acme]", "a person paused it")
	b.live()
	b.click(`//section[@aria-label="acme"]//button[starts-with(., "Resume")]`)
	b.sees("section[aria-label=acme] .state", "fine")

	b.follow(`//section[@aria-label="ssp"]//h2/a`, "ssp")
	b.click(`//button[text()="Test call"]`)
	b.sees("[role=status]", "The test call was answered: contract bound")
	b.goTo("/providers/acme")
	require.Contains(t, b.text("section[aria-labelledby=config]"), "env: VENDOR_TOKEN")
	b.run(chromedp.SetValue("#sample", `{"kind": "submit", "task": "7", "title": "A sample", "priority": "1"}`))
	b.click(`//button[text()="Try"]`)
	b.sees("section[aria-labelledby=try] pre", `"title": "A sample"`)

	// When the bridge is gone, an open page does not pass what was for what is.
	b.goTo("/providers")
	b.live()
	b.allow(1000) // every call that nobody answers is one
	require.NoError(t, w.process.Signal(os.Interrupt))
	b.sees("main > .alert", "This page gets nothing new now")
	require.Contains(t, b.text("main > .alert"), "What stands below is as of")
	b.accessible("a page that stands still")
}

func TestAMailboxIsPausedAndResumed(t *testing.T) {
	t.Parallel()
	w := start(t)
	b := w.open(t)
	b.signIn("otto")
	b.follow(`//nav//a[text()="Mailboxes"]`, "Mailboxes")
	b.sees("main", "waits; the server tells when mail comes (IDLE)")
	b.follow(`//section[@aria-label="support INBOX"]//a[starts-with(., "Pause")]`, "Pause: mailbox/support/INBOX")
	b.run(chromedp.SendKeys("#note", "they move"))
	b.follow(`//button[text()="Pause"]`, "Mailboxes")
	b.sees("section[aria-label='support INBOX']", "a person paused it")
	b.live()
	b.click(`//section[@aria-label="support INBOX"]//button[starts-with(., "Resume")]`)
	b.sees("section[aria-label='support INBOX'] .state", "fine")
	b.sees("main", "waits; the server tells when mail comes (IDLE)")
}

func TestTheWrongRoleIsShownNoButtonAndRefused(t *testing.T) {
	t.Parallel()
	w := start(t)
	s := w.play()
	b := w.open(t)
	b.signIn("vera")
	for _, page := range []string{"/", "/parked", "/quarantine", "/providers/acme", "/tasks/acme/" + s.Parked} {
		b.goTo(page)
		require.Equal(t, []string{"Sign out"}, value[[]string](b, `[...document.querySelectorAll("main button, main .button, header button")].filter((x) => !x.closest("form[method=get]")).map((x) => x.innerText)`), page)
	}
	post := func(csrf string) int {
		return value[int](b, fmt.Sprintf(`fetch("/act", {method: "POST", redirect: "manual", body: new URLSearchParams({csrf: %s, verb: "event_retry", target: %q})}).then((r) => r.status)`, csrf, s.ParkedEvent))
	}
	const mine = `document.querySelector("[name=csrf]").value`
	b.allow(1)
	require.Equal(t, 403, post(mine), "the wrong role")

	o := w.open(t)
	o.signIn("otto")
	b = o
	b.allow(1)
	require.Equal(t, 403, post(`"guess"`), "a forged form")
	e, err := w.client.Event(context.Background(), s.ParkedEvent)
	require.NoError(t, err)
	require.Equal(t, bridge.StateParked, e.State)
	require.Equal(t, 0, post(mine), "a real one is answered with a redirect")
}

// TestEveryPage looks at each page in both schemes, wide and narrow. With PERGABRIDGE_SCREENSHOTS
// set to a folder it keeps pictures there.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	w := start(t)
	s := w.play()
	b := w.open(t)
	b.goTo("/login")
	b.accessible("/login")
	b.signIn("ada")
	pages := map[string]string{
		"overview": "/", "tasks": "/tasks", "search": "/tasks?q=printer", "task": "/tasks/acme/" + s.Open, "parked-task": "/tasks/acme/" + s.Parked,
		"events": "/events?state=parked", "parked": "/parked", "quarantine": "/quarantine", "quarantined": "/quarantine/" + s.Lost, "providers": "/providers", "provider": "/providers/acme", "mailboxes": "/mailboxes",
		"activity": "/activity", "ask": "/act?verb=event_settle&target=" + s.ParkedEvent, "repair": "/repairs?of=parked&verb=retry&provider=acme", "repairs": "/repairs",
	}
	for name, path := range pages {
		b.goTo(path)
		for _, dark := range []bool{false, true} {
			b.dark(dark)
			b.accessible(fmt.Sprintf("%s, dark %v", path, dark))
			b.keep(name, dark)
		}
		b.run(chromedp.EmulateViewport(360, 740))
		require.Empty(t, value[[]string](b, `document.documentElement.scrollWidth <= 360 ? [] : [...document.querySelectorAll("body *")].filter((x) => x.getBoundingClientRect().right > 360 && !x.closest(".wide *")).map((x) => x.outerHTML.slice(0, 200))`), "%s must fit a narrow screen", path)
		b.run(chromedp.EmulateViewport(1280, 900))
	}
	b.run(chromedp.KeyEvent("\t"))
	require.Equal(t, "Skip to the content", value[string](b, `document.activeElement.innerText`))
	b.run(chromedp.KeyEvent("\r"))
	require.Equal(t, "main", value[string](b, `document.activeElement.id`))

	b.allow(2)
	b.goTo("/nothing/here")
	b.accessible("the page of a problem")
	require.Contains(t, b.text("main"), "there is no page at this address")
}

// keep writes a small picture.
func (b *tab) keep(name string, dark bool) {
	b.t.Helper()
	dir := os.Getenv("PERGABRIDGE_SCREENSHOTS")
	if dir == "" {
		return
	}
	raw, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	full, err := png.Decode(bytes.NewReader(raw))
	require.NoError(b.t, err)
	var out bytes.Buffer
	require.NoError(b.t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, fewColours(full)))
	if dark {
		name += "-dark"
	}
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), out.Bytes(), 0o600))
}

// fewColours makes a picture of a page small: with its most frequent colours alone.
func fewColours(p image.Image) image.Image {
	counts := map[color.Color]int{}
	for y := p.Bounds().Min.Y; y < p.Bounds().Max.Y; y++ {
		for x := p.Bounds().Min.X; x < p.Bounds().Max.X; x++ {
			counts[p.At(x, y)]++
		}
	}
	all := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int { return counts[b] - counts[a] })
	colours := color.Palette(all[:min(len(all), 255)])
	out := image.NewPaletted(p.Bounds(), colours)
	draw.Draw(out, p.Bounds(), p, p.Bounds().Min, draw.Src)
	return out
}
