package vendortest

import (
	"net/http"
	"strings"
	"time"
)

// A FaultKind is a way to fail.
type FaultKind string

// The ways to fail.
const (
	ServerError FaultKind = "server_error" // 500, nothing done
	Unavailable FaultKind = "unavailable"  // 503 with Retry-After, nothing done
	Throttle    FaultKind = "throttle"     // 429 with Retry-After, nothing done
	Refuse      FaultKind = "refuse"       // 422, nothing done
	Login       FaultKind = "login"        // a login page with status 200, nothing done
	Garbage     FaultKind = "garbage"      // done, but the answer makes no sense
	Drop        FaultKind = "drop"         // done, but the connection ends without an answer
	Hang        FaultKind = "hang"         // done, but no answer comes
	Reset       FaultKind = "reset"        // the connection ends before anything is done
)

// A Fault makes calls fail.
type Fault struct {
	Kind FaultKind
	// Method and Path choose the calls: the path begins with Path or ends with it; empty fits all.
	Method, Path string
	// Times is how many calls fail; zero: until [Vendor.Heal].
	Times int
	// RetryAfter is the header's value in seconds; zero sends 1.
	RetryAfter string
	// Met is signalled (not closed) when a call begins to fail, if it is not nil: for those that are
	// done, after they were. It should have room for one.
	Met chan struct{}
}

// Fail makes calls fail from now on.
func (v *Vendor) Fail(f Fault) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults = append(v.faults, &f)
}

// Heal takes all faults back.
func (v *Vendor) Heal() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults = nil
}

// fault returns the fault that a request meets.
func (v *Vendor) fault(r *http.Request) *Fault {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls++
	for i, f := range v.faults {
		if f.Method != "" && f.Method != r.Method || !strings.HasPrefix(r.URL.Path, f.Path) && !strings.HasSuffix(r.URL.Path, f.Path) {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				v.faults = append(v.faults[:i:i], v.faults[i+1:]...)
			}
		}
		hit := *f
		return &hit
	}
	return nil
}

// before fails a call that is not to be done; it reports whether it did.
func (f *Fault) before(w http.ResponseWriter) bool {
	if f == nil {
		return false
	}
	after := f.RetryAfter
	if after == "" {
		after = "1"
	}
	switch f.Kind {
	case Garbage, Drop, Hang:
		return false
	}
	f.met()
	switch f.Kind {
	case ServerError:
		fail(w, http.StatusInternalServerError, "internal error")
	case Unavailable:
		w.Header().Set("Retry-After", after)
		fail(w, http.StatusServiceUnavailable, "maintenance")
	case Throttle:
		w.Header().Set("Retry-After", after)
		fail(w, http.StatusTooManyRequests, "too many requests")
	case Refuse:
		fail(w, http.StatusUnprocessableEntity, "refused by script")
	case Login:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<!DOCTYPE html><html><form action="/login"><input name="u"><input type="password" name="p"></form></html>`))
	case Reset:
		cut()
	}
	return true
}

func (f *Fault) met() {
	if f.Met == nil {
		return
	}
	select {
	case f.Met <- struct{}{}:
	default:
	}
}

// after spoils the answer of a call that was done; it reports whether it did.
func (f *Fault) after(w http.ResponseWriter, r *http.Request, stopping <-chan struct{}) bool {
	if f == nil {
		return false
	}
	f.met()
	switch f.Kind {
	case Garbage:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"ok":`))
	case Drop:
		cut()
	case Hang:
		select {
		case <-r.Context().Done():
		case <-stopping:
		case <-time.After(time.Minute):
		}
		cut()
	}
	return true
}

// cut ends the connection without an answer.
func cut() {
	panic(http.ErrAbortHandler)
}
