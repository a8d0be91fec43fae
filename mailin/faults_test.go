package mailin

import (
	"io"
	"log"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/stretchr/testify/require"

	"github.com/pergabridge/pergabridge/bridge/config"
	"github.com/pergabridge/pergabridge/bridge/outbound/mailauth"
	"github.com/pergabridge/pergabridge/bridge/secret"
	"github.com/pergabridge/pergabridge/mailin/dovecottest"
)

// faulty is a session of an old server: IMAP4rev1 without MOVE, and with faults of our choice.
type faulty struct {
	imapserver.Session
	s *oldServer
}

type oldServer struct {
	addr       string
	refuseCopy atomic.Bool
	throttle   atomic.Int32 // how many logins are turned away
	logins     atomic.Int32
}

func (f *faulty) Login(username, password string) error {
	f.s.logins.Add(1)
	if f.s.throttle.Add(-1) >= 0 {
		return &imap.Error{Type: imap.StatusResponseTypeNo, Text: "Request is throttled. Suggested Backoff Time: 300 milliseconds"}
	}
	return f.Session.Login(username, password)
}

func (f *faulty) Copy(set imap.NumSet, to string) (*imap.CopyData, error) {
	if f.s.refuseCopy.Load() {
		return nil, &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeOverQuota, Text: "no room"}
	}
	return f.Session.Copy(set, to)
}

// withIdle is what most servers have had for long.
var withIdle = imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapUIDPlus: {}, imap.CapIdle: {}}

func startOld(t *testing.T, caps imap.CapSet) *oldServer {
	t.Helper()
	mem := imapmemserver.New()
	user := imapmemserver.NewUser(dovecottest.User, dovecottest.Password)
	require.NoError(t, user.Create("INBOX", nil))
	require.NoError(t, user.Create("Processed", nil))
	mem.AddUser(user)
	s := &oldServer{}
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &faulty{mem.NewSession(), s}, nil, nil
		},
		Caps: caps, InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.addr = l.Addr().String()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // it is closed at the end
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return s
}

func (s *oldServer) client(t *testing.T) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialInsecure(s.addr, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.Login(dovecottest.User, dovecottest.Password).Wait())
	return c
}

func (s *oldServer) mailbox(t *testing.T) *Mailbox {
	b := box(t)
	b.IMAP, b.Plain = "imap://"+s.addr, true
	b.Auth = mailauth.Config{Username: dovecottest.User, Password: config.Secret{Text: secret.New(dovecottest.Password)}}
	b.Poll = config.Duration(time.Second)
	b.Done = Filing{Move: "Processed", set: true}
	return b
}

// A server without MOVE: a refused COPY must not be followed by the removal of the mail.
func TestServerWithoutMove(t *testing.T) {
	for name, caps := range map[string]imap.CapSet{
		"bare": {imap.CapIMAP4rev1: {}}, "UIDPLUS": withIdle,
	} {
		t.Run(name, func(t *testing.T) {
			s := startOld(t, caps)
			l := newLedger()
			r := run(t, s.mailbox(t), l)
			l.awaitStart(t)
			c := s.client(t)
			s.refuseCopy.Store(true)
			dovecottest.Append(t, c, "INBOX", time.Now(), dovecottest.Mail(1, "4711", 300))
			l.awaitEvents(t, 1)
			dovecottest.Append(t, c, "INBOX", time.Now(), dovecottest.Mail(2, "4711", 300))
			l.awaitEvents(t, 2)
			r.stop()
			require.Equal(t, 2, dovecottest.Count(t, c, "INBOX"))
			require.Equal(t, 0, dovecottest.Count(t, c, "Processed"))
			_, err := c.Select("INBOX", nil).Wait()
			require.NoError(t, err)
			gone, err := c.UIDSearch(&imap.SearchCriteria{Flag: []imap.Flag{imap.FlagDeleted}}, nil).Wait()
			require.NoError(t, err)
			require.Empty(t, gone.AllUIDs(), "what was not copied is not deleted")
			require.NoError(t, c.Unselect().Wait())

			s.refuseCopy.Store(false)
			r = run(t, s.mailbox(t), l)
			require.Eventually(t, func() bool { return dovecottest.Count(t, s.client(t), "Processed") == 2 }, 10*time.Second, 50*time.Millisecond)
			r.stop()
			require.Equal(t, 2, l.offered, "and nothing is read again")
		})
	}
}

func TestThrottledLoginIsObeyed(t *testing.T) {
	s := startOld(t, imap.CapSet{imap.CapIMAP4rev1: {}})
	s.throttle.Store(2)
	l := newLedger()
	began := time.Now()
	run(t, s.mailbox(t), l)
	l.awaitStart(t)
	require.GreaterOrEqual(t, time.Since(began), 600*time.Millisecond, "each time as long as the server wanted")
	require.Less(t, time.Since(began), 10*time.Second)
	require.EqualValues(t, 3, s.logins.Load())
}
