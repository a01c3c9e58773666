package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"dnsbld/listing"
	"dnsbld/listing/sensor"
	"dnsbld/mta"
)

// Two things go on at once: the log is read into the spool, and the spool is sent.
// They meet in two channels: more has a value when a batch was put into the spool,
// and ended is closed when the log has been read. Sending ends when both say that
// there is nothing left, or for good when the other side refuses.

// forward sends to a dnsbld on another machine. Batches go by a spool on disk: a
// log may be read on, rotated and taken away while the other side is away.
type forward struct {
	p       *program
	to      *mta.Forwarder
	spool   *mta.Spool
	dir     string
	patient bool          // wait however long the other side is away
	more    chan struct{} // has a value when there is something to send
	ended   chan struct{} // closed when nothing more will come

	mu    sync.Mutex
	total sensor.Observed
	away  bool
}

// spoolLimit bounds what waits on disk: some millions of sessions. Those older
// than two days would not count any more.
const spoolLimit = 1 << 30

// forwardMost is how many octets one request takes; the line that fills it is
// still in it.
const forwardMost = mta.MaxCollected / 2

// newForward prepares sending, as the flags say. The spool is one for each log
// and destination, so that several observers do not mix.
func (p *program) newForward(in *input) (*forward, error) {
	if p.offline {
		return nil, usageError("--to sends to another machine: leave out --offline")
	}
	for _, flag := range []string{"certificate", "key", "ca"} {
		if !in.IsSet(flag) {
			return nil, usageError("--to needs --certificate, --key and --ca: the other side knows this mail server by its certificate")
		}
	}
	f := &forward{p: p, patient: in.Bool("follow"), more: make(chan struct{}, 1), ended: make(chan struct{})}
	var err error
	f.to, err = mta.NewForwarder(mta.ForwarderConfig{URL: in.String("to"),
		Identity: mta.Identity{Certificate: in.String("certificate"), Key: in.String("key"), CA: in.String("ca")},
		Say:      func(what string, err error) { fmt.Fprintf(p.stderr, "%s: %s\n", what, clean(err.Error())) }})
	if err != nil {
		return nil, err
	}
	if name := in.String("receiver"); name != "" && !strings.EqualFold(name, f.to.Name()) {
		return nil, usageError("--receiver %s: the certificate is that of %s", listing.Quote(name), listing.Quote(f.to.Name()))
	}
	if f.dir = in.String("spool"); f.dir == "" {
		if f.dir, err = p.stateDir(); err != nil {
			return nil, err
		}
		log := in.Args().First()
		if log != "-" {
			if log, err = filepath.Abs(log); err != nil {
				return nil, fmt.Errorf("finding the log: %w", err)
			}
		}
		sum := sha256.Sum256([]byte(in.String("to") + "\x00" + log))
		f.dir = filepath.Join(f.dir, fmt.Sprintf("spool-%x", sum[:6]))
	}
	f.spool, err = mta.OpenSpool(f.dir, spoolLimit)
	return f, err
}

// keep puts a batch into the spool. What becomes of it shows in the total.
func (f *forward) keep(_ context.Context, batch []byte) (sensor.Observed, error) {
	lost := f.spool.Lost()
	err := f.spool.Put(batch)
	if now := f.spool.Lost(); now > lost {
		f.p.human.printf("%s: the spool is full, the oldest sessions in it are given up\n", f.p.human.paint(yellow, "lost"))
	}
	select {
	case f.more <- struct{}{}:
	default:
	}
	return sensor.Observed{}, err
}

// run sends what is in the spool, the oldest first, until all of it is sent
// after ended, or until ctx is done.
func (f *forward) run(ctx context.Context) error {
	for ctx.Err() == nil {
		batch, some, err := f.spool.Oldest()
		if err != nil {
			return err
		}
		if some {
			if err := f.sendOldest(ctx, batch); err != nil {
				return err
			}
			continue
		}
		select {
		case <-f.more:
		case <-f.ended:
			if f.spool.Waiting() == 0 {
				return nil
			}
		case <-ctx.Done():
		}
	}
	return nil
}

// sendOldest sends the oldest batch and takes it out of the spool. While the
// other side is away it waits a little and leaves the batch where it is; one
// that is refused for good ends the command and stays, too.
func (f *forward) sendOldest(ctx context.Context, batch []byte) error {
	err := f.send(ctx, batch)
	if errors.Is(err, listing.ErrUnavailable) && (f.patient || !f.over()) {
		f.sayAway(err)
		pause(ctx, retryTime)
		return nil
	}
	if err != nil {
		return err
	}
	return f.spool.Done()
}

// over reports whether the log has been read to its end.
func (f *forward) over() bool {
	select {
	case <-f.ended:
		return true
	default:
		return false
	}
}

// send sends one batch.
func (f *forward) send(ctx context.Context, batch []byte) error {
	var out sensor.Observed
	if err := insistent(ctx, func(ctx context.Context) error { return f.to.Send(ctx, batch, &out) }); err != nil {
		return err
	}
	f.mu.Lock()
	f.total.Add(out)
	if f.away {
		f.away = false
		f.p.human.printf("the other side is back\n")
	}
	f.mu.Unlock()
	for _, l := range out.Listed {
		f.p.printListing(l)
	}
	return nil
}

// sayAway says once that the other side is away.
func (f *forward) sayAway(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.away {
		f.away = true
		f.p.human.printf("%s; they wait in %s\n", clean(oneLine(err)), clean(f.dir))
	}
}

// start sends beside the reading of the log; it ends reading when sending
// fails for good. What it returns waits until all has been sent, or cannot be
// for now.
func (f *forward) start(ctx context.Context, endReading func()) (finish func() error) {
	done := make(chan error, 1)
	go func() {
		err := f.run(ctx)
		if err != nil {
			endReading()
		}
		done <- err
	}()
	return func() error {
		close(f.ended)
		err := <-done
		waiting := f.spool.Waiting()
		if closing := f.spool.Close(); err == nil {
			err = closing
		}
		if waiting > 0 {
			f.p.human.printf("%s of sessions wait in %s: they are sent the next time\n", plural(waiting, "batch", "batches"), clean(f.dir))
		}
		return err
	}
}

// own leaves out sessions of other mail servers: the certificate is for one.
func (f *forward) own(r *mta.Report) bool {
	if r.Receiver == "" || strings.EqualFold(r.Receiver, f.to.Name()) {
		r.Receiver = f.to.Name()
		return true
	}
	return false
}

// sent is the total so far.
func (f *forward) sent() sensor.Observed {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.total
}

// observeTo sends a log to a dnsbld on another machine.
func (p *program) observeTo(ctx context.Context, l *logInput, options mta.LogOptions, t *batcher) error {
	f, err := p.newForward(l.in)
	if err != nil {
		return err
	}
	options.Receiver, t.deliver, t.own, t.most = f.to.Name(), f.keep, f.own, forwardMost
	reading, endReading := context.WithCancel(ctx)
	defer endReading()
	finish := f.start(ctx, endReading)
	err = l.send(reading, options, t)
	if sent := finish(); err == nil || errors.Is(err, context.Canceled) && sent != nil {
		err = sent // reading was ended because of it
	}
	total := f.sent()
	total.Skipped += t.total.Skipped
	return p.concludeObserved(total, l, err)
}
