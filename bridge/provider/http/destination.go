package httpprovider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/files"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/secret"
)

// Destination delivers events by the calls of the config. It implements [bridge.Destination],
// [bridge.Finder] and [bridge.Renderer].
type Destination struct {
	name   string
	config *Config
	client *outbound.Client
	files  *files.Opener
}

// prepare chooses the operation and builds its request. A nil operation with a nil error cannot
// happen with a validated config.
func (d *Destination) prepare(ctx context.Context, l *bridge.Lease) (name string, op *Operation, env map[string]any, r outbound.Request, err error) {
	name, op = d.config.choose(l)
	if op == nil {
		return name, nil, nil, r, fmt.Errorf("send.%s is not configured", name)
	}
	if op.Skip {
		return name, op, nil, r, nil
	}
	if op.mentions("bond.reference") && strings.TrimSpace(l.Bond.Reference) == "" {
		return name, op, nil, r, errNoReference
	}
	env = d.env(l, name)
	if op.mentions("event.files") {
		if err := d.open(ctx, l, env); err != nil {
			return name, op, env, r, &notOpened{err}
		}
	}
	r, err = d.config.request(&op.Call, env, false)
	if err != nil {
		return name, op, env, r, fmt.Errorf("send.%s: %w", name, err)
	}
	r.ID = l.Event.ID
	if l.Event.Trace != "" && r.Header.Get("Traceparent") == "" {
		r.Header.Set("Traceparent", headerValue(l.Event.Trace))
	}
	return name, op, env, r, nil
}

var errNoReference = errors.New("the call needs bond.reference, and the provider's ticket number is not known yet")

// env returns what the operation's expressions see.
func (d *Destination) env(l *bridge.Lease, operation string) map[string]any {
	x := *l
	if operation != string(x.Event.Kind) && strings.TrimSpace(x.Event.Text) == "" {
		// A submit that another kind's call carries: its news is in the description.
		x.Event.Text = x.Event.Description
		if strings.TrimSpace(x.Event.Text) == "" {
			x.Event.Text = x.Event.Title
		}
	}
	return d.config.Tables.Env(mapping.LeaseEnv(x))
}

// notOpened means that the files of an event could not be read now.
type notOpened struct{ error }

// open gives the files of the event their bytes; expressions see them as event.files.
func (d *Destination) open(ctx context.Context, l *bridge.Lease, env map[string]any) error {
	if d.files == nil {
		return nil
	}
	give, name, err := d.files.Offer(ctx, &l.Event)
	if err != nil {
		return err
	}
	e := env["event"].(mapping.Event) // LeaseEnv put it there
	e.Files = mapping.FilesEnv(give, name)
	env["event"] = e
	return nil
}

// Deliver makes the call that the config has for the event.
func (d *Destination) Deliver(ctx context.Context, l bridge.Lease) bridge.Outcome {
	name, op, env, r, err := d.prepare(ctx, &l)
	var unopened *notOpened
	switch {
	case errors.As(err, &unopened):
		return bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.NotSent, Detail: secret.Mask(d.name + ": " + err.Error())}
	case errors.Is(err, errNoReference):
		return bridge.Outcome{Kind: bridge.OutcomeRetry, Reason: bridge.NoReference, Detail: d.name + ": " + err.Error()}
	case err != nil:
		return bridge.Outcome{Kind: bridge.OutcomeRefused, Reason: bridge.MappingFailed, Detail: secret.Mask(d.name + ": " + err.Error())}
	case op.Skip:
		return bridge.Outcome{Kind: bridge.OutcomeDone, Reason: bridge.Skipped, Detail: "send." + name + " is skip: the provider is not told"}
	}
	a, err := d.client.Do(ctx, r)
	opens := name == "submit" || name == "open_linked"
	out := op.judge(env, a, err, opens)
	out.Request = r.Excerpt()
	out.Detail = outbound.Excerpt([]byte(out.Detail))
	return out
}

// Find asks the look-up that belongs to the call whose outcome is unknown.
func (d *Destination) Find(ctx context.Context, l bridge.Lease) (bridge.Found, error) {
	var cannot bridge.Found
	name, op := d.config.choose(&l)
	look := d.config.Find.by(name)
	if op == nil || op.Skip || look == nil {
		return cannot, nil
	}
	if look.mentions("bond.reference") && strings.TrimSpace(l.Bond.Reference) == "" {
		return cannot, nil
	}
	env := d.env(&l, name)
	r, err := d.config.request(&look.Call, env, true)
	if err != nil {
		return cannot, fmt.Errorf("%s: find.%s: %w", d.name, name, err)
	}
	a, err := d.client.Do(ctx, r)
	if err != nil {
		return cannot, fmt.Errorf("%s: find.%s: %w", d.name, name, err)
	}
	if slices.Contains(look.AbsentOn, a.Status) {
		return bridge.Found{Answer: bridge.NotThere}, nil
	}
	env = answerEnv(env, a)
	ok, err := look.succeeded(env, a)
	switch {
	case err != nil:
		return cannot, fmt.Errorf("%s: find.%s: success: %w", d.name, name, err)
	case !ok || outbound.LoginPage(a):
		return cannot, fmt.Errorf("%s: find.%s: status %d: %s", d.name, name, a.Status, firstLine(a.Body))
	}
	found, err := look.found(env, &l, name == "submit" || name == "open_linked")
	if err != nil {
		return cannot, fmt.Errorf("%s: find.%s: %w", d.name, name, err)
	}
	return found, nil
}

func (k *Lookup) found(env map[string]any, l *bridge.Lease, opens bool) (bridge.Found, error) {
	v, err := k.Found.Value(env)
	if err != nil {
		return bridge.Found{}, fmt.Errorf("found: %w", err)
	}
	switch v {
	case nil:
		return bridge.Found{}, nil
	case false:
		return bridge.Found{Answer: bridge.NotThere}, nil
	case true:
	default:
		return bridge.Found{}, fmt.Errorf("found: gave %T, wanted true, false or nil", v)
	}
	if !opens {
		return bridge.Found{Answer: bridge.IsThere}, nil
	}
	ref, err := k.Reference.String(env)
	if err != nil {
		return bridge.Found{}, fmt.Errorf("reference: %w", err)
	}
	ref = strings.TrimSpace(ref)
	if ref == "" || l.Bond.Reference != "" && ref == l.Bond.Reference {
		// It found the ticket that was there before, not the one that this call may have opened.
		return bridge.Found{}, nil
	}
	return bridge.Found{Answer: bridge.IsThere, Reference: ref}, nil
}

func firstLine(b []byte) string {
	s, _, _ := strings.Cut(outbound.Excerpt(b[:min(len(b), 200)]), "\n")
	return s
}

// Render shows the call that Deliver would make, without credentials.
func (d *Destination) Render(l bridge.Lease) (string, error) {
	name, op, _, r, err := d.prepare(context.Background(), &l)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", d.name, err)
	case op.Skip:
		return "nothing is sent: send." + name + " is skip\n", nil
	}
	return r.Show(), nil
}
