package console

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

type activityPage struct {
	Items []api.Activity
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
	p := activityPage{Items: list.Items}
	if list.Next != "" {
		p.Next = "/activity?after=" + list.Next
	}
	return s.page(w, r, http.StatusOK, "activity", "Activity", p)
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
