package vendorapi

import (
	"errors"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// A Failure is a call that was not done.
type Failure struct {
	Op      string
	Outcome bridge.Outcome
}

// Error says what happened, secrets masked.
func (f *Failure) Error() string {
	if f.Outcome.Detail == "" {
		return f.Op + ": " + string(f.Outcome.Reason)
	}
	return f.Outcome.Detail // names the provider and the operation
}

// Down reports whether the failure says something about the whole vendor.
func (f *Failure) Down() bool { return f.Outcome.Down }

// After is how long the vendor asked us to wait.
func (f *Failure) After() time.Duration { return f.Outcome.After }

// Unmapped is what comes of a mapping that cannot be carried out: nothing was sent, and a person has to correct
// the config. what names the key.
func Unmapped(provider, what string, err error) error {
	return refused(provider, what, bridge.MappingFailed, what+": "+err.Error())
}

// Refused is what comes of a call that is not made, or not believed: a person has to decide.
func Refused(provider, op, why string) error {
	return refused(provider, op, bridge.RefusedAnswer, why)
}

func refused(provider, op string, reason bridge.Reason, why string) error {
	return &Failure{op, bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: reason, Detail: secret.Mask(provider + ": " + why)}}
}

// OutcomeOf returns what an error means for the event on whose behalf the call was made; nil is done.
func OutcomeOf(err error) bridge.Outcome {
	var f *Failure
	switch {
	case err == nil:
		return bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Delivered}
	case errors.As(err, &f):
		return f.Outcome
	}
	return bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.InternalError, Detail: secret.Mask(err.Error())}
}

// FirstText returns the first text that is not blank.
func FirstText(s ...string) string {
	for _, x := range s {
		if strings.TrimSpace(x) != "" {
			return x
		}
	}
	return ""
}
