package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/pergabridge/pergabridge/bridge"
	"github.com/pergabridge/pergabridge/bridge/console/api"
	"github.com/pergabridge/pergabridge/bridge/console/client"
)

type lanesCmd struct {
	List   lanesListCmd   `cmd:"" help:"List lanes that hold events or are stopped."`
	Pause  lanesPauseCmd  `cmd:"" help:"Stop a lane, or everything to a destination; events keep queueing."`
	Resume lanesResumeCmd `cmd:"" help:"Let a paused lane or destination go on, or a lane whose head was ignored."`
	Retry  lanesRetryCmd  `cmd:"" help:"Try the head of a parked lane again now."`
}

type lanesListCmd struct {
	Destination string   `help:"To this destination: ssp, or a provider." placeholder:"NAME"`
	Provider    string   `help:"Of this provider." placeholder:"NAME"`
	Task        string   `help:"Of this task." placeholder:"TASK"`
	State       []string `help:"ready, leased, held, parked, paused."`
	After       string   `help:"Go on behind this: the next of a list." placeholder:"LANE"`
	Limit       int      `help:"How many." default:"50"`
}

// Run lists lanes.
func (x lanesListCmd) Run(c *cli, con *console) error {
	f := client.Lanes{Destination: x.Destination, Provider: x.Provider, Task: x.Task, After: x.After, Limit: x.Limit}
	for _, s := range x.State {
		f.States = append(f.States, bridge.LaneState(s))
	}
	return ask(c, con, func(cl *client.Client) error {
		list, err := cl.Lanes(con.ctx, f)
		if err != nil {
			return err
		}
		return show(c, con, list, func(w io.Writer) {
			if none(w, len(list.Items), "lanes hold events or are stopped") {
				return
			}
			fmt.Fprintln(w, "LANE\tSTATE\tREASON\tQUEUED\tHEAD\tKIND\tTRIES\tDUE\tDETAIL")
			for _, l := range list.Items {
				due := "-"
				if l.State == bridge.LaneReady {
					due = when(l.Due)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%d\t%s\t%s\n", l.Lane, l.State, dash(l.Reason), l.Queued, dash(l.Head), dash(l.HeadKind), l.Attempt, due, brief(l.Detail, 60))
			}
			if list.More {
				fmt.Fprintf(w, "… there are more: --after %s\n", list.Next)
			}
		})
	})
}

// A laneTarget is a lane, or a whole destination.
type laneTarget struct {
	Target string `arg:"" name:"lane" help:"Lane, written provider/out/task (from SSP) or provider/in/task (to SSP); or a whole destination: ssp, or a provider."`
	Note   string `help:"Why; recorded." placeholder:"WHY"`
}

func (x laneTarget) do(c *cli, con *console, lane func(*client.Client, api.LaneAct) (api.Done, error), dest func(cl *client.Client, name string) (api.Done, error)) error {
	if !strings.Contains(x.Target, "/") && dest != nil {
		return carryOut(c, con, func(cl *client.Client) (api.Done, error) { return dest(cl, x.Target) })
	}
	if _, ok := bridge.ParseLaneID(x.Target); !ok {
		return usageError(fmt.Sprintf("%q is not a lane: write provider/out/task (from SSP) or provider/in/task (to SSP)", x.Target))
	}
	return carryOut(c, con, func(cl *client.Client) (api.Done, error) {
		return lane(cl, api.LaneAct{Lane: x.Target, Note: x.Note})
	})
}

type lanesPauseCmd struct{ laneTarget }

// Run pauses.
func (x lanesPauseCmd) Run(c *cli, con *console) error {
	return x.do(c, con,
		func(cl *client.Client, a api.LaneAct) (api.Done, error) { return cl.PauseLane(con.ctx, a) },
		func(cl *client.Client, name string) (api.Done, error) {
			return cl.PauseDestination(con.ctx, name, x.Note)
		})
}

type lanesResumeCmd struct{ laneTarget }

// Run resumes.
func (x lanesResumeCmd) Run(c *cli, con *console) error {
	return x.do(c, con,
		func(cl *client.Client, a api.LaneAct) (api.Done, error) { return cl.ResumeLane(con.ctx, a) },
		func(cl *client.Client, name string) (api.Done, error) {
			return cl.ResumeDestination(con.ctx, name, x.Note)
		})
}

type lanesRetryCmd struct {
	Target string `arg:"" name:"lane" help:"Lane, written provider/out/task or provider/in/task."`
	Note   string `help:"Why; recorded." placeholder:"WHY"`
}

// Run retries the head of a lane.
func (x lanesRetryCmd) Run(c *cli, con *console) error {
	return laneTarget(x).do(c, con, func(cl *client.Client, a api.LaneAct) (api.Done, error) { return cl.RetryLane(con.ctx, a) }, nil)
}
