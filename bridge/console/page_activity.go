package console

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

type activityPage struct {
	Items []activityRow
	Next  string
}

func (s *server) activityPage(w http.ResponseWriter, r *http.Request) error {
	q := pageQuery(r)
	after := q.text("after")
	if err := q.done(); err != nil {
		return err
	}
	list, err := s.activities(r.Context(), after, 100)
	if err != nil {
		return err
	}
	p := activityPage{}
	for _, a := range list.Items {
		p.Items = append(p.Items, activityRow{a, said(a.Verb), s.placeOf(a)})
	}
	if list.Next != "" {
		p.Next = "/activity?after=" + list.Next
	}
	return s.page(w, r, http.StatusOK, "activity", "Activity", p)
}

// An activityRow is what somebody did, in words, with the page of what it was done to.
type activityRow struct {
	api.Activity
	Said, Path string
}

// said writes a verb as people read it: event_retry as "event: retry".
func said(v string) string {
	of, what, ok := strings.Cut(v, "_")
	if !ok {
		return v
	}
	if of == "dest" {
		of = "destination"
	}
	return of + ": " + strings.ReplaceAll(what, "_", " ")
}

// placeOf is the page of what something was done to; empty where there is none.
func (s *server) placeOf(a bridge.Activity) string {
	of, _, _ := strings.Cut(a.Verb, "_")
	switch of {
	case "event", "quarantine":
		if !strings.ContainsAny(a.Target, " /") && a.Target != "" {
			return "/quarantine/" + escape(a.Target)
		}
	case "lane":
		if id, ok := bridge.ParseLaneID(a.Target); ok {
			return taskPath(id.Provider, id.Task)
		}
	case "dest":
		if _, ok := s.configured(a.Target); ok {
			return "/providers/" + escape(a.Target)
		}
	case "bond":
		target, _, _ := strings.Cut(a.Target, " ") // the reference stands behind
		if provider, task, ok := strings.Cut(target, "/"); ok && task != "" {
			return taskPath(provider, task)
		}
	case "duty":
		return "/mailboxes"
	}
	return ""
}

// activityDepth is how far back the list can be paged.
const activityDepth = 100_000

// activities returns one page, newest first. The cursor is the time of the last one shown and how
// many of that very time were shown, so that what people do meanwhile moves nothing.
func (s *server) activities(ctx context.Context, after string, limit int) (api.List[api.Activity], error) {
	page := api.List[api.Activity]{Items: []api.Activity{}}
	var last time.Time
	var skip int
	if after != "" {
		var nanos int64
		if n, err := fmt.Sscanf(after, "%d-%d", &nanos, &skip); n != 2 || err != nil || nanos <= 0 || skip < 1 {
			return page, badQuery("after", "the `next` of an answer")
		}
		last = time.Unix(0, nanos)
	}
	for want := limit + 1; ; want *= 8 {
		all, err := s.Store.Activities(ctx, min(want, activityDepth))
		if err != nil {
			return page, err
		}
		rest := older(all, last, skip)
		if len(rest) <= limit && len(all) == want && want < activityDepth {
			continue // the page lies deeper
		}
		page.More = len(rest) > limit
		for _, a := range rest[:min(limit, len(rest))] {
			a.Target, a.Note = secret.Mask(a.Target), secret.Mask(a.Note)
			page.Items = append(page.Items, a)
		}
		if page.More {
			end := page.Items[limit-1].At
			n := 0
			for _, a := range page.Items {
				if a.At.Equal(end) {
					n++
				}
			}
			if n == limit && end.Equal(last) {
				n += skip
			}
			page.Next = fmt.Sprintf("%d-%d", end.UnixNano(), n)
		}
		return page, nil
	}
}

// older returns what comes behind the first skip activities of the time last.
func older(all []bridge.Activity, last time.Time, skip int) []bridge.Activity {
	if last.IsZero() {
		return all
	}
	for i, a := range all {
		switch {
		case a.At.Before(last):
			return all[i:]
		case a.At.Equal(last):
			if skip == 0 {
				return all[i:]
			}
			skip--
		}
	}
	return nil
}
