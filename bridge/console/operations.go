package console

import (
	"net/http"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
)

// An operation is one method of one address of the API. The table of operations is what the server
// routes by and what the OpenAPI document is made of, so that the two cannot differ.
type operation struct {
	id, method, path string
	summary          string
	need             Role
	query            []string // names of parameters, described in params
	body             any      // a value of the body's type; nil: there is none
	optional         bool     // the body may be left out
	answer           any      // a value of the answer's type; nil: bytes
	status           int      // zero: 200
	serve            answer
}

// Parameters that lists of events have in common.
var eventParams = []string{"provider", "task", "dir", "kind", "reason", "reference", "search", "since", "after", "newest", "limit"}

// operations lists the whole API.
func (s *server) operations() []operation {
	get := func(id, path, summary string, query []string, answer any, serve answer) operation {
		return operation{id: id, method: http.MethodGet, path: path, summary: summary, need: Viewer, query: query, answer: answer, serve: serve}
	}
	post := func(id, path, summary string, body any, optional bool, serve answer) operation {
		return operation{id: id, method: http.MethodPost, path: path, summary: summary, need: Operator, body: body, optional: optional, answer: api.Done{}, serve: serve}
	}
	ops := []operation{
		get("listEvents", "/events", "List events.", append([]string{"state"}, eventParams...), api.List[api.Event]{}, s.listEvents),
		get("showEvent", "/events/{id}", "Show one event with its tries and its input.", nil, api.EventDetail{}, s.showEvent),
		get("getFile", "/events/{id}/files/{n}", "Fetch a file that came with an event.", nil, nil, s.sendFile),
		post("retryEvent", "/events/{id}/retry", "Try a parked event again, or append an ended one to its lane after all.", api.Act{}, true, s.actOnEvent(bridge.VerbEventRetry)),
		post("ignoreEvent", "/events/{id}/ignore", "End an event without effect.", api.Act{}, true, s.actOnEvent(bridge.VerbEventIgnore)),
		post("settleEvent", "/events/{id}/settle", "Declare an event done; with the reference for a submit.", api.Act{}, true, s.actOnEvent(bridge.VerbEventSettle)),
		get("listLanes", "/lanes", "List lanes that hold events or are paused.", []string{"destination", "provider", "task", "state", "after", "limit"}, api.List[api.Lane]{}, s.listLanes),
		post("pauseLane", "/lanes/pause", "Pause a lane.", api.LaneAct{}, false, s.actOnLane(bridge.VerbLanePause)),
		post("resumeLane", "/lanes/resume", "Resume a lane that is paused, or parked behind an ignored event.", api.LaneAct{}, false, s.actOnLane(bridge.VerbLaneResume)),
		post("retryLane", "/lanes/retry", "Try the head of a parked lane again.", api.LaneAct{}, false, s.actOnLane(bridge.VerbLaneRetry)),
		get("listDestinations", "/destinations", "List destinations and how they are.", nil, api.List[api.Destination]{}, s.listDestinations),
		post("pauseDestination", "/destinations/{name}/pause", "Pause a destination.", api.Note{}, true, s.actOnDestination(bridge.VerbDestPause)),
		post("resumeDestination", "/destinations/{name}/resume", "Resume a destination; closes an open breaker.", api.Note{}, true, s.actOnDestination(bridge.VerbDestResume)),
		post("testDestination", "/destinations/{name}/test", "Call a destination without doing anything there.", nil, true, s.testDestination),
		get("listMailboxes", "/mailboxes", "List mailboxes and how their reading goes.", nil, api.List[api.Mailbox]{}, s.listMailboxes),
		get("listDuties", "/duties", "List the work that one replica does at a time.", nil, api.List[api.Duty]{}, s.listDuties),
		post("pauseDuty", "/duties/pause", "Take a duty, such as the reading of a mailbox, from whoever has it, until it is resumed.", api.DutyAct{}, false, s.actOnDuty(bridge.VerbDutyPause)),
		post("resumeDuty", "/duties/resume", "Let a paused duty go on.", api.DutyAct{}, false, s.actOnDuty(bridge.VerbDutyResume)),
		get("listBonds", "/bonds", "List bonds.", []string{"provider", "task", "reference", "state", "after", "limit"}, api.List[api.Bond]{}, s.listBonds),
		get("showBond", "/bonds/{provider}/{task}", "Show one bond with its lanes and latest events.", nil, api.BondDetail{}, s.showBond),
		post("linkBond", "/bonds/link", "Give a task its reference.", api.BondAct{}, false, s.actOnBond(bridge.VerbBondLink)),
		post("unlinkBond", "/bonds/unlink", "Take a task's reference away.", api.BondAct{}, false, s.actOnBond(bridge.VerbBondUnlink)),
		post("moveBond", "/bonds/move", "Give a reference, wherever it is, to a task.", api.BondAct{}, false, s.actOnBond(bridge.VerbBondMove)),
		post("importBonds", "/bonds/import", "Make bonds of tickets that were open in both systems before.", api.Import{}, false, s.importBonds),
		get("listQuarantine", "/quarantine", "List events in quarantine.", append([]string{"waiting"}, eventParams...), api.List[api.Event]{}, s.listQuarantine),
		get("showQuarantined", "/quarantine/{id}", "Show one event in quarantine with its input.", nil, api.EventDetail{}, s.showQuarantined),
		post("rereadQuarantined", "/quarantine/{id}/retry", "Read the input again under the config in force.", nil, true, s.reread),
		post("assignQuarantined", "/quarantine/{id}/assign", "Give an event its task or reference.", api.Assign{}, false, s.assign),
		post("discardQuarantined", "/quarantine/{id}/discard", "End an event for good; the note says why.", api.Note{}, false, s.discard),
		get("listRepairs", "/repairs", "List bulk repairs, newest first.", nil, api.List[api.Repair]{}, s.listRepairs),
		get("showRepair", "/repairs/{id}", "Show how a bulk repair goes.", nil, api.Repair{}, s.showRepair),
		post("beginRepair", "/repairs", "Do one thing to every parked lane or quarantined event of a provider or reason.", api.RepairRequest{}, false, s.postRepair),
		post("erase", "/erase", "Remove the contents of the settled events of a task, or of those that mention an address, a piece at a time.", api.Erase{}, false, s.erase),
		get("counts", "/counts", "The state of everything in numbers.", nil, api.Counts{}, s.counts),
		post("resumeStore", "/store/resume", "Go on after the ledger was wiped or restored.", api.StoreResume{}, false, s.resumeStore),
		get("listReplicas", "/replicas", "List the processes that work on the store.", nil, api.List[api.Replica]{}, s.listReplicas),
		get("listActivity", "/activity", "List what people did, newest first.", []string{"after", "limit"}, api.List[api.Activity]{}, s.activity),
		get("status", "/status", "What is running.", nil, api.Status{}, s.status),
		get("backup", "/backup", "A copy of the database.", nil, nil, s.sendBackup),
		post("map", "/map", "Try a mapping; nothing is stored and nothing is sent.", map[string]any{}, false, s.dryRun),
		post("reload", "/reload", "Read the config anew and put it in force; the old one stays if anything is wrong with the new one.", nil, true, s.reload),
		get("openapi", "/openapi.json", "This document.", nil, map[string]any{}, s.openapi),
	}
	for i := range ops {
		switch o := &ops[i]; o.id {
		case "backup", "importBonds":
			o.need = Admin
			if o.id == "importBonds" {
				o.answer = api.Imported{}
			}
		case "beginRepair":
			o.answer, o.status = api.Repair{}, http.StatusAccepted
		case "reload":
			o.need, o.answer = Admin, api.Reloaded{}
		case "erase":
			o.need, o.answer = Admin, api.Erased{}
		case "resumeStore":
			o.need, o.answer = Admin, api.StoreResumed{}
		case "map":
			o.answer = map[string]any{}
		case "testDestination":
			o.answer = api.Tested{}
		}
	}
	return ops
}

