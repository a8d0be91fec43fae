// Package sqlite is the embedded store: one file, one process, no service to run.
//
// # Durability
//
// The file is in WAL mode with synchronous FULL: a commit returns after fsync. One goroutine writes;
// callers hand it operations and it commits as many as are waiting at once (group commit), results
// of deliveries before new events, so that a flood at the entrance cannot starve what is under way.
// An operation that fails takes nothing else with it: the batch is rolled back and its operations
// are repeated one by one. Readers use connections of their own and never wait for the writer.
//
// # Exclusive use
//
// A lock file beside the database keeps a second process out: leases of sessions from before the
// lock was taken belong to a dead process. The in-memory caches of lanes and bonds rely on it.
//
// # Time
//
// Times are Unix nanoseconds of the injected clock. Zero means none.
//
// # Failure classes
//
// Disk full, I/O errors and a closed store are [bridge.ErrUnavailable]: nothing of the operation was
// kept, entrances answer 503. A newer schema or a file that is no database is an error at Open.
package sqlite
