package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"dnsbld/listing/report"
)

// A monitor reads the first line and the exit status, people all of it.

// Exit statuses of selfcheck, as monitoring systems expect them.
const (
	checkOK = iota
	checkWarning
	checkCritical
	checkUnknown
)

// selfcheckFlags are those of selfcheck.
func selfcheckFlags() []cli.Flag {
	return []cli.Flag{&cli.BoolFlag{Name: "quiet", Usage: "print only what is wrong"}}
}

// selfchecked is what selfcheck prints as JSON.
type selfchecked struct {
	Status report.Grade   `json:"status"`
	Checks []report.Check `json:"checks"`
}

// selfcheck prints what the daemon found, the worst as exit status of a
// monitor: one FAIL is critical, one WARN a warning, and unknown is what could
// not be asked. These statuses differ from those of other commands because
// monitors expect them.
func (p *program) selfcheck(ctx context.Context, in *input) error {
	checks, err := p.client.Selfcheck(ctx)
	if err != nil {
		p.say(err)
		if p.json {
			err = p.writeObject(head{Schema: schema, Error: asWire(err)}, nil)
		}
		return errors.Join(err, answered(checkUnknown))
	}
	status, worst := checkOK, report.Pass
	shown := []report.Check{}
	var rows table
	for _, c := range checks {
		colour := green
		switch {
		case c.Grade == report.Fail:
			status, worst, colour = checkCritical, report.Fail, red
		case c.Grade == report.Warn:
			colour = yellow
			if status == checkOK {
				status, worst = checkWarning, report.Warn
			}
		case in.Bool("quiet"):
			continue
		}
		shown = append(shown, c)
		rows = append(rows, []string{p.human.paint(colour, string(c.Grade)), "RFC 6471 " + c.Section, c.Name, clean(c.Text)})
	}
	if err := p.human.table(rows); err != nil {
		return err
	}
	var result error
	if status != checkOK {
		result = answered(status)
	}
	return p.conclude("selfcheck", selfchecked{worst, shown}, result)
}
