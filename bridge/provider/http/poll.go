package httpprovider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/mapping"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/bridge/provider"
)

// Poll asks the provider for what changed.
type Poll struct {
	Every    config.Duration `yaml:"every" default:"60s" doc:"time between two questions"`
	Call     `yaml:",inline"`
	Items    mapping.Expr     `yaml:"items" required:"true" doc:"the list of changes in the answer"`
	Item     mapping.Tree     `yaml:"item" doc:"what the rules see as body and item, made of item; default: the element of the list"`
	Cursor   mapping.Expr     `yaml:"cursor" doc:"where to go on next time, from the answer; default: the time of the question"`
	Next     mapping.Expr     `yaml:"next" doc:"the next page: its address, a token for the url or query, or true to count page up; nothing or false on the last one"`
	Since    string           `yaml:"since" doc:"where the very first question begins; default: now"`
	Overlap  *config.Duration `yaml:"overlap" doc:"how far a cursor that is a time is set back, against clocks and late commits; default 2m without cursor, else 0"`
	MaxPages int              `yaml:"max_pages" default:"100" doc:"pages fetched for one question; the next one goes on behind them if there is a cursor, which they must move"`
}

const defaultOverlap = 2 * time.Minute

// maxBackoff bounds the pause after failures in a row.
const maxBackoff = 15 * time.Minute

func (c *Config) validatePoll(n *config.Node) {
	p, at := c.Poll, n.Key("poll")
	ask := mapping.Polling
	c.validateCall(at, &p.Call, ask, mapping.Polled)
	for _, e := range []mapping.Expr{p.Items, p.Cursor, p.Next} {
		e.Within(mapping.Polled)
		c.Tables.Check(at, e.Tables())
	}
	p.Item.Within(append([]string{"item"}, mapping.Polled...))
	if p.Every < config.Duration(time.Second) {
		at.Key("every").Problemf("every: 60s", "must be at least 1s")
	}
	if p.Overlap != nil && *p.Overlap < 0 {
		at.Key("overlap").Problemf("", "must not be negative")
	}
	if p.MaxPages < 1 {
		at.Key("max_pages").Problemf("", "must be at least 1")
	}
	if c.Inbound == nil {
		at.Problemf("inbound: {rules: […]}", "needs inbound rules that turn changes into events")
	}
	for name, t := range c.Headers {
		if t.Mentions("event") || t.Mentions("bond") || t.Mentions("attempt") {
			n.Key("headers").Key(name).Problemf("move it to the headers of the calls under send", "a poll has no event, bond or attempt")
		}
	}
	if !p.mentions("cursor") {
		at.Problemf(`query: {since: "${cursor}"}`, "does not use cursor, so every question brings everything")
	}
}

// pollSource is the poll of one provider.
type pollSource struct {
	name     string
	config   *Config
	client   caller
	receiver *Receiver
	log      *slog.Logger
	now      func() time.Time
}

// caller makes calls; it is an [outbound.Client].
type caller interface {
	Do(ctx context.Context, r outbound.Request) (outbound.Answer, error)
}

// Run asks at every interval until ctx or the duty ends.
func (s *pollSource) Run(ctx context.Context, d bridge.Duty) error {
	if d.Cursor() == "" {
		begin := s.config.Poll.Since
		if since := bridge.Since(d); !since.IsZero() { // the ledger was reset: not behind what a person said
			begin = stamp(since)
		}
		if begin == "" {
			begin = stamp(s.now())
		}
		// Saved at once: what changes before the first answer must not be missed.
		if _, err := d.Accept(ctx, nil, begin); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("%s: poll: %w", s.name, err)
		}
	}
	var cursor string
	load := func(saved string) error { cursor = saved; return nil }
	return provider.Rounds{Name: s.name, Every: s.config.Poll.Every.Std(), MaxPause: maxBackoff, Log: s.log}.Run(ctx, d, load, func(ctx context.Context) (err error) {
		cursor, err = s.round(ctx, d, cursor)
		return err
	})
}

// later is an answer that says when to come back.
type later struct {
	error
	after time.Duration
}

// After is the time that the provider asked for.
func (l later) After() time.Duration { return l.after }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// round asks one question, all pages of it. The cursor is saved with the last page, so that a round
// which breaks off is asked again; ids make what was accepted already a duplicate.
func (s *pollSource) round(ctx context.Context, d bridge.Duty, cursor string) (next string, err error) {
	p := s.config.Poll
	asked := s.now()
	from, err := s.setBack(cursor)
	if err != nil {
		return cursor, err
	}
	env := s.config.Tables.Env(map[string]any{"cursor": from, "now": asked, "page": 1, "next": nil})
	next, address := cursor, ""
	for page := 1; ; page++ {
		env["page"] = page
		answer, err := s.ask(ctx, env, address)
		if err != nil {
			return cursor, fmt.Errorf("page %d: %w", page, err)
		}
		events, err := s.read(ctx, answer, asked)
		if err != nil {
			return cursor, fmt.Errorf("page %d: %w", page, err)
		}
		if next, err = s.moved(answer, next, asked); err != nil {
			return cursor, fmt.Errorf("page %d: cursor: %w", page, err)
		}
		more, err := p.Next.Value(answer)
		if err != nil {
			return cursor, fmt.Errorf("page %d: next: %w", page, err)
		}
		last := more == nil || more == false || more == ""
		save := cursor
		full := !last && page >= p.MaxPages
		goesOn := full && !p.Cursor.IsZero() && s.ahead(cursor, next)
		if last || goesOn {
			save = next
		}
		if _, err := d.Accept(ctx, events, save); err != nil {
			return cursor, fmt.Errorf("page %d: %w", page, err)
		}
		switch {
		case last:
			return next, nil
		case goesOn:
			s.log.Info("poll goes on next time", "provider", s.name, "pages", page)
			return next, nil
		case full && !p.Cursor.IsZero():
			return cursor, fmt.Errorf("max_pages (%d) pages lead from cursor %q to %q only, so what comes behind them is never seen: raise max_pages", p.MaxPages, cursor, next)
		case full:
			return cursor, fmt.Errorf("more than max_pages (%d) pages", p.MaxPages)
		}
		env["next"] = more
		if address, err = s.follow(more, address, env); err != nil {
			return cursor, err
		}
	}
}

