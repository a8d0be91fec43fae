package main_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/store/redis/redistest"
	"github.com/pergabridge/pergabridge/mailin/dovecottest"
)

// letters is how many tasks at each vendor get their news by mail.
const letters = 3

// Three replicas share a Redis that keeps every write on disk. They and it are killed in a seeded random
// order under load from both ends, a mailbox included. Afterwards everything that was answered with 2xx
// has had its effect, once, in order, except that an event whose record shows a try of unknown outcome
// may have had it once more for each such try.
//
// PERGABRIDGE_FLEET_SECONDS sets how long (default 15), PERGABRIDGE_SEED repeats a run's chances.
func TestKillReplicasAndRedis(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t)
	f, l, seed := newStorm(t, onRedis(r.URL(), ""))
	f.start()
	storm(t, f, l, r, seed, nil)
	f.stop()
}

// The same through a network that loses answers, keeps them back and breaks connections.
func TestKillReplicasOnABadNetwork(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t)
	p := redistest.StartProxy(t, r.Addr())
	f, l, seed := newStorm(t, onRedis(p.URL(), ""))
	f.start()
	// By the number of the answer: the proxy asks from many connections at once.
	chance := func(n int64, salt uint64) uint64 { return rand.New(rand.NewPCG(seed^salt, uint64(n))).Uint64() }
	p.Slows(func(n int64) time.Duration {
		if chance(n, 1)%50 == 0 {
			return time.Duration(chance(n, 2)%200) * time.Millisecond
		}
		return 0
	})
	p.Loses(func(n int64) bool { return chance(n, 3)%150 == 0 })
	storm(t, f, l, r, seed, nil)
	f.stop()
}

// A fleet under Sentinels, each write on two servers: the master is killed under load, its replica takes
// over, and the verdict is the same.
func TestKillTheMasterUnderSentinels(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinels(t, redistest.SentinelOptions{Down: time.Second})
	f, l, seed := newStorm(t, onRedis(s.URL, ", wait: 1"))
	f.start()
	l.begins(seed)
	pause(l.ctx, 2*time.Second)
	s.Master.Kill()
	c := s.Replica.Client(t)
	f.until("the replica is the master", func() bool {
		role, err := c.Do(t.Context(), "role").Slice()
		return err == nil && len(role) > 0 && role[0] == "master"
	})
	pause(l.ctx, time.Second)
	s.Master.Start(t) // the Sentinels make it the replica
	f.allReady()
	pause(l.ctx, 3*time.Second)
	l.judge(f)
	f.stop()
}

// newStorm makes three replicas and their load.
func newStorm(t *testing.T, store string) (*fleet, *storming, uint64) {
	t.Helper()
	seed := uint64(number(t, "PERGABRIDGE_SEED", int(time.Now().Unix()&0xffffff)))
	t.Logf("PERGABRIDGE_SEED=%d", seed)
	box := dovecottest.Start(t, dovecottest.Options{})
	o := underLoad(seed)
	o.ssp.RetryEvery = 50 * time.Millisecond
	o.store, o.env, o.top = store, fleetMailSecrets, fleetMail(box)
	f := newFleet(t, 3, o)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute+fleetTime(t))
	t.Cleanup(cancel)
	return f, &storming{newLoad(ctx, f.world), box}, seed
}

// fleetMailSecrets are what fleetMail names.
var fleetMailSecrets = []string{"MAIL_SECRET=fleet-secret-0123456789", "MAIL_PASSWORD=" + dovecottest.Password}

// fleetMail is a mailbox to which people of alpha write.
func fleetMail(box *dovecottest.Server) string {
	return fmt.Sprintf(`mail: {domain: bridge.example.com, secret: {env: MAIL_SECRET}}
mailboxes:
  support:
    imap: imaps://%s
    tls: {ca: %s}
    username: %s
    password: {env: MAIL_PASSWORD}
    start: 2020-01-01
    poll: 1s
    brake: {messages: 10000}
    done: {move: Processed}
    providers:
      alpha: {senders: [alpha.example], reference: ['\bALPHA-\d+\b'], rules: [{kind: update, text: body.text}]}
`, box.IMAPS, box.CA, dovecottest.User)
}

