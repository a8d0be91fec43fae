package provider

import (
	"context"
	"encoding/json"
)

// Operations lets an operator make single calls of a provider by hand. Kinds with a typed client
// have it.
type Operations interface {
	// List returns every operation the provider knows.
	List() []OperationInfo
	// Show returns the call as it would be sent, without sending it, and what the vendor's own
	// description objects to.
	Show(operation string, in json.RawMessage) (call string, objections []string, err error)
	// Call makes the call and returns the answer, secrets masked.
	Call(ctx context.Context, operation string, in json.RawMessage) (answer string, err error)
}

// OperationInfo describes one operation to people.
type OperationInfo struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Reads  bool   `json:"reads"`
	// Disabled operations are refused until the config enables them.
	Disabled bool     `json:"disabled,omitempty"`
	Fields   []string `json:"fields"` // * marks the required ones
	// Assumed names what the vendor has not published.
	Assumed []string `json:"assumed,omitempty"`
}

// A Checker tries a provider out without changing anything there.
type Checker interface {
	Check(ctx context.Context) []CheckResult
}

// CheckResult is one thing that was tried.
type CheckResult struct {
	What   string `json:"what"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// A Redeemer takes the code that a person got at a vendor's authorization page. A [Checker] may be
// one.
type Redeemer interface {
	Redeem(ctx context.Context, code string) error
}
