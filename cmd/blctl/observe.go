package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dnsbld/listing"
	"dnsbld/listing/sensor"
	"dnsbld/mta"
)

// observe reads a log and sends its sessions to the daemon here or to one elsewhere.
// Nothing is judged here: the daemon classifies and counts.
func (p *program) observe(ctx context.Context, in *input) error {
	if !in.IsSet("format") {
		return usageError("observe needs --format %s", mta.Formats())
	}
	options := mta.LogOptions{Receiver: in.String("receiver"), Now: p.now, Services: in.services(), Columns: in.columns(),
		AssumeUnauthenticated: in.Bool("assume-unauthenticated"), Explain: in.Bool("explain")}
	if in.checkObserve(); in.err != nil {
		return in.err
	}
	l := &logInput{p: p, in: in, since: in.time("since")}
	if in.err != nil {
		return in.err
	}
	if in.Bool("explain") {
		return p.explain(ctx, l, options)
	}
	t := &batcher{deliver: p.sendToDaemon, patient: in.Bool("follow"), news: p.printListing}
	if in.IsSet("to") {
		return p.observeTo(ctx, l, options, t)
	}
	if in.String("format") == "postfix" || in.String("format") == "journal" {
		_, services, _ := p.ourSide(ctx) // without the daemon, telling it fails
		addServices(options.Services, services)
	}
	err := l.send(ctx, options, t)
	return p.concludeObserved(t.total, l, err)
}

// checkObserve refuses flags that do not go together, before a line is read.
func (in *input) checkObserve() {
	follow := in.Bool("follow")
	if _, err := mta.NewLog(in.String("format"), mta.LogOptions{Columns: in.columns()}); err != nil {
		in.fail(usageError("--format: %v", err))
	}
	for _, rule := range []struct {
		broken  bool
		mistake string
	}{
		{!follow && in.IsSet("position"), "--position is for --follow"},
		{in.IsSet("columns") && in.String("format") != "csv", "--columns is for --format csv"},
		{follow && slices.Contains(in.Args().Slice(), "-"), "--follow needs a file: standard input is read as it comes anyway"},
		{follow && in.Args().Len() > 1, "--follow takes one file"},
		{in.Bool("explain") && (follow || in.IsSet("to")), "--explain reads a log once and counts nothing: leave out --follow and --to"},
	} {
		if rule.broken {
			in.fail(usageError("%s", rule.mistake))
		}
	}
	in.checkForward()
}

// checkForward refuses what means nothing without --to.
func (in *input) checkForward() {
	for _, flag := range []string{"certificate", "key", "ca", "spool"} {
		if in.IsSet(flag) && !in.IsSet("to") {
			in.fail(usageError("--%s is for --to", flag))
		}
	}
}

// columns are what --columns says of a table.
func (in *input) columns() []string {
	return strings.FieldsFunc(in.String("columns"), func(r rune) bool { return r == ',' || r == ' ' })
}

// services are what --service says of names.
func (in *input) services() map[string]bool {
	all := map[string]bool{}
	for _, text := range in.StringSlice("service") {
		name, what, ok := strings.Cut(text, "=")
		if !ok || name == "" || what != "25" && what != "submission" {
			in.fail(usageError("--service takes NAME=25 or NAME=submission, not %s", listing.Quote(text)))
		}
		all[name] = what == "submission"
	}
	return all
}

// addServices adds what the daemon's configuration says of names that --service
// does not name.
func addServices(given map[string]bool, configured map[string]string) {
	for name, what := range configured {
		if _, said := given[name]; !said {
			given[name] = what == "submission"
		}
	}
}

// printListing says that a session has led to a listing, as it happens.
func (p *program) printListing(l sensor.Listing) {
	p.human.printf("%s is listed as %s\n", l.Subject.Text(), p.human.paint(red, clean(l.Reason)))
}

// observed is what observe prints as JSON.
type observed struct {
	sensor.Observed
	NotUnderstood []mta.Shape `json:"not_understood"`
}

// concludeObserved prints what became of all sessions. What was counted before a
// failure is printed, too: it stays counted.
func (p *program) concludeObserved(total sensor.Observed, l *logInput, err error) error {
	if err == nil {
		err = l.unreadable()
	}
	total.Skipped += int(l.stats.Missed())
	total.Listed = list(total.Listed)
	if err != nil && total.Sessions == 0 {
		return err
	}
	p.human.printf("%s: %d bogus, %d clean", plural(total.Sessions, "session", "sessions"), total.Bogus, total.Clean)
	if total.Duplicates > 0 {
		p.human.printf(", %d counted before", total.Duplicates)
	}
	if total.Skipped > 0 {
		p.human.printf("; %s skipped", plural(total.Skipped, "line", "lines"))
	}
	p.human.printf("\n")
	p.printShapes(l.shapes)
	if err == nil && l.in.Bool("strict") && total.Skipped > 0 {
		err = partly{invalid("skipped", plural(total.Skipped, "line", "lines")+" skipped", "leave out --strict if that may be")}
	}
	return p.conclude("observe", observed{total, list(l.shapes)}, err)
}

// printShapes says which lines were not understood, the most frequent first.
func (p *program) printShapes(shapes []mta.Shape) {
	const most = 10
	for i, s := range shapes {
		if i == most {
			p.human.printf("  and %s\n", plural(len(shapes)-most, "other shape", "other shapes"))
			return
		}
		p.human.printf("  not understood: %s, %s: %s\n", clean(s.Shape), plural(int(s.Count), "line", "lines"), clean(s.Sample))
	}
}

// unreadable is what is wrong with a log of which nothing could be read. A few
// lines that are not understood may be the banner of a log that was just rotated.
func (l *logInput) unreadable() error {
	const fewLines = 10
	if l.stats.Lines < fewLines || l.stats.Known > 0 {
		return nil
	}
	format, hint := l.in.String("format"), "look at the first lines of the file, and at --format"
	if l.looksLike != "" {
		hint = "it looks like --format " + l.looksLike
	}
	return invalid("format", fmt.Sprintf("none of %d lines is of a log that --format %s reads", l.stats.Lines, format), hint)
}
