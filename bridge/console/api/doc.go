// Package api holds the documents that the admin API of a running bridge speaks: what the server
// (package console) answers and what the client (package client) reads. The shapes are a promise
// to scripts: fields are added, never renamed; where a word comes from the package bridge (states,
// reasons, kinds) it is that word.
//
// # Paths
//
// All paths begin with [Prefix]. A list is a [List]; it is continued by asking again with the
// parameter `after` set to [List].Next. A parameter or a field that the server does not know is an
// error, never ignored.
//
//	GET  /events                      provider task dir kind state* reason reference search since after newest limit
//	GET  /events/{id}                 with attempts and the input as it came
//	GET  /events/{id}/files/{n}       what came with the input, application/octet-stream
//	POST /events/{id}/retry           [Act]
//	POST /events/{id}/ignore          [Act]
//	POST /events/{id}/settle          [Act]; reference for a submit
//	GET  /lanes                       destination provider task state* after limit
//	POST /lanes/pause|resume|retry    [LaneAct]
//	GET  /destinations
//	POST /destinations/{name}/pause|resume  [Note]
//	POST /destinations/{name}/test    no body; answered by [Tested]
//	GET  /mailboxes
//	GET  /duties
//	POST /duties/pause|resume         [DutyAct]
//	GET  /replicas
//	GET  /bonds                       provider task reference state* after limit
//	GET  /bonds/{provider}/{task}     with its lanes and latest events
//	POST /bonds/link|unlink|move      [BondAct]
//	POST /bonds/import                [Import], answered by [Imported]
//	GET  /quarantine                  provider task dir kind reason search since after newest limit waiting
//	GET  /quarantine/{id}
//	POST /quarantine/{id}/retry       no body; read again under the config in force
//	POST /quarantine/{id}/assign      [Assign]
//	POST /quarantine/{id}/discard     [Note]; note says why
//	GET  /counts
//	GET  /repairs, /repairs/{id}      bulk work
//	POST /repairs                     [RepairRequest], answered by [Repair]
//	GET  /activity                    after limit
//	GET  /status
//	GET  /backup                      a copy of the database, application/octet-stream
//	POST /map                         dry run of a mapping
//	GET  /openapi.json                all of this as an OpenAPI 3.1 document
//
// # Errors
//
// Every error is an RFC 9457 problem document ([Problem]) with a stable code.
package api

// Prefix is what every path of the API begins with.
const Prefix = "/api/v1"

// PersonHeader names the person on whose behalf a call is made; it is recorded with every command.
const PersonHeader = "X-Pergabridge-Person"

// IdempotencyHeader carries a key of the caller's choice with a write: sent again with the same key,
// the write is not carried out again and the first answer is given again.
const IdempotencyHeader = "Idempotency-Key"

// A List is one page of a list.
type List[T any] struct {
	Items []T `json:"items"`
	// Next is the value of the parameter `after` that continues behind the last item; empty if
	// there is no more, or if the list cannot be continued.
	Next string `json:"next,omitempty"`
	// More is set when there are items beyond the last one.
	More bool `json:"more,omitempty"`
}
