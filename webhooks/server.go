package webhooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/webhooks/processcall"
	"github.com/pergabridge/pergabridge/webhooks/scheme"
)

func init() { gin.SetMode(gin.ReleaseMode) } // debug mode prints the routes to standard output

// An Intake is what one provider's entrances need.
type Intake struct {
	// Call reads SSP's process calls for the provider; nil: /ssp/{provider} is not there.
	Call *processcall.Reader
	// Webhook checks the provider's own calls and Receiver reads them; nil: /webhooks/{provider}
	// is not there.
	Webhook  *scheme.Verifier
	Receiver bridge.Receiver
}

// Options configures the listener.
type Options struct {
	Acceptor  bridge.Acceptor
	Providers map[string]Intake
	Log       *slog.Logger
	Now       func() time.Time
	Observer  Observer // may be nil
	// PublicURL is the address under which callers reach us, for the published contract. Empty:
	// what the caller of ?wsdl used.
	PublicURL string
	// Prefix is the path under which a proxy publishes the listener; requests come without it.
	Prefix string
	// Timeout bounds one call, without ?wait=; zero: 30 s.
	Timeout time.Duration
	// MaxRequests bounds the calls that are worked on at once; zero: 1024. MaxWaiting bounds
	// those that wait for a reference; zero: 1024. Beyond it a call is answered without waiting.
	MaxRequests, MaxWaiting int
	// Files gives what came with an event to whoever has a signed link; nil: there is no such route.
	Files *FileOptions
	// Draining, when done, ends every ?wait= at once; nil: never.
	Draining context.Context
}

// Observer counts what the listener did.
type Observer interface{ Served(Served) }

// Served is one answered request.
type Served struct {
	Route    string // pattern, never the path
	Provider string // a configured one, or ""
	Status   int
	// Result is the status word of the answer (accepted, duplicate, ignored …), or that of the
	// problem (unauthorized, too_large …).
	Result string
	Took   time.Duration
}

type server struct {
	Options
	slots     chan struct{}
	strangers chan struct{} // slots that bodies of unproven callers may take while they come in
	waiting   chan struct{}
}

// New returns the handler of the public listener.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxRequests <= 0 {
		o.MaxRequests = 1024
	}
	if o.MaxWaiting <= 0 {
		o.MaxWaiting = 1024
	}
	if o.Draining == nil {
		o.Draining = context.Background()
	}
	s := &server{Options: o, slots: make(chan struct{}, o.MaxRequests), strangers: make(chan struct{}, max(o.MaxRequests/2, 1)), waiting: make(chan struct{}, o.MaxWaiting)}
	s.warn()
	return s.routes()
}

// warn names every entrance that lets everybody in.
func (s *server) warn() {
	for name, in := range s.Providers {
		if in.Call != nil && in.Call.Open() {
			s.Log.Warn("process calls are not authenticated (auth: {none: true})", "route", "/ssp/"+name)
		}
		if in.Webhook != nil && in.Webhook.Open() {
			s.Log.Warn("webhooks are not authenticated (none: true)", "route", "/webhooks/"+name)
		}
	}
}

func (s *server) routes() http.Handler {
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false // a redirect would repeat a token in a header
	e.ForwardedByClientIP = false
	if err := e.SetTrustedProxies(nil); err != nil {
		panic("webhooks: " + err.Error()) // nil is always valid
	}
	e.POST("/ssp/:provider", s.serve(s.processCall))
	e.POST("/ssp/:provider/:token", s.serve(s.processCall))
	e.GET("/ssp/:provider", s.serve(s.contract))
	e.POST("/webhooks/:provider", s.serve(s.webhook))
	e.POST("/webhooks/:provider/:token", s.serve(s.webhook))
	if s.Files != nil {
		serve := newFileServer(*s.Files).serve
		e.GET("/files/:token", s.serve(serve))
		e.HEAD("/files/:token", s.serve(serve))
	}
	e.GET("/healthz", healthy) // without a slot: a busy bridge is alive
	e.HEAD("/healthz", healthy)
	e.NoRoute(s.serve(func(c *call) {
		c.notFound("there is nothing at this address: SSP calls /ssp/PROVIDER, a provider /webhooks/PROVIDER, with the token behind it where one is configured")
	}))
	e.NoMethod(s.serve(func(c *call) { c.methodNotAllowed(c.w.Header().Get("Allow")) }))
	return e
}

func healthy(g *gin.Context) { g.Data(http.StatusOK, "text/plain; charset=utf-8", []byte("ok\n")) }

// A call is one request and what becomes of it. It never outlives the request.
type call struct {
	w        http.ResponseWriter
	r        *http.Request
	provider string
	token    string
	known    bool // provider is configured
	format   processcall.Format
	now      time.Time
	status   int
	result   string
	log      *slog.Logger
	leave    func() // gives the slot back early
}

// serve wraps a handler with what every request needs: a slot, a record, a net under panics.
func (s *server) serve(h func(*call)) gin.HandlerFunc {
	return func(g *gin.Context) {
		c := &call{w: g.Writer, r: g.Request, provider: g.Param("provider"), token: g.Param("token"), now: s.Now()}
		route := g.FullPath()
		if route == "" {
			route = "unmatched"
		}
		_, c.known = s.Providers[c.provider]
		c.log = s.Log.With("route", route)
		if c.known {
			c.log = c.log.With("provider", c.provider)
		}
		c.format = expected(c.r.Header)
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				c.log.Error("a request failed inside", "panic", secret.Mask(fmt.Sprint(p)), "stack", secret.Mask(string(debug.Stack())))
				if c.status == 0 {
					c.problem(problem{status: http.StatusInternalServerError, word: "internal_error", detail: "the bridge failed on this request; its log says more"})
				}
			}
			s.served(c, route)
		}()
		select {
		case s.slots <- struct{}{}:
		default:
			s.unavailable(c, "too many calls at once")
			return
		}
		free := false
		c.leave = func() {
			if !free {
				free = true
				<-s.slots
			}
		}
		defer c.leave()
		h(c)
	}
}

// served records a finished request.
func (s *server) served(c *call, route string) {
	took := s.Now().Sub(c.now)
	level := slog.LevelDebug
	switch {
	case c.status >= 500:
		level = slog.LevelError
	case c.status >= 400:
		level = slog.LevelWarn
	}
	if c.log.Enabled(c.r.Context(), level) {
		c.log.Log(c.r.Context(), level, "request", "method", c.r.Method, "status", c.status, "result", c.result,
			"took", took, "from", remote(c.r))
	}
	if s.Observer != nil {
		p := ""
		if c.known {
			p = c.provider
		}
		s.Observer.Served(Served{Route: route, Provider: p, Status: c.status, Result: c.result, Took: took})
	}
}

func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (c *call) write(status int, contentType string, body []byte) {
	h := c.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	c.status = status
	c.w.WriteHeader(status)
	if _, err := c.w.Write(body); err != nil {
		c.log.Debug("the answer could not be written", "error", err)
	}
}

// NewServer returns an http.Server for the listener with bounds on headers and times. The caller
// starts it and shuts it down.
func NewServer(addr string, h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       40 * time.Second,
		WriteTimeout:      processcall.MaxWait + 90*time.Second, // body, acceptance and the longest wait
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
