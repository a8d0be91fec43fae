package main_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/soap/ssptest"
)

// What the load consists of.
const (
	lives   = 6  // tasks at each vendor that live their whole life, driven from both ends
	streams = 10 // tasks at each vendor with two outside senders, one for each direction
)

// The binary is killed at random moments under load from many clients that repeat until they are
// answered with 2xx. Afterwards everything that was answered with 2xx has had its effect, once, in
// order, except that an event whose record shows a try of unknown outcome may have had it once
// more for each such try.
//
// PERGABRIDGE_KILLS sets the number of kills (default 20), PERGABRIDGE_SEED repeats a run's chances.
func TestKill(t *testing.T) {
	t.Parallel()
	kills := number(t, "PERGABRIDGE_KILLS", 20)
	seed := uint64(number(t, "PERGABRIDGE_SEED", int(time.Now().Unix()&0xffffff)))
	t.Logf("PERGABRIDGE_SEED=%d PERGABRIDGE_KILLS=%d", seed, kills)

	w := newWorld(t, underLoad(seed))
	began := time.Now()
	w.start()

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute+time.Duration(kills)*5*time.Second)
	defer cancel()
	l := newLoad(ctx, w)
	l.begins(seed)
	early := w.killOften(ctx, kills, rand.New(rand.NewPCG(seed, 1)))
	l.end(t)
	v := l.verdict(t)
	loaded := time.Since(began)
	w.stop()
	t.Logf("kill test: %d events in %.1f s, %d effects at the ends, %d kills (%d before it was ready), %d leases left unknown, %d effects repeated because of that; seed %d",
		len(v.events), loaded.Seconds(), v.effects, kills, early, w.unknowns(), v.repeated, seed)
	require.Greater(t, v.effects, kills*5, "there was hardly any load")
}

