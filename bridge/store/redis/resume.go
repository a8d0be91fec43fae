package redisstore

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
)

// parkPiece is about how many lanes one script parks: everybody waits as long as one of them takes.
const parkPiece = 500

// Resume implements [bridge.Resetter]: the namespace as it is now becomes the one to work with, under an
// epoch that nobody has worked with. All other replicas follow by themselves.
//
// What is queued parks in pieces while everything still stands still; one that was cut off can be
// repeated. If somebody else resumed meanwhile, nothing is changed.
func (s *Store) Resume(ctx context.Context, r bridge.Resumption) (bridge.Resumed, error) {
	s.mu.Lock()
	lost := s.lost
	s.mu.Unlock()
	if lost == nil {
		return bridge.Resumed{}, nil
	}
	ctx = context.WithoutCancel(ctx)
	if err := s.checkServer(ctx); err != nil {
		return bridge.Resumed{}, err
	}
	if is, err := s.db.HGet(ctx, s.prefix+"meta", "epoch").Result(); err == nil && strings.HasPrefix(is, importEpoch) {
		return bridge.Resumed{}, fmt.Errorf("redis: resume: %w", &Reset{Was: lost.Was, Is: is})
	}
	parked := 0
	for cursor := "0"; !r.Deliver; {
		out, err := s.resumeCall(ctx, parkScript, lost.Was, lost.Seen, cursor, parkPiece)
		if err != nil {
			return bridge.Resumed{}, err
		}
		parked += int(out.num(1))
		if cursor = out.str(0); cursor == "0" {
			break
		}
	}
	fresh := bridge.NewID()
	out, err := s.resumeCall(ctx, resumeScript, lost.Was, fresh, lost.Seen, lost.SeenWrites, schemaVersion, micros(r.Since), r.Person, s.opts.Namespace, r.Note)
	if err != nil {
		return bridge.Resumed{}, err
	}
	s.adopt(out.str(0), position{out.num(1), out.num(2)})
	if out.str(0) != fresh {
		s.log.Info("the ledger was resumed at another replica before", "epoch", out.str(0))
		return bridge.Resumed{}, nil
	}
	s.log.Warn("the ledger was resumed after a reset", "person", r.Person, "since", r.Since, "epoch", fresh, "parked", parked)
	return bridge.Resumed{Changed: true, Parked: parked}, nil
}

// resumeCall runs one script of a resumption, which works although the namespace is marked as reset. Each
// may be repeated.
func (s *Store) resumeCall(ctx context.Context, sc *script, more ...any) (reply, error) {
	args := append(newCall(len(more)), more...)
	args[0], args[1], args[2], args[3], args[4], args[5], args[6] = "", "", "0:0", s.now().UnixMicro(), bridge.NewID(), rand.Text(), s.id
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	defer cancel()
	out, err := s.eval(ctx, sc, args, s.opts.Wait > 0)
	if err != nil {
		return nil, fmt.Errorf("redis: resume: %w: %w", err, bridge.ErrUnavailable)
	}
	return out, nil
}
