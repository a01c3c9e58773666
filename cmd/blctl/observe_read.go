package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"dnsbld/mta"
)

// logInput is the log that observe reads: one file as it grows, or files in
// their order, gzipped or not.
type logInput struct {
	p     *program
	in    *input
	since time.Time // sessions before it are left out

	looksLike string // a format other than the one that was given
	stats     mta.LogStats
	shapes    []mta.Shape
}

// send reads the log and hands all its sessions to the batcher.
func (l *logInput) send(ctx context.Context, options mta.LogOptions, t *batcher) error {
	log, err := mta.NewLog(l.in.String("format"), options)
	if err != nil {
		return err
	}
	stop := t.keepFlushing(ctx)
	report := func(r mta.Report) error { return t.report(ctx, r) }
	if l.in.Bool("follow") {
		err = l.follow(ctx, log, t, report)
	} else {
		err = l.files(ctx, log, report)
	}
	stop()
	if sent := t.flush(ctx); err == nil { // also when reading was cut short
		err = sent
	}
	return err
}

// files reads the files whole. Interrupted, it does not wait for standard input to go
// on: a session that is being reported is still done with, and no other is begun.
func (l *logInput) files(ctx context.Context, log mta.Log, report func(mta.Report) error) error {
	var reporting sync.Mutex
	each := func(r mta.Report) error {
		reporting.Lock()
		defer reporting.Unlock()
		if ctx.Err() != nil || r.Time.Before(l.since) {
			return ctx.Err()
		}
		return report(r)
	}
	type read struct {
		stats  mta.LogStats
		shapes []mta.Shape
		err    error
	}
	done := make(chan read, 1)
	go func() {
		var err error
		for i, path := range l.in.Args().Slice() {
			if err == nil {
				err = l.file(path, i == 0, log, each)
			}
		}
		if err == nil {
			log.Flush(func(r mta.Report) {
				if err == nil {
					err = each(r)
				}
			})
		}
		done <- read{log.Stats(), log.NotUnderstood(), err}
	}()
	select {
	case end := <-done:
		l.stats, l.shapes = end.stats, end.shapes
		return end.err
	case <-ctx.Done():
		reporting.Lock()
		defer reporting.Unlock()
		return ctx.Err()
	}
}

// file reads one file. What is open at its end goes on in the next: rotation
// cuts sessions in two.
func (l *logInput) file(path string, first bool, log mta.Log, each func(mta.Report) error) error {
	file, _, err := l.p.open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 64<<10)
	if head, _ := in.Peek(2); string(head) == "\x1f\x8b" {
		plain, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		in = bufio.NewReaderSize(plain, 64<<10)
	}
	if first {
		l.guess(in)
	}
	if _, err = mta.ReadOpen(in, log, each); err != nil && !errors.Is(err, context.Canceled) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	file.finish()
	return err
}

// guess warns when the first lines, those that have come, look like a log of another
// format. They are read all the same: a person knows better.
func (l *logInput) guess(in *bufio.Reader) {
	const enough = 16 << 10
	_, _ = in.Peek(1) // what fails is met again by reading
	head, _ := in.Peek(min(in.Buffered(), enough))
	if format := mta.GuessFormat(head, l.in.String("format")); format != "" && format != l.in.String("format") {
		l.looksLike = format
		l.p.human.printf("%s: the first lines look like --format %s, not %s\n", l.p.human.paint(yellow, "warning"), format, l.in.String("format"))
	}
}

// follow reads a log as it grows, across rotation. How far it was read is saved
// when all before it has been sent.
func (l *logInput) follow(ctx context.Context, log mta.Log, t *batcher, report func(mta.Report) error) error {
	path := l.in.Args().First()
	file, err := l.p.positionFile(l.in.String("position"), path)
	if err != nil {
		return err
	}
	from, err := readPosition(file)
	if err != nil {
		return err
	}
	err = mta.Tail(ctx, mta.TailConfig{Path: path, From: from, Poll: batchAge, Log: log, Now: l.p.now,
		Report: func(r mta.Report) error {
			if r.Time.Before(l.since) {
				return nil
			}
			return report(r)
		},
		Save: func(at mta.Position) error {
			if err := t.flush(ctx); err != nil {
				return err
			}
			return writePosition(file, at)
		}})
	l.stats, l.shapes = log.Stats(), log.NotUnderstood()
	return err
}
