package app

import (
	"github.com/pergabridge/pergabridge/bridge/notify"
	"github.com/pergabridge/pergabridge/bridge/outbound"
	"github.com/pergabridge/pergabridge/soap"
)

// addNotify makes the watcher one of the sources, so that one replica does it.
func (a *App) addNotify() error {
	c := a.config.Notify
	if c == nil {
		return nil
	}
	send, stop, err := notify.NewSender(c, outbound.Options{Log: a.o.Log, Now: a.o.Now, UserAgent: "pergabridge"})
	if err != nil {
		return err
	}
	a.stopNotify = stop
	a.parts.sources[notify.Duty] = notify.New(notify.Options{
		Sender: send, Counts: a.store.Counts, Repeat: c.Repeat.Std(), Console: c.Console, Log: a.o.Log, Now: a.o.Now,
		Checks: a.mailboxChecks(toldMailbox),
		Contract: func() (bool, string) {
			s := a.parts.ssp.Contract()
			return !s.Open() && s.Status != soap.ContractUnchecked, s.String()
		},
	})
	return nil
}