func fleetTime(t *testing.T) time.Duration {
	return time.Duration(number(t, "PERGABRIDGE_FLEET_SECONDS", 15)) * time.Second
}

// storming is a [load] with mail.
type storming struct {
	*load
	box *dovecottest.Server
}

func (l *storming) begins(seed uint64) {
	l.load.begins(seed)
	for i := range letters {
		l.letters(alpha, rand.New(rand.NewPCG(seed, uint64(3000+i))))
	}
}

// letters is a task about which somebody at the vendor writes mail.
func (l *storming) letters(provider string, dice *rand.Rand) {
	inbox := l.box.Client(l.w.t)
	l.begin(provider, func(p *path) error {
		for n := 0; n == 0 || !l.over(); n++ {
			text := fmt.Sprintf("mail %s/%d", p.task, n)
			mail := fmt.Appendf(nil, "From: Jo <jo@alpha.example>\r\nTo: %s\r\nSubject: Re: %s\r\nMessage-ID: <%s.%d@alpha.example>\r\n\r\n%s\r\n", dovecottest.User, p.number, p.task, n, text)
			sent := inbox.Append("INBOX", int64(len(mail)), nil)
			if _, err := sent.Write(mail); err != nil {
				return err
			}
			if err := sent.Close(); err != nil {
				return err
			}
			if _, err := sent.Wait(); err != nil {
				return err
			}
			p.in = append(p.in, text)
			pause(l.ctx, time.Duration(100+dice.IntN(300))*time.Millisecond)
		}
		return nil
	})
}

// storm kills replicas and Redis in a random order while the load is on; killed, which may be nil, is
// told of every member before it starts again. It returns the verdict.
func storm(t *testing.T, f *fleet, l *storming, r *redistest.Server, seed uint64, killed func(*member)) *verdict {
	began := time.Now()
	l.begins(seed)
	dice := rand.New(rand.NewPCG(seed, 1))
	dead, redis := 0, 0
	for until := time.Now().Add(fleetTime(t)); time.Now().Before(until); {
		pause(l.ctx, time.Duration(200+dice.IntN(1500))*time.Millisecond)
		down := time.Duration(dice.IntN(800)) * time.Millisecond
		if dice.IntN(3) == 0 {
			redis++
			r.Kill()
			pause(l.ctx, down)
			r.Start(t)
			continue
		}
		dead++
		m := f.members[dice.IntN(len(f.members))]
		m.child.kill()
		pause(l.ctx, down/2)
		if killed != nil {
			killed(m)
		}
		f.launch(m)
	}
	f.allReady()
	t.Logf("%d replicas and %d times Redis were killed within %.1f s", dead, redis, time.Since(began).Seconds())
	require.Positive(t, dead*redis, "nobody was killed; take another seed")
	return l.judge(f)
}

// judge ends the load, lets everything settle and compares both ends with what was told.
func (l *storming) judge(f *fleet) *verdict {
	t := f.t.(*testing.T)
	l.end(t)
	inbox := l.box.Client(t)
	f.until("all mail is read", func() bool { return dovecottest.Count(t, inbox, "INBOX") == 0 })
	v := l.verdict(t)
	mails := 0
	for _, p := range l.paths {
		for _, text := range p.in {
			if strings.HasPrefix(text, "mail ") {
				mails++
			}
		}
	}
	require.Positive(t, mails)
	t.Logf("%d events, %d of them by mail, %d effects at the ends, %d leases left unknown, %d effects repeated because of that",
		len(v.events), mails, v.effects, f.unknowns(), v.repeated)
	require.Greater(t, v.effects, 200, "there was hardly any load")
	return v
}
