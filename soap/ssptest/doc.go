// Package ssptest is a fake SSP: its WorkflowService over HTTP, and behind it the tasks of
// integrated groups, which call the bridge as SSP's group processes do. It is for tests and for the
// demo; it needs no testing.T.
//
// # Tasks
//
//	what happens                       who      request type, direction of the process call
//	Assign, Reassign                   SSP      Submit Request, Out (reference empty at first)
//	UserUpdate                         SSP      Update, Out
//	DeclineSolution (solved tasks)     SSP      Resolution Rejection, Out
//	CloseByUser                        SSP      Closed, Out
//	…ExternalAcknowledgement           bridge   empty, In (can be switched off)
//	…ExternalUpdateMessage             bridge   Update, In
//	…ExternalReassignment              bridge   Reassigned, In; the task is solved
//
// A task moves new → assigned → solved → assigned (declined) or closed. What does not fit the state
// ends in a fault, as an exception in SSP would: a task nobody knows, a solution for a task that is
// solved or closed, a message for a closed one.
//
// Process calls of one task are made one after the other, in order, and repeated until they are
// answered with 2xx; one that is answered with another 4xx than 408 and 429 is given up.
//
// # The service
//
// It behaves as a real ASP.NET host was seen to behave: it routes by SOAPAction (SOAP 1.1) or the
// action parameter (1.2), answers unknown actions, a wrong envelope and every exception with a fault
// and HTTP 500, XML that cannot be parsed with 400 and nothing, an unknown content type with 415;
// and it takes a call with wrong argument names or namespaces without complaint and sees null.
//
// [Server.Script] makes calls fail in every way a caller must survive; [Server.Down] takes the
// whole thing off the network. Everything that took effect is in a ledger ([Server.Effects]).
package ssptest
