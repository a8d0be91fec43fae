package service

import (
	"fmt"

	kardianos "github.com/kardianos/service"
)

// Open returns the manager of this machine for the service d. body is what the service does; nil
// where it is only installed, started or asked about.
func Open(d Definition, body *Program) (kardianos.Service, error) {
	c := &kardianos.Config{
		Name: d.Name, DisplayName: "Pergabridge", Executable: d.Exec, Arguments: d.Arguments(),
		Description: "Keeps SSP tasks and tickets of external service providers in step.",
	}
	if d.Name != Name {
		c.DisplayName += " (" + d.Name + ")"
	}
	if err := describe(c, d); err != nil {
		return nil, err
	}
	var i kardianos.Interface = idle{}
	if body != nil {
		i = body
	}
	s, err := kardianos.New(i, c)
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	return s, nil
}

// idle is a service that is never run by this process.
type idle struct{}

func (idle) Start(kardianos.Service) error { return nil }
func (idle) Stop(kardianos.Service) error  { return nil }
