// Package tehden is the provider kind tehden: a fulfilment task about a customer creates or updates that
// customer in Tehden.
//
// # Going out
//
// A submit looks for the customer: by the external pair, then by the identifier, then by a search. One
// that is there is updated, one that is not is created, as the config allows; then contact info is
// written. The external pair is made of a stable key of the customer, never of the task, and both its
// parts are sent or none. The bond's reference is the customer's id and the task, "1001/4711", because a
// reference belongs to one task and a customer to many. The mapping may let SSP's task be resolved at once.
// Later events take the operation that the mapping names.
//
// Two tasks of one new customer make one customer: deliveries run one at a time over all replicas
// (limits.in_flight is 1), and within a process one customer is written by one task at a time. After a lost
// answer the customer is looked up. What cannot be looked up (contact info) is left to a person.
//
// A customer can be excluded from the interface, so that one who is not found may still exist; create
// has to be written out for that reason. If the vendor names several customers, a person decides.
//
// # What is assumed
//
// The base path, the verbs of four operations and most fields are not published; see docs/vendors.md. All
// of it is data in profile.yaml. Tokens: password or authorization-code grant; they travel as Bearer.
package tehden
