package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"dnsbld/listing/sensor"
	"dnsbld/mta"
)

// observeFlags are those of observe.
func observeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "format", Usage: "how FILE is written: `FORMAT`"},
		&cli.StringFlag{Name: "receiver", Usage: "the mail server is `NAME`"},
		&cli.BoolFlag{Name: "follow", Usage: "go on as the log grows"},
		&cli.StringFlag{Name: "position", Usage: "keep how far it was read in `FILE`; otherwise in the user's state directory"},
		&cli.BoolFlag{Name: "strict", Usage: "exit with 6 if lines were skipped"},
		&cli.StringFlag{Name: "to", Usage: "tell the dnsbld on another machine, at `URL`"},
		&cli.StringFlag{Name: "certificate", Usage: "with --to: this mail server's certificate, a PEM `FILE`"},
		&cli.StringFlag{Name: "key", Usage: "with --to: its key, a PEM `FILE`"},
		&cli.StringFlag{Name: "ca", Usage: "with --to: the authority of the other side's certificate, a PEM `FILE`"},
		&cli.StringFlag{Name: "spool", Usage: "with --to: keep what is yet to be sent in `DIR`; otherwise in the user's state directory"},
	}
}

// observe reads a log and tells of its sessions, the daemon here or one elsewhere.
func (p *program) observe(ctx context.Context, in *input) error {
	if !in.IsSet("format") {
		return usageError("observe needs --format postfix, exim or ndjson")
	}
	path, follow := in.Args().First(), in.Bool("follow")
	switch {
	case !follow && in.IsSet("position"):
		return usageError("--position is for --follow")
	case follow && path == "-":
		return usageError("--follow needs a file: standard input is read as it comes anyway")
	}
	options := mta.LogOptions{Receiver: in.String("receiver"), Now: p.now}
	if _, err := mta.NewLog(in.String("format"), options); err != nil {
		return usageError("--format: %v", err)
	}
	t := &teller{deliver: p.tellDaemon, patient: follow, news: p.printListing}
	if in.IsSet("to") {
		return p.observeTo(ctx, in, options, t)
	}
	for _, flag := range []string{"certificate", "key", "ca", "spool"} {
		if in.IsSet(flag) {
			return usageError("--%s is for --to", flag)
		}
	}
	stats, err := p.read(ctx, in, options, t)
	return p.concludeObserved(t.total, stats, err, in.Bool("strict"))
}

// read tells of all sessions of a log.
func (p *program) read(ctx context.Context, in *input, options mta.LogOptions, t *teller) (stats mta.LogStats, err error) {
	log, err := mta.NewLog(in.String("format"), options)
	if err != nil {
		return stats, err
	}
	stop := t.keepFlushing(ctx)
	if in.Bool("follow") {
		stats, err = p.follow(ctx, in, log, t)
	} else {
		stats, err = p.observeFile(ctx, in.Args().First(), log, t)
	}
	stop()
	if told := t.flush(ctx); err == nil { // also when reading was cut short
		err = told
	}
	return stats, err
}

// observeFile tells of a whole file. Interrupted, it does not wait for standard
// input to go on.
func (p *program) observeFile(ctx context.Context, path string, log mta.Log, t *teller) (mta.LogStats, error) {
	file, _, err := p.open(path)
	if err != nil {
		return mta.LogStats{}, err
	}
	type result struct {
		stats mta.LogStats
		err   error
	}
	done := make(chan result, 1)
	go func() {
		defer file.Close()
		stats, err := mta.Read(file, log, func(r mta.Report) error { return errors.Join(ctx.Err(), t.report(ctx, r)) })
		file.finish()
		done <- result{stats, err}
	}()
	select {
	case r := <-done:
		return r.stats, r.err
	case <-ctx.Done():
		return mta.LogStats{}, ctx.Err()
	}
}

// follow tells of a log as it grows.
func (p *program) follow(ctx context.Context, in *input, log mta.Log, t *teller) (mta.LogStats, error) {
	path := in.Args().First()
	file, err := p.positionFile(in.String("position"), path)
	if err != nil {
		return mta.LogStats{}, err
	}
	from, err := readPosition(file)
	if err != nil {
		return mta.LogStats{}, err
	}
	err = mta.Tail(ctx, mta.TailConfig{Path: path, From: from, Poll: batchAge, Log: log, Now: p.now,
		Report: func(r mta.Report) error { return t.report(ctx, r) },
		Save: func(at mta.Position) error {
			if err := t.flush(ctx); err != nil {
				return err
			}
			return writePosition(file, at)
		}})
	return log.Stats(), err
}

// printListing says that a session has led to a listing.
func (p *program) printListing(l sensor.Listing) {
	p.human.printf("%s is listed as %s\n", l.Subject.Text(), p.human.paint(red, clean(l.Reason)))
}

// concludeObserved prints what became of all sessions.
func (p *program) concludeObserved(total sensor.Observed, stats mta.LogStats, err error, strict bool) error {
	total.Skipped += int(stats.Skipped + stats.Ambiguous + stats.Overlong)
	total.Listed = list(total.Listed)
	if err != nil && total.Sessions == 0 {
		return err
	}
	p.human.printf("%s: %d bogus, %d clean", plural(total.Sessions, "session", "sessions"), total.Bogus, total.Clean)
	if total.Duplicates > 0 {
		p.human.printf(", %d told before", total.Duplicates)
	}
	if total.Skipped > 0 {
		p.human.printf("; %s skipped", plural(total.Skipped, "line", "lines"))
	}
	p.human.printf("\n")
	if err == nil && strict && total.Skipped > 0 {
		err = partly{invalid("skipped", plural(total.Skipped, "line", "lines")+" skipped", "leave out --strict if that may be")}
	}
	return p.conclude("observe", total, err)
}
