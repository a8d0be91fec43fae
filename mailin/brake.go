package mailin

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"time"
)

// threads counts the mails of each thread within the brake's time, in slices of a twentieth of it. Its
// keys are hashes: it is written with every batch.
type threads map[string][]slot

// slot is a slice of time, by its number, and how many mails came in it.
type slot [2]int64

const (
	slots = 20
	// maxThreads bounds the threads that are counted; beyond it those that were quiet longest are
	// forgotten.
	maxThreads = 1000
)

func threadKey(thread string) string {
	sum := sha256.Sum256([]byte(thread))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// pulls counts a mail of a thread and reports whether it is one too many for the brake.
func (t threads) pulls(b Brake, thread string, now time.Time) bool {
	width := max(b.Per.Std()/slots, 1)
	current := now.UnixNano() / int64(width)
	key, n := threadKey(thread), int64(0)
	list := slices.Clone(t[key]) // the cursor that was saved shares it
	list = slices.DeleteFunc(list, func(s slot) bool { return s[0] <= current-slots })
	for _, s := range list {
		n += s[1]
	}
	if n >= int64(b.Messages) {
		t[key] = list
		return true
	}
	if last := len(list) - 1; last >= 0 && list[last][0] == current {
		list[last][1]++
	} else {
		list = append(list, slot{current, 1})
	}
	t[key] = list
	if len(t) > maxThreads {
		t.forget(current)
	}
	return false
}

// forget drops threads whose time is over; if none is, the half that was quiet longest.
func (t threads) forget(current int64) {
	maps.DeleteFunc(t, func(_ string, l []slot) bool { return len(l) == 0 || l[len(l)-1][0] <= current-slots })
	if len(t) <= maxThreads {
		return
	}
	keys := slices.SortedFunc(maps.Keys(t), func(a, b string) int { return int(t[a][len(t[a])-1][0] - t[b][len(t[b])-1][0]) })
	for _, k := range keys[:len(keys)/2] {
		delete(t, k)
	}
}

// quota bounds the records of ignored mail: a flood of it must not fill the store.
type quota struct {
	Hour int64 `json:"hour"`
	N    int   `json:"n"`
}

// maxIgnored is how many ignored mails of one folder are recorded one by one within an hour.
const maxIgnored = 200

// take counts an ignored mail. It is recorded if there is room; last says that it is the last of its
// hour that is.
func (q *quota) take(now time.Time) (room, last bool) {
	if hour := now.Unix() / 3600; hour != q.Hour {
		*q = quota{Hour: hour}
	}
	q.N++
	return q.N <= maxIgnored, q.N == maxIgnored
}
