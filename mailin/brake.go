package mailin

import "time"

// A brake counts the mails of each thread. It belongs to one source.
type brake struct {
	most int
	per  time.Duration
	seen map[string][]time.Time
}

func newBrake(most int, per time.Duration) *brake {
	return &brake{most: most, per: per, seen: map[string][]time.Time{}}
}

// maxThreads bounds the threads that are counted.
const maxThreads = 10000

// pulls counts a mail of a thread and reports whether it is one too many.
func (b *brake) pulls(thread string, now time.Time) bool {
	old := now.Add(-b.per)
	if len(b.seen) > maxThreads {
		for k, list := range b.seen {
			if list[len(list)-1].Before(old) {
				delete(b.seen, k)
			}
		}
		if len(b.seen) > maxThreads {
			clear(b.seen) // more threads an hour than this is no loop
		}
	}
	list := b.seen[thread]
	for len(list) > 0 && !list[0].After(old) {
		list = list[1:]
	}
	if len(list) >= b.most {
		b.seen[thread] = list
		return true
	}
	b.seen[thread] = append(list, now)
	return false
}
