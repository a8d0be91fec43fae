package mailin

import (
	"encoding/json"
	"fmt"
	"time"
)

// A cursor is how far a folder has been read; it is the cursor of the folder's duty.
type cursor struct {
	Validity uint32 `json:"uidvalidity"`
	UID      uint32 `json:"uid"` // the highest that was accepted
	// Start is when the folder was read first; mail before it is not ours to read.
	Start time.Time `json:"start"`
	// Last is when the newest accepted mail came into the folder.
	Last time.Time `json:"last,omitzero"`
	// From bounds mail with a UID below Until: after a change of UIDVALIDITY, and with a start date.
	From  time.Time `json:"from,omitzero"`
	Until uint32    `json:"until,omitempty"`
	// Read counts the mails taken, Failed those of them that nobody could read.
	Read   int64 `json:"read,omitempty"`
	Failed int64 `json:"failed,omitempty"`
	// Unfiled are UIDs that were accepted and may not have been moved or marked yet.
	Unfiled []unfiled `json:"unfiled,omitempty"`
	// Threads is what the brake has counted, and Left how many records of ignored mail were made; here,
	// because they have to outlive a restart and to move to another replica with the folder.
	Threads threads `json:"threads,omitempty"`
	Left    quota   `json:"left,omitzero"`
}

type unfiled struct {
	UID    uint32 `json:"uid"`
	Failed bool   `json:"failed,omitempty"`
}

// maxUnfiled bounds what is remembered of mail that could not be moved or marked.
const maxUnfiled = 500

// overlap is by how much reading again goes back behind the last mail: clocks, and mail under way.
const overlap = 24 * time.Hour

func readCursor(s string) (*cursor, error) {
	if s == "" {
		return nil, nil
	}
	c := &cursor{}
	if err := json.Unmarshal([]byte(s), c); err != nil {
		return nil, fmt.Errorf("the saved position %.80q cannot be read: %w", s, err)
	}
	return c, nil
}

func (c *cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return string(b)
}

// match compares the cursor with the folder as it was opened. It returns the cursor to go on with,
// and why it is another one.
func (c *cursor) match(validity, next uint32, now, since time.Time) (*cursor, string) {
	switch {
	case c == nil && since.IsZero():
		return &cursor{Validity: validity, UID: max(next, 1) - 1, Start: now.Truncate(time.Second)}, "first start: only mail from now on is read"
	case c == nil:
		return &cursor{Validity: validity, Start: since, From: since, Until: next}, "first start: mail since " + since.Format(time.DateOnly) + " is read"
	case c.Validity != validity:
		from := c.Start
		if back := c.Last.Add(-overlap); back.After(from) {
			from = back
		}
		return &cursor{Validity: validity, Start: c.Start, Last: c.Last, Read: c.Read, Failed: c.Failed, From: from, Until: next, Threads: c.Threads, Left: c.Left},
			"the server has renumbered the folder (UIDVALIDITY): mail since " + from.UTC().Format(time.RFC3339) + " is read again; what was taken already is recognised"
	}
	return c, ""
}

// wants reports whether the cursor's time bound lets a mail through.
func (c *cursor) wants(uid uint32, came time.Time) bool {
	return uid > c.UID && (c.From.IsZero() || uid >= c.Until || came.IsZero() || !came.Before(c.From))
}

// at is the time that counts for a mail that came then: a folder that nobody read for long is not one in
// which all came at once. It never goes back, because a mail that was moved in keeps its old date.
func (c *cursor) at(came, now time.Time) time.Time {
	if came.Before(c.Last) {
		came = c.Last
	}
	if came.IsZero() || came.After(now) {
		return now
	}
	return came
}

// pass notes that everything up to uid was accepted.
func (c *cursor) pass(uid uint32, came time.Time) {
	c.UID = max(c.UID, uid)
	if came.After(c.Last) {
		c.Last = came
	}
	if c.UID+1 >= c.Until {
		c.From, c.Until = time.Time{}, 0
	}
}