// addAPI routes every operation, and says what there is where somebody errs.
func (s *server) addAPI(mux *http.ServeMux) {
	byPath := map[string]methods{}
	for _, o := range s.ops {
		if byPath[o.path] == nil {
			byPath[o.path] = methods{}
		}
		serve := o.serve
		if o.takesKey() {
			serve = s.once(o.serve)
		}
		byPath[o.path][o.method] = s.having(o.need, serve)
	}
	for path, m := range byPath {
		mux.Handle(api.Prefix+path, s.forPrograms(Viewer, m))
	}
	for path, known := range map[string]string{
		"/events/{id}/{verb}": "retry, ignore, settle, files/1", "/lanes/{verb}": "pause, resume, retry",
		"/destinations/{name}/{verb}": "pause, resume, test", "/bonds/{verb}": "link, unlink, move, import",
		"/quarantine/{id}/{verb}": "retry, assign, discard",
		"/duties/{verb}":          "pause, resume",
	} {
		mux.Handle(api.Prefix+path, s.forPrograms(Viewer, methods{"": func(http.ResponseWriter, *http.Request) error {
			return problem(api.NotFound, "there is no such command here; there are "+known)
		}}))
	}
	mux.Handle("/api/", s.forPrograms(Viewer, methods{"": func(http.ResponseWriter, *http.Request) error {
		return problem(api.NotFound, "there is nothing at this address")
	}}))
}

// having serves callers with at least a role.
func (s *server) having(need Role, serve answer) answer {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := allowed(callerOf(r.Context()), need); err != nil {
			return err
		}
		return serve(w, r)
	}
}