func number(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

// killOften kills and restarts; it returns how often the bridge was killed before it was ready.
func (w *world) killOften(ctx context.Context, kills int, dice *rand.Rand) (early int) {
	running := w.bridge
	for range kills {
		life := 200*time.Millisecond + time.Duration(dice.IntN(1500))*time.Millisecond
		if dice.IntN(4) == 0 { // it has only just been started
			life = time.Duration(dice.IntN(300)) * time.Millisecond
			early++
		} else {
			w.ready(running)
		}
		pause(ctx, life)
		running.kill()
		running = w.launch()
	}
	w.ready(running)
	return early
}

// A load is everything that calls in.
type load struct {
	w     *world
	ctx   context.Context
	calm  time.Duration // between two things that one of them does, beside chance
	stop  chan struct{} // closed when no new work is to begin
	work  sync.WaitGroup
	mu    sync.Mutex
	paths []*path
	errs  map[string]error // by task
}

// A path is what one task must have been through, in each direction.
type path struct {
	provider, task, number string
	in                     []string          // texts at SSP
	out                    []string          // "kind text" at the vendor
	late                   []string          // texts that must have no effect
	told                   map[string]string // text → event that the sender was told
}

// underLoad is what a world needs that is killed under load. A text of unknown outcome is looked up at alpha and
// repeated at beta.
func underLoad(seed uint64) options {
	return options{
		plain:   true,
		ssp:     ssptest.Options{Echo: ssptest.EchoMixed, Duplicates: 0.1, Seed: seed, RetryEvery: 30 * time.Millisecond},
		sspKeys: "unknown: {update: {wait: 1s}, resolve: {wait: 1s}}",
		keys: map[string]string{
			alpha: "unknown: {update: {wait: 1s}, reject_solution: {wait: 1s}}",
			beta:  "unknown: {update: {wait: 1s, look_up: false}, reject_solution: {wait: 1s}}",
		},
	}
}

func newLoad(ctx context.Context, w *world) *load {
	return &load{w: w, ctx: ctx, stop: make(chan struct{}), errs: map[string]error{}}
}

// begins lets tasks live, and senders call, at both vendors.
func (l *load) begins(seed uint64) {
	for _, provider := range []string{alpha, beta} {
		for i := range lives {
			l.life(provider, rand.New(rand.NewPCG(seed, uint64(1000+i))))
		}
		for i := range streams {
			l.stream(provider, rand.New(rand.NewPCG(seed, uint64(2000+i))))
		}
	}
}

// verdict waits until everything is settled and compares both ends with what was told.
func (l *load) verdict(t *testing.T) *verdict {
	t.Helper()
	l.w.settled()
	v := newVerdict(t, l.w)
	for _, p := range l.paths {
		v.task(p)
	}
	v.processCalls()
	v.nothingElse(l.paths)
	l.w.nothingStuck()
	return v
}

// end lets what has begun come to its end.
func (l *load) end(t *testing.T) {
	t.Helper()
	close(l.stop)
	l.work.Wait()
	if len(l.errs) == 0 {
		return
	}
	v := newVerdict(t, l.w)
	for task, err := range l.errs {
		t.Errorf("%v\nat SSP: %q\nrecords: %v", err, l.w.texts(task), brief(v.of[task]))
	}
	t.Fatal(l.w.trouble())
}

// begin runs the story of one task.
func (l *load) begin(provider string, story func(*path) error) {
	l.work.Go(func() {
		p := &path{provider: provider, told: map[string]string{}}
		err := l.assign(p)
		if err == nil {
			err = story(p)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.paths = append(l.paths, p)
		if err != nil {
			l.errs[p.task] = fmt.Errorf("task %s at %s: %w", p.task, provider, err)
		}
	})
}

// assign makes the task and waits for its reference.
func (l *load) assign(p *path) (err error) {
	if p.task, err = l.w.ssp.Create(ssptest.Ticket{Title: "Load", Priority: "2"}); err != nil {
		return err
	}
	if err := l.w.ssp.Assign(p.task, p.provider); err != nil {
		return err
	}
	p.out = append(p.out, "create Load")
	return l.see("its reference", func() bool {
		t, _ := l.w.ssp.Task(p.task)
		p.number = t.Reference
		return p.number != ""
	})
}

// see waits until something is visible at SSP.
func (l *load) see(what string, f func() bool) error {
	if err := l.w.ssp.Wait(l.ctx, f); err != nil {
		return fmt.Errorf("waited in vain for %s: %w", what, err)
	}
	return nil
}

func (l *load) over() bool {
	select {
	case <-l.stop:
		return true
	case <-l.ctx.Done():
		return true
	default:
		return false
	}
}

// life is a task whose ends do what people do: texts both ways, notes that stay inside, solutions
// that are declined, and in the end SSP closes it and somebody at the vendor still answers.
func (l *load) life(provider string, dice *rand.Rand) {
	l.begin(provider, func(p *path) error {
		ssp, vendor := l.w.ssp, l.w.vendor[provider]
		for n := 0; n == 0 || !l.over(); n++ {
			text := func(kind string) string { return fmt.Sprintf("%s %s/%d", kind, p.task, n) }
			switch d := dice.IntN(10); {
			case d < 4:
				if err := ssp.UserUpdate(p.task, text("user says")); err != nil {
					return err
				}
				p.out = append(p.out, "comment "+text("user says"))
			case d < 8:
				if _, err := vendor.Reply(p.number, "bob", text("bob says"), true); err != nil {
					return err
				}
				p.in = append(p.in, text("bob says"))
			case d < 9:
				if _, err := vendor.Reply(p.number, "bob", text("between us"), false); err != nil {
					return err
				}
				p.late = append(p.late, text("between us"))
			default:
				if err := l.decline(p, text("solved"), text("declined")); err != nil {
					return err
				}
			}
			pause(l.ctx, l.calm+time.Duration(dice.IntN(60))*time.Millisecond)
		}
		return l.closing(p)
	})
}

// decline lets the vendor solve the ticket and the user decline that.
func (l *load) decline(p *path, solution, no string) error {
	if err := l.w.vendor[p.provider].Resolve(p.number, "bob", solution); err != nil {
		return err
	}
	p.in = append(p.in, solution)
	err := l.see(solution, func() bool {
		t, _ := l.w.ssp.Task(p.task)
		return t.Status == ssptest.Solved
	})
	if err != nil {
		return err
	}
	if err := l.w.ssp.DeclineSolution(p.task, no); err != nil {
		return err
	}
	p.out = append(p.out, "reopen "+no)
	return l.atVendor(p, no, "open")
}

// closing lets the user close the task once the vendor has nothing more to say; then it says more.
func (l *load) closing(p *path) error {
	err := l.see("the last text", func() bool {
		got := l.w.texts(p.task)
		return len(p.in) == 0 || len(got) > 0 && got[len(got)-1] == p.in[len(p.in)-1]
	})
	if err != nil {
		return err
	}
	if err := l.w.ssp.CloseByUser(p.task, "thanks"); err != nil {
		return err
	}
	p.out = append(p.out, "close")
	if err := l.atVendor(p, "the end", "closed"); err != nil {
		return err
	}
	late := "too late " + p.task
	p.late = append(p.late, late)
	_, err = l.w.vendor[p.provider].Reply(p.number, "bob", late, true)
	return err
}

func (l *load) atVendor(p *path, what, status string) error {
	for {
		if t, _ := l.w.vendor[p.provider].Ticket(p.number); t.Status == status {
			return nil
		}
		if l.ctx.Err() != nil {
			return fmt.Errorf("waited in vain until the ticket is %s (%s)", status, what)
		}
		pause(l.ctx, 5*time.Millisecond)
	}
}

// stream is a task with an outside sender for each direction, each one call after the other, with
// ids, and with repeats: after the answer, and two copies at once.
func (l *load) stream(provider string, dice *rand.Rand) {
	l.begin(provider, func(p *path) error {
		var both sync.WaitGroup
		var errIn, errOut error
		in, out := rand.New(rand.NewPCG(dice.Uint64(), 1)), rand.New(rand.NewPCG(dice.Uint64(), 2))
		told := map[string]string{} // of the second sender; p has its own map
		both.Go(func() {
			errIn = l.sender(in, p.told, func(n int) (string, post) {
				text := fmt.Sprintf("hook %s/%d", p.task, n)
				p.in = append(p.in, text)
				return text, l.w.comment(provider, fmt.Sprintf("ext-%s-%d", p.task, n), p.number, text)
			})
		})
		both.Go(func() {
			errOut = l.sender(out, told, func(n int) (string, post) {
				text := fmt.Sprintf("call %s/%d", p.task, n)
				p.out = append(p.out, "comment "+text)
				return text, l.w.call(provider, map[string]any{"task": p.task, "text": text, "message_id": fmt.Sprintf("msg-%s-%d", p.task, n)})
			})
		})
		both.Wait()
		for text, id := range told {
			p.told[text] = id
		}
		if errIn != nil {
			return errIn
		}
		return errOut
	})
}

// sender makes one call after the other, each until it is answered with 2xx, and some again.
func (l *load) sender(dice *rand.Rand, told map[string]string, next func(n int) (string, post)) error {
	for n := 0; n == 0 || !l.over(); n++ {
		text, p := next(n)
		copies := 1 + dice.IntN(2)*dice.IntN(3) // mostly one, sometimes up to three at once
		answers, errs := make([]answer, copies), make([]error, copies)
		var wg sync.WaitGroup
		for i := range copies {
			wg.Go(func() { answers[i], errs[i] = l.w.insist(l.ctx, p) })
		}
		wg.Wait()
		if dice.IntN(5) == 0 { // the answer got lost, the sender thinks
			a, err := l.w.insist(l.ctx, p)
			answers, errs = append(answers, a), append(errs, err)
		}
		for i, a := range answers {
			if errs[i] != nil {
				return fmt.Errorf("%s: %w", text, errs[i])
			}
			// It waits while a text of ours is on its way to the vendor, whose comment it could be.
			if known := map[word]bool{"accepted": true, "duplicate": true, "waiting": true}; a.Event == "" || a.Event != answers[0].Event || !known[a.Status] {
				return fmt.Errorf("%s: told %s after %s", text, a.body, answers[0].body)
			}
		}
		told[text] = answers[0].Event
		pause(l.ctx, l.calm+time.Duration(dice.IntN(40))*time.Millisecond)
	}
	return nil
}
