// Package transfer is the form in which a ledger moves from one store to another: `pergabridge
// export` and `import`, between SQLite and Redis in either direction.
//
// # The stream
//
// JSON lines {"kind": …, "data": …}. The first is the header (what this is, its version, from which
// store and when), the last the end: how many lines each kind has, and the SHA-256 of those lines.
// Between them, in this order:
//
//	ledger       epoch, the highest number given out, and the last `store resume`
//	bond         each followed by its references: every reference key it ever had
//	event        in order of acceptance, with what it says; each followed by its claims and attempts
//	lane         that is not idle, paused, or awaited by echoes; followed by its queue: the numbers
//	             of its events, in order
//	wrote        what was written to the other side, to know it when it comes back
//	destination  breaker and answered time
//	duty         epoch, cursor, where it begins after a reset, whether a person paused it
//	activity     what people did, oldest first
//	notice       on the board, also one that is over and was not taken down yet; none in older exports
//
// Times are microseconds since 1970. What stands in a lane has state queued; what the lane does with
// its head says the lane. Sessions, rates and in-memory state do not move: whoever worked is gone, and
// leases of the dead become unknown at the first sweep, as after a crash. Indexes and tallies follow
// from the records.
//
// The same ledger gives the same stream, byte by byte but for the header, whichever store it lies in.
//
// # Failure classes
//
// A stream that is cut, altered, of another version, or out of order is an error of [Reader.Next] that
// names the line; the end is reported as io.EOF only when all counts and hashes agree. A store that
// imports keeps nothing before that. What contradicts the rest of a stream (one reference of two tasks, one
// id of two events, a queue with an event of another lane) the store refuses, by line as well: the
// hashes say only that a stream is whole.
package transfer

import (
	"context"
	"errors"
)

// Version of the stream that this binary writes and reads.
const Version = 1

// ErrBusy means that a bridge works on the ledger: its intake has to be stopped first.
var ErrBusy = errors.New("a bridge works on this ledger: stop it first, every replica of it")

// ErrNotEmpty means that there is something in the store that was to be imported into.
var ErrNotEmpty = errors.New("the store is not empty: an import needs a new file or namespace")

// A Porter is a store that can move. Neither call is for a store that a bridge works with: both
// return [ErrBusy] while a session lives.
type Porter interface {
	// Export writes every record, but neither header nor end. Memory does not grow with the ledger.
	Export(ctx context.Context, w *Writer) error
	// Import reads all records into a store without any ([ErrNotEmpty]) and makes them its own when
	// the end was read and agrees. After an error it is as empty as before.
	Import(ctx context.Context, r *Reader) error
}
