package ssptest

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// Trouble is what goes wrong with one call.
type Trouble struct {
	Kind TroubleKind
	// Status, ContentType and Text are the answer of kind Page; Text is also that of a fault or
	// a result.
	Status      int
	ContentType string
	Text        string
}

// TroubleKind is a way in which a call can fail.
type TroubleKind string

// The kinds of trouble. Those with After happen when the call has taken effect.
const (
	Drop        TroubleKind = "drop" // the connection is closed without an answer
	DropAfter   TroubleKind = "drop after"
	Hang        TroubleKind = "hang" // no answer until the caller gives up
	HangAfter   TroubleKind = "hang after"
	Page        TroubleKind = "page" // something else than SOAP is answered
	PageAfter   TroubleKind = "page after"
	ServerFault TroubleKind = "server fault" // as an exception would
	ClientFault TroubleKind = "client fault"
	Result      TroubleKind = "result" // no effect, and Text as the result
	ResultAfter TroubleKind = "result after"
)

// A Script decides about each call before it is carried out; nil lets it through. Calls come
// concurrently.
type Script func(Call) *Trouble

// Always makes every call fail like t.
func Always(t Trouble) Script {
	return func(Call) *Trouble { return &t }
}

// Times makes the next n calls fail like t.
func Times(n int, t Trouble) Script {
	var left atomic.Int64
	left.Store(int64(n))
	return func(Call) *Trouble {
		if left.Add(-1) < 0 {
			return nil
		}
		return &t
	}
}

// Sometimes makes a share of the calls (0 to 1) fail like one of ts, repeatably by seed.
func Sometimes(seed uint64, share float64, ts ...Trouble) Script {
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(seed, 1))
	return func(Call) *Trouble {
		mu.Lock()
		defer mu.Unlock()
		if dice.Float64() >= share {
			return nil
		}
		t := ts[dice.IntN(len(ts))]
		return &t
	}
}

// Script sets the script; nil ends it.
func (s *Server) Script(script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// chance throws the server's dice. The lock is held.
func (s *Server) chance(share float64) bool { return share > 0 && s.dice.Float64() < share }
