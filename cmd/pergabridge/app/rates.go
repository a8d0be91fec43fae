package app

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/rate"
)

// noticeRate is the kind of the notices that say what went through in a minute at a process, each a
// [rate.Minute] under MINUTE/PROCESS.
const noticeRate = "rate"

// rates is what went through in the last hour: counted here, and told by others and by this replica
// before it was started again.
type rates struct {
	*rate.Recorder
	process string
	board   bridge.Board
	now     func() time.Time

	mu   sync.Mutex
	at   time.Time // when others were read
	told []toldMinute
}

type toldMinute struct {
	number int64
	counts rate.Minute
}

func newRates(board bridge.Board, now func() time.Time) *rates {
	return &rates{Recorder: rate.New(now), process: bridge.NewID(), board: board, now: now}
}

// notices tells of this minute and the one before.
func (r *rates) notices() []bridge.Notice {
	var out []bridge.Notice
	for back := range int64(2) {
		if number, counts, any := r.Minute(back); any {
			end := time.Unix((number+rate.Minutes+1)*60, 0)
			out = append(out, notice(noticeRate, strconv.FormatInt(number, 10)+"/"+r.process, counts, end))
		}
	}
	return out
}

// How often others are read, and how long that may take.
const (
	ratesLife = 5 * time.Second
	ratesTime = 2 * time.Second
)

// others returns what others told; what cannot be read now is left out.
func (r *rates) others() []toldMinute {
	r.mu.Lock()
	defer r.mu.Unlock()
	if age := r.now().Sub(r.at); !r.at.IsZero() && age >= 0 && age < ratesLife {
		return r.told
	}
	ctx, cancel := context.WithTimeout(context.Background(), ratesTime)
	defer cancel()
	all, err := r.board.Notices(ctx, noticeRate, "")
	r.at = r.now()
	if err != nil {
		return r.told
	}
	r.told = nil
	for _, n := range all {
		minute, process, _ := strings.Cut(n.Key, "/")
		number, err := strconv.ParseInt(minute, 10, 64)
		var counts rate.Minute
		if err == nil && process != r.process && json.Unmarshal(n.Value, &counts) == nil {
			r.told = append(r.told, toldMinute{number, counts})
		}
	}
	return r.told
}

// Series returns the last hour of a side, of all for "", over all replicas.
func (r *rates) Series(name string) rate.Series {
	s := r.Recorder.Series(name)
	now := r.now().Unix() / 60
	for _, m := range r.others() {
		s.Add(now, m.number, name, m.counts)
	}
	return s
}
