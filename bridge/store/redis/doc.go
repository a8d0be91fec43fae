// Package redisstore is the distributed store: several replicas share one Redis, which IS the
// ledger. Each accepts, each delivers; the death of any of them, or of Redis, loses nothing that was
// answered.
//
// # How it works
//
// The rules of package bridge run inside Redis, as Lua (folder lua; every script tells its KEYS,
// ARGV and answer). One script call is one atomic step, one round trip and, with appendfsync always,
// one fsync. Records are read into tables at first use, changed there, and written once at the end
// (t.flush in core.lua), which also derives all indexes and tallies; a script that fails before has
// written nothing. Hashes of texts, which Lua cannot make, come along with each event. Scripts
// are loaded by hash, and by source where Redis does not know them.
//
// Callers of Accept at the same time share calls ([Store.Accept]); results of deliveries go by calls
// of their own and never wait behind a flood of new events. A lease and a retry write the lane
// alone: the state of an event that stands in a lane is that of its lane. A replica keeps what it
// lately accepted in memory (8 MiB at most) and reads bodies only of events that others accepted.
//
// # Repeats and lost answers
//
// Every writing call has a random id; its answer is kept for half a minute under call:ID. A repeat, by
// go-redis after a lost connection or by us, gets that answer and does nothing again. An Accept whose
// answers were all lost is [bridge.ErrUnavailable]; offered again with the same event ids, keys or
// none, it is answered as the first time, and a sender's own repeat is a duplicate of it. A Settle
// whose answers were all lost is remembered as a doubt: the next Settle names it, and gets its
// verdicts and those of its leases that are still ours, or fences it off if it has not run yet, so that a
// request that is late on its way gives leases to nobody.
//
// # Keys
//
// All keys start with "{pb:NAMESPACE}:", one hash slot. US is the byte 31; packed means cmsgpack.
// Times are microseconds.
//
//	meta                hash: epoch, schema, counter (last seq or position), writes (of all calls), base (when
//	                    an import brought this ledger here), reset (epoch that a
//	                    replica misses), before (epochs that this one follows), since (date of the
//	                    last resume), resumed (when that was), forgotten, wrote (cursors
//	                    of the sweep), copying, copier, copyround (a backup under way)
//	event               hash seq -> packed record (ev_pack in core.lua)
//	fate                hash seq -> packed state, reason, first, detail, end of an event that left its lane
//	body                hash seq -> what the event says, JSON
//	id                  hash event id -> seq
//	attempt             hash seq -> lines "n TAB token TAB JSON"
//	claim               hash provider US dir US key -> "seq:at:hash"; key is k:ID (sender's id), h:HASH:n
//	                    (merge), c:HASH:ID (conflict), o:KEY (the open of a reference), q:REASON:k:ID and q:REASON:h:HASH (ignored for
//	                    REASON; quarantined where it is empty)
//	bond                hash provider US task -> packed record
//	bonds               zset of the same fields, for paging
//	ref                 hash provider US reference key -> task
//	refs                zset of the fields of ref, for prefixes
//	task                hash task -> providers, US-joined
//	lane                hash provider/dir/task -> packed record of a lane that is not idle
//	queue:LANE          list of seqs behind the head
//	due:DEST            zset of ready lanes by due time; members "head|LANE", so that equal times are
//	                    in order of acceptance
//	live:DEST           zset of lanes that are not idle, by head
//	leased              hash lane -> session
//	conflict:DEST       set of lanes parked as reference_conflict
//	dest                hash destination -> packed breaker, rate, leases in flight
//	wrote               hash LANE US t US text hash, LANE US c US comment -> "seq:at:token" (";"-joined)
//	opening             zset of seqs: opens that wait because they may be tickets of ours
//	maker:PROVIDER      zset of seqs: what may have made a ticket whose reference nobody told us. Replicas of
//	                    before leave it alone; an open does not wait for what they accepted
//	kept, kept:task:…, kept:ref:…, waiting   zsets of seqs: waiting and quarantined; by received time
//	of:task:TASK, of:ref:KEY   lists of seqs, for readers
//	settled:PROVIDER    list of seqs in the order of their ends, for the retention
//	unforgotten         zset of seqs whose claims outlived their turn
//	session             hash session -> end
//	replica             hash session -> "since:name"
//	duty:NAME, duties   hash: session, epoch, cursor, paused, since (where it begins after a reset, until a cursor
//	                    is saved; 0: as configured); set of names
//	notice:KIND, notices:KIND   hash of notices by key; zset of the same keys, by end
//	activity            list of JSON, newest first
//	tally               hash: event|STATE, bond|STATE, lane|DEST|STATE, queued|DEST, submit|PROVIDER, making|PROVIDER
//	                    (for replicas that know no maker:PROVIDER), quarantine|PROVIDER|REASON
//	providers           set of providers
//	marks, marked       hash store -> its last two marks; zset of the stores, by time of the last (mark.lua)
//	call:ID             answer of a call, or "void"; expires
//	look                written to see that replicas have what was read (Options.Wait); expires
//	wake                pub/sub channel; the payload is the store that published
//
// A settled event with 0.8 kB of raw input takes about 2.8 kB (BenchmarkMemory).
//
// # Time
//
// Scripts get the time from the caller's clock. The clocks of all replicas have to agree within a
// second (NTP): sessions live ten.
//
// # URLs
//
//	redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]
//	rediss://…                                       TLS; a private CA by Options.CAFile
//	redis+sentinel://[USER[:PASSWORD]@]HOST[:PORT],…/MASTER[/DB][?sentinel_user=…&sentinel_password=…]
//	rediss+sentinel://…                              TLS to Sentinels and servers
//
// An ACL user needs ~{pb:* &{pb:* +@read +@write +@scripting +@pubsub +@connection +@transaction +wait
// +config|get +time +info; without config|get, Options.Durability has to be asserted; without the last
// two, nobody compares the clocks and tells a Redis Cluster, which is not supported yet.
//
// # Durability
//
// Open asks the server for its settings ([Doctor]) and refuses one that may lose what it was told:
// no AOF, appendfsync other than always, an eviction policy. [Store.Conditions] asks again whenever
// somebody looks, for after a fail-over it is another server. With Options.Wait each write is answered
// only after so many replicas have it; with too few in time the call is ErrUnavailable, what was
// written stays, and the repeat is a duplicate. After a fail-over that lost writes, and after a wipe
// or a restore of an older copy, every call returns a [*Reset] until a person calls [Store.Resume].
//
// A loss is noticed by comparing epoch, counter and number of writes: with each call what the store has
// seen, at Open what its file ([Options].State) says. Others may have gone past these numbers on an old
// copy. Therefore each store with a file writes a random mark to Redis and then to the file, about every
// five seconds and at Close; a namespace without the mark is an old copy. Who notices sets reset in meta,
// which stops all. Resume parks what is queued in pieces and then gives the namespace a new epoch, and the
// old ones that it follows (before). An import counts writes from its own time on, and sets base: marks
// and writes from before the move mean nothing there.
//
// # Moving
//
// An import gives the namespace an epoch that begins with "import:" until the stream was read to its
// end; whoever opens such a namespace meets a [*Reset], and what a killed import left the next one
// throws away.
//
// # Failure classes
//
// Redis gone, silent, loading, read-only or out of memory: [bridge.ErrUnavailable], at once or after
// Options.Timeout; everything goes on by itself. A lost session or duty: [bridge.ErrFenced]. A
// namespace that is not the one we worked with: [*Reset], which is also ErrUnavailable. Wake-ups
// that get lost are replaced by polling once a second.
package redisstore
