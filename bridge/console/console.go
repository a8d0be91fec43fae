package console

import (
	"crypto/rand"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// A Console is the admin listener.
type Console struct {
	memory *memory
	change sync.Mutex
	in     atomic.Pointer[server] // force
}

// memory is what outlives a change of the options.
type memory struct {
	// backup holds one value while a copy is made.
	backup   chan struct{}
	streams  chan struct{}
	repairs  repairs
	brake    *brake
	sessions *sessions
	loopback string // csrf of callers on this machine, where nobody signs in
}

// server is a console under one set of options.
type server struct {
	Options
	*memory
	guard *guard
	ready readiness
	// pageTree serves the pages, for streams that look at them again.
	pageTree *http.ServeMux
	ops      []operation
	document []byte       // OpenAPI
	handler  http.Handler // everything
	replaced chan struct{}
}

// New returns the handler of the admin listener.
func New(o Options) (*Console, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Console{memory: &memory{
		backup: make(chan struct{}, 1), streams: make(chan struct{}, maxStreams),
		brake: newBrake(o.Now), sessions: newSessions(o.Now), loopback: rand.Text(),
	}}
	if err := c.Use(o); err != nil {
		return nil, err
	}
	return c, nil
}

// Use puts other options in force, at once and as a whole. Requests under way end under the old ones;
// pages that are open look again. Who has signed in stays so unless the people or the token changed.
// The store and the clock stay what they were.
func (c *Console) Use(o Options) error {
	c.change.Lock()
	defer c.change.Unlock()
	o, err := o.complete()
	if err != nil {
		return err
	}
	s := &server{Options: o, memory: c.memory, replaced: make(chan struct{})}
	s.ops = s.operations()
	if s.document, err = openAPI(s.ops, o.Version); err != nil {
		return err
	}
	s.guard = newGuard(o.Token, o.Users, c.memory, o.Log)
	s.handler = s.outside(s.routes())
	old := c.in.Load()
	if old != nil && !old.guard.same(s.guard) {
		c.memory.sessions.endAll()
	}
	c.in.Store(s)
	if old != nil {
		close(old.replaced)
	}
	return nil
}

// ServeHTTP answers under the options in force.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.in.Load().handler.ServeHTTP(w, r)
}

// routes builds the tree of resources.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	s.addAPI(mux)

	mux.Handle("/healthz", open(methods{http.MethodGet: s.healthz}))
	mux.Handle("/readyz", open(methods{http.MethodGet: s.readyz}))
	mux.Handle("/metrics", s.forMetrics())

	mux.Handle("/style.css", open(methods{http.MethodGet: s.style}))
	mux.Handle("/console.js", open(methods{http.MethodGet: s.script}))
	mux.Handle("/favicon.ico", open(methods{http.MethodGet: s.favicon}))
	mux.Handle("/login", s.forVisitors(methods{http.MethodGet: s.loginPage, http.MethodPost: s.login}))
	s.pages(mux)
	s.pageTree = mux
	return mux
}

// pages adds what people look at and press.
func (s *server) pages(mux *http.ServeMux) {
	look := func(path string, h answer) { mux.Handle(path, s.forPeople(Viewer, methods{http.MethodGet: h})) }
	decide := func(path string, m methods) { mux.Handle(path, s.forPeople(Operator, m)) }

	look("/{$}", s.overviewPage)
	look("/tasks", s.tasksPage)
	look("/tasks/{provider}/{task}", s.taskPage)
	look("/events", s.eventsPage)
	look("/events/{id}/files/{n}", s.sendFile)
	look("/parked", s.parkedPage)
	look("/quarantine", s.quarantinePage)
	look("/quarantine/{id}", s.quarantinedPage)
	look("/providers", s.providersPage)
	look("/providers/{name}", s.providerPage)
	look("/mailboxes", s.mailboxesPage)
	look("/activity", s.activityPage)
	look("/repairs/{id}", s.repairPage)
	look(livePath, s.stream)
	mux.Handle("/store/resume", s.forPeople(Admin, methods{http.MethodPost: s.resumeForm}))
	decide("/act", methods{http.MethodGet: s.askPage, http.MethodPost: s.act})
	decide("/repairs", methods{http.MethodGet: s.repairsPage, http.MethodPost: s.beginRepair})
	decide("/providers/{name}/map", methods{http.MethodPost: s.tryMapping})
	decide("/providers/{name}/test", methods{http.MethodPost: s.testCall})
	mux.Handle("/logout", s.forPeople(Viewer, methods{http.MethodPost: s.logout}))
	mux.Handle("/", s.forPeople(Viewer, methods{"": func(http.ResponseWriter, *http.Request) error {
		return problem(api.NotFound, "there is no page at this address")
	}}))
}
