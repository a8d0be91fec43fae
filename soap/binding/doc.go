// Package binding puts what the bridge has to say into the arguments that an installation's
// WorkflowService takes.
//
// The names of the arguments are not public and differ per installation, and an .asmx service takes
// a call with wrong names without complaint and sees nothing in it. So a binding is written in the
// config, argument by argument, and compared with the service's own description before anything is
// sent ([Bind]): a bound argument that the description does not have, and an argument of the
// description that the binding does not mention, are findings, and a contract with findings is not
// called. Nothing is guessed at run time; guesses are made once, by [Propose], for a person to check.
//
// # Arguments
//
// Each argument is given by its name, the parts of a complex one by the way to it, dotted:
//
//	arguments:
//	  p_intTaskId: task                                              # a role
//	  p_strText: {role: message, limit: 4000, over: split, omit_if_empty: true}
//	  p_strSystem: {value: "BRIDGE"}                                 # a constant
//	  p_strPassword: {secret: {env: SSP_PASSWORD}}
//	  p_strHash: {hash: {algorithm: sha256, over: [secret, p_intTaskId], secret: {env: SSP_HASH}}}
//	  request.Priority: ignore                                       # is not sent
//
// The roles are task, reference, message and solution (both are the text of the event), author and
// status (the field "status" of the event). A hash is over the values of other arguments as they are
// sent, joined by separator, in UTF-8.
//
// What is sent has the order, the namespaces and the lexical forms of the description. An empty
// text is sent as an empty element. An empty value of any other type is left out when the
// description allows that, sent as xsi:nil where it allows that, and otherwise fails. A value that
// does not fit the type ("T-1" for an int) fails the event with mapping_failed; nothing is sent.
//
// # Long texts
//
// limit counts characters as .NET does (UTF-16). A longer text is cut, ending in an ellipsis, or
// split: a message then becomes several calls, marked (1/3), in order. Which of them were made is
// kept in memory only: when the bridge is restarted, or another replica goes on, between two parts,
// the event begins at the first part again. A solution can only be cut, because a second call would
// not be taken.
//
// # Fingerprint
//
// [Contract.Fingerprint] covers the three bound operations as the description has them: names, style,
// action, the arguments with types and order, the answer. A confirmed fingerprint in the config holds
// the calls when the service changes, even where the binding would still fit.
package binding
