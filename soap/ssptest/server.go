package ssptest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// A Server is a running fake SSP. All methods are safe for concurrent use.
type Server struct {
	opt    Options
	addr   string
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	client *http.Client
	work   sync.WaitGroup

	updown   sync.Mutex // one Down or Up at a time
	http     *http.Server
	listener net.Listener

	mu        sync.Mutex
	groups    map[string]Group
	tasks     map[string]*Task
	queues    map[string][]*process // undelivered process calls by task
	processes []*process
	effects   []Effect
	calls     []Call
	script    Script
	dice      *rand.Rand
	up        chan struct{} // closed while the server is up
	isUp      bool
	closed    bool
	change    chan struct{} // closed at the next change
}

// Start starts a fake SSP. Close it.
func Start(o Options) (*Server, error) {
	o = o.withDefaults()
	s := &Server{
		opt:    o,
		addr:   o.Addr,
		groups: maps.Clone(o.Groups),
		tasks:  map[string]*Task{},
		queues: map[string][]*process{},
		dice:   rand.New(rand.NewPCG(o.Seed, 0)),
		up:     make(chan struct{}),
		change: make(chan struct{}),
		// No proxy from the environment, and no redirects: the bridge never asks for one.
		client: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 2 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if s.groups == nil {
		s.groups = map[string]Group{}
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.Up(); err != nil {
		s.cancel()
		return nil, err
	}
	return s, nil
}

// URL is the address of WorkflowService.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "http://" + s.addr + Path
}

// SetGroup makes a group an integrated one, or changes whom it calls from the next event on.
func (s *Server) SetGroup(name string, g Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[name] = g
}

// Down takes SSP off the network: connections are cut, new ones refused, and no process call is
// made until [Server.Up].
func (s *Server) Down() {
	s.updown.Lock()
	defer s.updown.Unlock()
	s.mu.Lock()
	if !s.isUp {
		s.mu.Unlock()
		return
	}
	s.isUp, s.up = false, make(chan struct{})
	s.mu.Unlock()
	// What cannot be closed is closed. The server knows its listener only once Serve has begun.
	_ = s.http.Close()
	_ = s.listener.Close()
}

// Up puts SSP back on the network, at the same address.
func (s *Server) Up() error {
	s.updown.Lock()
	defer s.updown.Unlock()
	s.mu.Lock()
	addr, isUp := s.addr, s.isUp
	s.mu.Unlock()
	if isUp {
		return nil
	}
	if !s.enter() {
		return errors.New("ssptest: closed")
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		s.work.Done()
		return fmt.Errorf("ssptest: %w", err)
	}
	srv := &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}
	s.http, s.listener = srv, l
	go func() {
		defer s.work.Done()
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.opt.Log.Error("ssp: listener failed", "error", err)
		}
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addr, s.isUp = l.Addr().String(), true
	close(s.up)
	s.changed()
	return nil
}

// enter counts work that Close has to wait for; it reports false once Close was called.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work.Add(1)
	return true
}

// Close ends the server and everything it started. Process calls that were not delivered are lost.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.changed()
	s.mu.Unlock()
	s.cancel()
	s.Down()
	s.work.Wait()
	s.client.CloseIdleConnections()
}
