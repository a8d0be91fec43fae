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
	backup chan struct{}
}

// New returns the handler of the admin listener.
func New(o Options) (http.Handler, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	s := &server{Options: o, backup: make(chan struct{}, 1)}
	s.guard = newGuard(o.Token, o.Now, o.Log)
	return s.outside(s.routes()), nil
}

// routes builds the tree of resources.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	get := func(path string, h answer) { mux.Handle(api.Prefix+path, s.forPrograms(methods{http.MethodGet: h})) }
	post := func(path string, h answer) { mux.Handle(api.Prefix+path, s.forPrograms(methods{http.MethodPost: h})) }

	get("/events", s.listEvents)
	get("/events/{id}", s.showEvent)
	post("/events/{id}/{verb}", s.actOnEvent)
	get("/lanes", s.listLanes)
	post("/lanes/{verb}", s.actOnLane)
	get("/destinations", s.listDestinations)
	post("/destinations/{name}/{verb}", s.actOnDestination)
	get("/bonds", s.listBonds)
	get("/bonds/{provider}/{task}", s.showBond)
	post("/bonds/{verb}", s.actOnBond)
	post("/bonds/import", s.importBonds)
	get("/quarantine", s.listQuarantine)
	get("/quarantine/{id}", s.showQuarantined)
	post("/quarantine/{id}/{verb}", s.actOnQuarantined)
	get("/counts", s.counts)
	get("/activity", s.activity)
	get("/status", s.status)
	get("/backup", s.sendBackup)
	post("/map", s.dryRun)
	mux.Handle("/api/", s.forPrograms(methods{"": func(http.ResponseWriter, *http.Request) error {
		return problem(api.NotFound, "there is nothing at this address")
	}}))

	mux.Handle("/healthz", open(methods{http.MethodGet: s.healthz}))
	mux.Handle("/readyz", open(methods{http.MethodGet: s.readyz}))
	mux.Handle("/metrics", s.forMetrics())

	mux.Handle("/style.css", open(methods{http.MethodGet: s.style}))
	mux.Handle("/favicon.ico", open(methods{http.MethodGet: s.favicon}))
	mux.Handle("/login", s.forVisitors(methods{http.MethodGet: s.loginPage, http.MethodPost: s.login}))
	mux.Handle("/logout", s.forPeople(methods{http.MethodPost: s.logout}))
	mux.Handle("/tasks/{provider}/{task}", s.forPeople(methods{http.MethodGet: s.taskPage}))
	mux.Handle("/{$}", s.forPeople(methods{http.MethodGet: s.overviewPage}))
	mux.Handle("/", s.forPeople(methods{"": func(http.ResponseWriter, *http.Request) error {
		return problem(api.NotFound, "there is no page at this address")
	}}))
	return mux
}
