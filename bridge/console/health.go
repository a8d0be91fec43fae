package console

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// checkTime bounds one check; checkLife is how long an answer is good for, so that callers without
// a token cannot make work.
const (
	checkTime = 2 * time.Second
	checkLife = time.Second
)

func (s *server) healthz(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "up"})
}

func (s *server) readyz(w http.ResponseWriter, r *http.Request) error {
	v := s.readiness(r.Context())
	if _, err := s.guard.identify(r); err != nil { // reasons name addresses and systems
		v.Checks, v.Shown, v.Replica = bare(v.Checks), bare(v.Shown), ""
	}
	status := http.StatusOK
	if !v.Ready {
		status = http.StatusServiceUnavailable
	}
	return writeJSON(w, status, v)
}

// bare leaves the reasons out.
func bare(checks map[string]api.Check) map[string]api.Check {
	out := make(map[string]api.Check, len(checks))
	for name, c := range checks {
		out[name] = api.Check{OK: c.OK}
	}
	return out
}

// readiness remembers the last answer for a moment; whoever asks meanwhile shares it.
type readiness struct {
	mu   sync.Mutex
	at   time.Time
	last api.Readiness
}

func (s *server) readiness(ctx context.Context) api.Readiness {
	s.ready.mu.Lock()
	defer s.ready.mu.Unlock()
	if age := s.Now().Sub(s.ready.at); s.ready.at.IsZero() || age < 0 || age >= checkLife {
		// The answer is for everybody: it must not end with the caller who happened to ask.
		s.ready.last = s.check(context.WithoutCancel(ctx))
		s.ready.at = s.Now()
	}
	return s.ready.last
}

func (s *server) check(ctx context.Context) api.Readiness {
	must := map[string]func(context.Context) error{"store": func(ctx context.Context) error {
		_, err := s.Store.Counts(ctx)
		return err
	}}
	for name, f := range s.Checks {
		must[name] = f
	}
	v := api.Readiness{Ready: true, Replica: s.Replica, Checks: runChecks(ctx, must), Shown: runChecks(ctx, s.Shown)}
	for _, c := range v.Checks {
		v.Ready = v.Ready && c.OK
	}
	if v.Checks["store"].OK {
		if c, err := s.Store.Counts(ctx); err == nil {
			s.showDestinations(v.Shown, c)
		}
	}
	if s.Contract != nil {
		if c, ok := s.Contract().(interface {
			Open() bool
			String() string
		}); ok {
			v.Shown["contract"] = api.Check{OK: c.Open(), Reason: secret.Mask(c.String())}
		}
	}
	return v
}

func (s *server) showDestinations(shown map[string]api.Check, c bridge.Counts) {
	for _, d := range s.destinationsOf(c) {
		shown["destination "+d.Name] = api.Check{OK: d.Health == api.Fine || d.Health == api.Parked, Reason: d.Why}
	}
}

// runChecks runs all at once. One that does not end in time has failed; it ends by its context, or
// with the process.
func runChecks(ctx context.Context, checks map[string]func(context.Context) error) map[string]api.Check {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	type end struct {
		name string
		err  error
	}
	ends := make(chan end, len(checks))
	out := make(map[string]api.Check, len(checks)+1)
	for name, f := range checks {
		out[name] = api.Check{Reason: fmt.Sprintf("no answer within %v", checkTime)}
		go func() { ends <- end{name, runCheck(ctx, f)} }()
	}
	for range checks {
		select {
		case e := <-ends:
			out[e.name] = api.Check{OK: e.err == nil}
			if e.err != nil {
				out[e.name] = api.Check{Reason: secret.Mask(e.err.Error())}
			}
		case <-ctx.Done():
			return out
		}
	}
	return out
}

// runCheck is f without its panics.
func runCheck(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the check panicked: %v", p)
		}
	}()
	return f(ctx)
}
