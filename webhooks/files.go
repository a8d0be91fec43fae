package webhooks

import (
	"context"
	"errors"
	"math"
	"net/http"
	"sync"

	"golang.org/x/time/rate"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// FileOptions is what the public listener needs to give out files by signed links.
type FileOptions struct {
	Links *files.Links
	// Event loads an event with its input; the error wraps [bridge.ErrNotFound] if there is none.
	Event  func(ctx context.Context, id string) (bridge.Event, error)
	Opener *files.Opener
	// Rate bounds the downloads per second over all callers; zero: 5.
	Rate float64
}

// maxDownloads bounds the files that are held in memory at once.
const maxDownloads = 4

// maxOfOne bounds those of one event: whoever has a link and reads slowly leaves room for the others.
const maxOfOne = 2

// A fileServer gives out files. Nothing is looked up for a token that is not signed by us.
type fileServer struct {
	FileOptions
	pace *rate.Limiter
	slot chan struct{}

	mu sync.Mutex
	of map[string]int // downloads under way, by event
}

// enter takes one of the places of an event, if there is one.
func (f *fileServer) enter(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[id] >= maxOfOne {
		return false
	}
	f.of[id]++
	return true
}

func (f *fileServer) leave(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[id]--; f.of[id] <= 0 {
		delete(f.of, id)
	}
}

func newFileServer(o FileOptions) *fileServer {
	if o.Rate <= 0 {
		o.Rate = 5
	}
	return &fileServer{FileOptions: o, pace: rate.NewLimiter(rate.Limit(o.Rate), int(math.Ceil(o.Rate))*2), slot: make(chan struct{}, maxDownloads), of: map[string]int{}}
}

// noSuchFile is said of every token that is not a live link, whatever is wrong with it.
const noSuchFile = "this is no link to a file"

func (f *fileServer) serve(c *call) {
	id, n, err := f.Links.Open(c.token, c.now)
	switch {
	case errors.Is(err, files.ErrExpired):
		c.problem(problem{status: http.StatusGone, word: "gone", detail: "this link has ended"})
		return
	case err != nil:
		c.notFound(noSuchFile)
		return
	}
	if !f.pace.AllowN(c.now, 1) {
		f.busy(c)
		return
	}
	if !f.enter(id) {
		f.busy(c)
		return
	}
	defer f.leave(id)
	select {
	case f.slot <- struct{}{}:
		defer func() { <-f.slot }()
	default:
		f.busy(c)
		return
	}
	e, err := f.Event(c.r.Context(), id)
	switch {
	case errors.Is(err, bridge.ErrNotFound):
		c.notFound(noSuchFile)
		return
	case err != nil:
		c.log.Warn("a file could not be looked up", "event", id, "error", secret.Mask(err.Error()))
		c.w.Header().Set("Retry-After", retryAfter)
		c.problem(problem{status: http.StatusServiceUnavailable, word: "unavailable", detail: "the file cannot be fetched now"})
		return
	case !files.Linked(&e):
		c.notFound(noSuchFile)
		return
	}
	file, err := f.Opener.One(c.r.Context(), &e, n)
	if err != nil {
		c.log.Info("a file cannot be given", "event", id, "file", n, "error", secret.Mask(err.Error()))
		c.problem(problem{status: http.StatusGone, word: "gone", detail: "this file is not kept any more"})
		return
	}
	if int64(file.Size) > f.Opener.Max {
		c.notFound(noSuchFile)
		return
	}
	c.status, c.result = http.StatusOK, "file"
	if err := files.Serve(c.w, c.r, &file); err != nil {
		c.log.Debug("the file was not taken whole", "event", id, "file", n, "error", err)
	}
}

func (f *fileServer) busy(c *call) {
	c.w.Header().Set("Retry-After", "1")
	c.problem(problem{status: http.StatusTooManyRequests, word: "too_many", detail: "too many files are fetched at once"})
}
