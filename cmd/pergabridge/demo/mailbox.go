package demo

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

const (
	mailUser = "support@example.com"
	mailEnv  = "PERGABRIDGE_DEMO_MAILBOX"
	mailPass = "demo-mailbox-password"
	inbox    = "INBOX"
)

// A mailbox is an IMAP server in memory with the one mailbox that the bridge reads.
type mailbox struct {
	addr   string
	user   *imapmemserver.User
	server *imapserver.Server
	done   chan error
}

func newMailbox() (*mailbox, error) {
	b := &mailbox{user: imapmemserver.NewUser(mailUser, mailPass), done: make(chan error, 1)}
	if err := b.user.Create(inbox, nil); err != nil {
		return nil, fmt.Errorf("demo: mailbox: %w", err)
	}
	all := imapmemserver.New()
	all.AddUser(b.user)
	b.server = imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return all.NewSession(), nil, nil
		},
		Caps:         imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapMove: {}, imap.CapUIDPlus: {}},
		InsecureAuth: true, // it never leaves this machine
		Logger:       log.New(io.Discard, "", 0),
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("demo: mailbox: %w", err)
	}
	b.addr = l.Addr().String()
	go func() { b.done <- b.server.Serve(l) }()
	return b, nil
}

// put lets a mail come in.
func (b *mailbox) put(raw []byte) error {
	_, err := b.user.Append(inbox, literal{bytes.NewReader(raw)}, &imap.AppendOptions{Time: time.Now()})
	return err
}

// filed returns how many mails the bridge has moved away after it took them.
func (b *mailbox) filed(folder string) int {
	d, err := b.user.Status(folder, &imap.StatusOptions{NumMessages: true})
	if err != nil || d.NumMessages == nil { // the folder is made by the first mail
		return 0
	}
	return int(*d.NumMessages)
}

func (b *mailbox) close() error {
	err := b.server.Close()
	if e := <-b.done; e != nil && !errors.Is(e, net.ErrClosed) {
		err = errors.Join(err, e)
	}
	return err
}

type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

// photo is the mail of somebody who writes a tag, attaches a picture and quotes what was said before.
func photo(number string) []byte {
	picture := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("smoke "), 500))
	return fmt.Appendf(nil, "From: Bob Helper <bob@acme.example>\r\nTo: %s\r\nSubject: The printer\r\nMessage-ID: <photo@acme.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"+
		"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n[[Reference]]: %s\r\n[[Message]]: This is what it looks like.\r\n\r\n-- \r\nBob Helper, ACME\r\n\r\nOn Monday Jane wrote:\r\n> It is still burning.\r\n"+
		"--b\r\nContent-Type: image/jpeg; name=photo.jpg\r\nContent-Disposition: attachment; filename=photo.jpg\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n--b--\r\n", mailUser, number, picture)
}
