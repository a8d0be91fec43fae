package console

import (
	"net/http"

	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// server is the admin listener.
type server struct {
	Options
	guard *guard
	ready readiness
	// backup holds one value while a copy is made.
	backup  chan struct{}
	repairs repairs
	// pageTree serves the pages, for streams that look at them again.
	pageTree *http.ServeMux
	streams  chan struct{}
	ops      []operation
	document []byte // OpenAPI
	answered answered
}

// New returns the handler of the admin listener.
func New(o Options) (http.Handler, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	s := &server{Options: o, backup: make(chan struct{}, 1), streams: make(chan struct{}, maxStreams)}
	s.ops = s.operations()
	if s.document, err = openAPI(s.ops, o.Version); err != nil {
		return nil, err
	}
	s.answered.now = o.Now
	s.guard = newGuard(o.Token, o.Users, o.Now, o.Log)
	return s.outside(s.routes()), nil
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
	look("/parked", s.parkedPage)
	look("/quarantine", s.quarantinePage)
	look("/quarantine/{id}", s.quarantinedPage)
	look("/providers", s.providersPage)
	look("/providers/{name}", s.providerPage)
	look("/mailboxes", s.mailboxesPage)
	look("/activity", s.activityPage)
	look("/repairs/{id}", s.repairPage)
	look("/live", s.stream)
	decide("/act", methods{http.MethodGet: s.askPage, http.MethodPost: s.act})
	decide("/repairs", methods{http.MethodGet: s.repairsPage, http.MethodPost: s.beginRepair})
	decide("/providers/{name}/map", methods{http.MethodPost: s.tryMapping})
	decide("/providers/{name}/test", methods{http.MethodPost: s.testCall})
	mux.Handle("/logout", s.forPeople(Viewer, methods{http.MethodPost: s.logout}))
	mux.Handle("/", s.forPeople(Viewer, methods{"": func(http.ResponseWriter, *http.Request) error {
		return problem(api.NotFound, "there is no page at this address")
	}}))
}
