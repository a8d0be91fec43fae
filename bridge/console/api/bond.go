package api

import "github.com/pergabridge/pergabridge/bridge"

// A Bond is the durable link of one task with one provider.
type Bond = bridge.Bond

// A BondDetail is one bond with its lanes and latest events.
type BondDetail struct {
	Bond
	// Others are the bonds of the same task with other providers.
	Others []Bond `json:"others,omitempty"`
	Lanes  []Lane `json:"lanes"`
	// Events are the latest events of the task at this provider, newest first.
	Events []Event `json:"events"`
}

// An Import asks for bonds of tickets that were open in both systems before the first day.
type Import struct {
	Rows []ImportRow `json:"rows"`
	Note string      `json:"note,omitempty"`
}

// MaxImport is how many rows one call may carry; the client divides longer lists.
const MaxImport = 200

// An ImportRow is one bond to be made.
type ImportRow struct {
	Provider  string           `json:"provider"`
	Task      string           `json:"task"`
	Reference string           `json:"reference"`
	State     bridge.BondState `json:"state,omitempty"` // open (default), resolved or closed
}

// Imported answers an [Import].
type Imported struct {
	Made      int         `json:"made"`
	Unchanged int         `json:"unchanged"` // were there already, exactly so
	Failed    int         `json:"failed"`
	Rows      []ImportEnd `json:"rows"` // one for each row, in order
}

// An ImportEnd says what became of one row.
type ImportEnd struct {
	Task    string   `json:"task"`
	Changed bool     `json:"changed"`
	Problem *Problem `json:"problem,omitempty"`
}
