package api

import "time"

// A Mailbox is one folder of a mailbox, and how its reading goes.
type Mailbox struct {
	Name      string   `json:"name"`
	Folder    string   `json:"folder"`
	Duty      string   `json:"duty"`    // what is paused and resumed
	Address   string   `json:"address"` // the server
	Providers []string `json:"providers"`

	Health  Health `json:"health"`
	Why     string `json:"why,omitempty"`    // what is in the way
	Advice  string `json:"advice,omitempty"` // what to do about it
	Paused  bool   `json:"paused,omitempty"`
	Session string `json:"session,omitempty"` // of the replica that reads it

	// Phase is what the reader does: connecting, reading, idle (waits for the server to tell), polling
	// (waits for the next look), full (the quarantine has no room), failed, throttled, stopped.
	Phase     string    `json:"phase"`
	Since     time.Time `json:"since,omitzero"`     // when the phase began
	Connected time.Time `json:"connected,omitzero"` // since when it is connected
	Polled    time.Time `json:"polled,omitzero"`    // when everything new had been read last
	Next      time.Time `json:"next,omitzero"`      // when the next try is due
	Error     string    `json:"error,omitempty"`    // the last failure
	At        time.Time `json:"at,omitzero"`        // when that was
	Failures  int       `json:"failures,omitempty"` // in a row

	UIDValidity int64     `json:"uid_validity,omitempty"`
	UID         int64     `json:"uid,omitempty"`     // the highest that was read
	Start       time.Time `json:"start,omitzero"`    // when reading began
	Last        time.Time `json:"last,omitzero"`     // when the newest mail came in
	Read        int64     `json:"read"`              // mails taken
	Failed      int64     `json:"failed"`            // of them in quarantine when they came
	Unfiled     int       `json:"unfiled,omitempty"` // taken, and perhaps not yet moved or marked
}

// A Duty is work that one replica does at a time: reading a mailbox, polling a provider, and more.
type Duty struct {
	Name    string `json:"name"`
	Session string `json:"session,omitempty"` // of the replica that has it; empty if none has
	Paused  bool   `json:"paused,omitempty"`
}

// A Replica is one session of a process that works on the store.
type Replica struct {
	Name    string    `json:"name,omitempty"` // what its process is called
	Session string    `json:"session"`
	Since   time.Time `json:"since,omitzero"` // when the session was made
	Until   time.Time `json:"until,omitzero"` // when its session ends unless it is renewed
	Leases  int       `json:"leases"`         // deliveries under way
	Duties  []string  `json:"duties,omitempty"`

	Host    string    `json:"host,omitempty"`
	PID     int       `json:"pid,omitempty"`
	Version string    `json:"version,omitempty"`
	Config  string    `json:"config,omitempty"` // version of the config in force there
	Started time.Time `json:"started,omitzero"`
	This    bool      `json:"this,omitempty"` // the one that answers
}

// A DutyAct is the body of a command about a duty.
type DutyAct struct {
	Duty string `json:"duty"`
	Note string `json:"note,omitempty"`
}

// NoticeReplica is the kind of the notices in which replicas tell of themselves, each a [Replica]
// under its session.
const NoticeReplica = "replica"
