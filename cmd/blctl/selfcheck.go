package main

import (
	"context"
	"errors"

	"dnsbld/listing/report"
)

// A monitor reads the first line and the exit status, people all of it.

// Exit statuses of selfcheck and doctor, as monitoring systems expect them.
const (
	checkOK = iota
	checkWarning
	checkCritical
	checkUnknown
)

// checked is what selfcheck and doctor print as JSON.
type checked struct {
	Status report.Grade   `json:"status"`
	Checks []report.Check `json:"checks"`
}

// selfcheck prints how the list stands to RFC 6471.
func (p *program) selfcheck(ctx context.Context, in *input) error {
	checks, err := p.client.Selfcheck(ctx)
	return p.graded("selfcheck", checks, err, in.Bool("quiet"))
}

// doctor prints how a zone stands in DNS. The clock is this host's, which is the
// daemon's too: its own unit keeps it from asking the kernel.
func (p *program) doctor(ctx context.Context, in *input) error {
	checks, err := p.client.Doctor(ctx, in.Args().First())
	if err == nil {
		checks = append(checks, clockCheck())
	}
	return p.graded("doctor", checks, err, in.Bool("quiet"))
}

// clockCheck grades this host's clock: ends of entries and signatures of transfers
// go by it.
func clockCheck() report.Check {
	if err := clockSynchronised(); err != nil {
		return report.Check{Name: "clock", Grade: report.Warn, Text: "this host's clock may be wrong: " + err.Error(),
			Remedy: "run chrony or systemd-timesyncd: ends of entries and signed transfers go by the clock"}
	}
	return report.Check{Name: "clock", Grade: report.Pass, Text: "this host's clock is synchronised"}
}

// graded prints checks, the worst as exit status of a monitor: one FAIL is
// critical, one WARN a warning, and unknown is what could not be asked. These
// statuses differ from those of other commands because monitors expect them.
func (p *program) graded(action string, checks []report.Check, failed error, quiet bool) error {
	if failed != nil {
		p.say(failed)
		if p.json {
			failed = p.writeObject(head{Schema: schema, Error: asWire(failed)}, nil)
		}
		return errors.Join(failed, answered(checkUnknown))
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
		case quiet:
			continue
		}
		shown = append(shown, c)
		rows = append(rows, p.checkRows(c, colour)...)
	}
	if err := p.human.table(rows); err != nil {
		return err
	}
	var result error
	if status != checkOK {
		result = answered(status)
	}
	return p.conclude(action, checked{worst, shown}, result)
}

// checkRows are the lines about one check: how it came out, and what to do.
func (p *program) checkRows(c report.Check, colour string) table {
	row := []string{p.human.paint(colour, string(c.Grade))}
	if c.Section != "" {
		row = append(row, "RFC 6471 "+c.Section)
	}
	rows := table{append(row, c.Name, clean(c.Text))}
	if c.Remedy != "" {
		rows = append(rows, []string{"", "", "→ " + clean(c.Remedy)})
	}
	return rows
}
