// Package soap is SSP as a destination: it applies inbound events to a task by the three
// operations of SSP's WorkflowService.
//
//	acknowledge   ProcessInstanceTaskExternalAcknowledgement(processInstanceTaskId, externalReference)
//	update        ProcessInstanceTaskExternalUpdateMessage(processInstanceTaskId, message)
//	resolve       ProcessInstanceTaskExternalReassignment(processInstanceTaskId, solution)
//
// These names of arguments are the default contract. What another installation has instead is bound
// in the config (`operations`, package binding); [Inspect] proposes a binding, [Verify] proves it.
//
// # The call
//
// The default contract is spoken by the client that gowsdl generates from our own WSDL (package
// workflow); a bound one goes through the same client of gowsdl with a request that marshals itself.
// Both post through package outbound, both answers are judged by the same rules, and both pass the
// same tests. Between gowsdl and outbound sits a transport of ours that makes the
// client fit for an ASP.NET .asmx service: it clears the request's close flag, which would open a
// connection per call; quotes SOAPAction; bounds and transcodes the answer; hands a fault that came
// with HTTP 500 to gowsdl's fault parser, which looks at 200 only; and keeps away what gowsdl would
// trip over (MIME packages, answers that are not SOAP). It also turns calls and answers of SOAP 1.2
// (`version`) into what gowsdl knows.
//
// Texts are made legal for XML 1.0: control characters that it cannot hold are removed. Line ends
// arrive as they were; a carriage return travels as a character reference. Empty arguments are
// sent as empty elements, not left out.
//
// # The outcome
//
// HTTP 200 is not a success by itself. In this order:
//
//	no byte was written                        retry, not_sent
//	no complete answer came                    unknown, no_answer
//	a SOAP fault, at any status                by its code: Server as on_fault.server says (retry),
//	                                           everything else as on_fault.client says (refused)
//	a web page with a password field           retry, unauthorized
//	another status than 2xx                    as package outbound classifies it; 404, 405 and 415
//	                                           mean the address is wrong: retry; so does a web
//	                                           page with 400
//	another web page                           retry, unavailable: a sorry page, the service never
//	                                           saw the call
//	no body, not SOAP, wrong root element      unknown, bad_answer: something that is not the service
//	                                           as we know it has taken the call
//	the success test of the binding            done or refused; unknown, bad_answer if it fails
//	without one: the result is false, a        refused
//	  negative number, or begins with "error"
//	  or "exception"
//	any other result, none, an empty response  done
//
// What does not come from the service but from what stands before it (401, 403, 404, 405, 407, login
// pages, web pages with 500) is told with its likely cause and the key of the config to change.
//
// # The contract gate
//
// Names of arguments are not public; ours are a guess, and an .asmx service takes a call with wrong
// names without complaint and sees nothing in it. So nothing is sent before the service's own WSDL,
// fetched from url?WSDL with what it imports from the same server, or read from the file `wsdl`, was
// found to fit: with `operations`, every bound argument is there, every argument that is there is
// bound or ignored, and every constant fits its type; without, the three operations have exactly our
// arguments in exactly this form. With `fingerprint`, the three operations are also those that a
// person has confirmed ([Destination.Contract]). Until then every delivery
// ends as retry with Down set and reason contract_changed or contract_unreachable: lanes wait, they
// do not park. The contract is checked again every quarter of an hour, every 20 seconds while it
// does not hold, and after a fault that says the operation is not known. A description that cannot be
// fetched any more does not undo an earlier check. `contract: assumed` switches the gate off.
//
// None of this keeps the bridge from starting: SSP may never call again. [Config.CheckContract] is
// what `pergabridge check` asks.
//
// # Routes
//
// An operation can go another way than by SOAP: [Deps.Routes] takes the destination that it goes to.
package soap