// overlap is how far a cursor is set back; with one, the cursor is a time.
func (p *Poll) overlap() time.Duration {
	switch {
	case p.Overlap != nil:
		return time.Duration(*p.Overlap)
	case p.Cursor.IsZero():
		return defaultOverlap
	}
	return 0
}

// ahead reports whether a round that begins at next sees more than one that begins at cursor. Many records of one
// time fill all pages without moving it.
func (s *pollSource) ahead(cursor, next string) bool {
	if s.config.Poll.overlap() == 0 {
		return next != cursor
	}
	from, err := mapping.ParseDate(cursor, time.UTC)
	if err != nil {
		return false
	}
	to, err := mapping.ParseDate(next, time.UTC)
	return err == nil && to.Truncate(time.Second).After(from.Truncate(time.Second)) // as setBack asks
}

// setBack moves a cursor that is a time back by the overlap.
func (s *pollSource) setBack(cursor string) (string, error) {
	overlap := s.config.Poll.overlap()
	if overlap == 0 {
		return cursor, nil
	}
	t, err := mapping.ParseDate(cursor, time.UTC)
	if err != nil {
		return "", fmt.Errorf("overlap needs a cursor that is a time: %w", err)
	}
	return stamp(t.Add(-overlap)), nil
}

// moved returns the cursor after an answer.
func (s *pollSource) moved(answer map[string]any, cursor string, asked time.Time) (string, error) {
	if s.config.Poll.Cursor.IsZero() {
		return stamp(asked), nil
	}
	c, err := s.config.Poll.Cursor.String(answer)
	if err != nil || strings.TrimSpace(c) == "" {
		return cursor, err // an empty answer often has none: stay
	}
	return c, nil
}

// ask makes one call and returns what expressions see of its answer.
func (s *pollSource) ask(ctx context.Context, env map[string]any, address string) (map[string]any, error) {
	r, err := s.config.request(&s.config.Poll.Call, env, true)
	if err != nil {
		return nil, err
	}
	if address != "" {
		r.URL = address
	}
	a, err := s.client.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	out := answerEnv(env, a)
	ok, err := s.config.Poll.succeeded(out, a)
	switch {
	case err != nil:
		return nil, fmt.Errorf("success: %w", err)
	case outbound.LoginPage(a):
		return nil, later{errors.New("the answer is a login page"), a.RetryAfter}
	case !ok:
		return nil, later{fmt.Errorf("status %d: %s", a.Status, firstLine(a.Body)), a.RetryAfter}
	}
	return out, nil
}

// read turns the items of an answer into events by the same rules as webhooks.
func (s *pollSource) read(ctx context.Context, answer map[string]any, asked time.Time) ([]bridge.Event, error) {
	items, err := s.config.Poll.Items.List(answer)
	if err != nil {
		return nil, fmt.Errorf("items: %w", err)
	}
	if items == nil { // an empty list is one; without any, moving the cursor would lose what changed
		return nil, errors.New("items: the answer holds no list; write `?? []` behind it if that is right")
	}
	var events []bridge.Event
	for i, item := range items {
		if tree := s.config.Poll.Item; !tree.IsZero() {
			if item, err = tree.Eval(with(answer, map[string]any{"item": item})); err != nil {
				return nil, fmt.Errorf("item %d: %w", i+1, err)
			}
		}
		body, err := json.Marshal(item)
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		got, err := s.receiver.Receive(ctx, bridge.Inbound{
			Provider: s.name, Entrance: bridge.ByPoll, ContentType: "application/json", Body: body, Received: asked,
		})
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i+1, err)
		}
		events = append(events, got...)
	}
	return events, nil
}

// follow returns the address of the next page, if next is one; only the provider's own host is
// followed, because the answer, not the config, named it.
func (s *pollSource) follow(next any, current string, env map[string]any) (string, error) {
	link, ok := next.(string)
	if !ok || !strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "http://") && !strings.HasPrefix(link, "https://") {
		return "", nil
	}
	if current == "" {
		r, err := s.config.request(&s.config.Poll.Call, env, true)
		if err != nil {
			return "", err
		}
		current = r.URL
	}
	base, err := url.Parse(current)
	if err != nil {
		return "", fmt.Errorf("next: %w", err)
	}
	u, err := base.Parse(link)
	if err != nil {
		return "", fmt.Errorf("next: not an address")
	}
	if u.Scheme != base.Scheme || u.Host != base.Host {
		return "", fmt.Errorf("next: leads to another host (%s)", u.Host)
	}
	return u.String(), nil
}
