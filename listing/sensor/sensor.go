package sensor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/helo"
	"dnsbld/listing/sighting"
)

// Actor is the name in the audit of what the sensor writes.
const Actor = "dnsbld:sensor"

// Archive is the file of the counters.
type Archive interface {
	sighting.Archive
	// Renew sets the file aside and starts again, because something in it
	// cannot be understood.
	Renew(why error) error
	io.Closer
}

// Config is what a Sensor is made of.
type Config struct {
	Book    *listing.Book
	Archive Archive
	Log     *slog.Logger
	// Complete adds what the configuration and DNS say of a session. Several
	// calls run at once. A slow one delays counting, no mail.
	Complete func(context.Context, Report) Report
	// Probe takes a session with a probe recipient as proof of who controls
	// its client. It reports whether there is a new proof.
	Probe func(context.Context, Report, helo.Verdict) (bool, error)
	Settings
}

// Settings are what a reload may change.
type Settings struct {
	Thresholds sighting.Thresholds
	Probation  time.Duration // for which a new receiver's sessions list nobody
	// PerReceiver is how many addresses are listed in an hour on the word of one
	// receiver alone; 0: 100.
	PerReceiver int
	// Named are the shadow reasons that a zone answers. A reload does not
	// change them.
	Named []listing.Reason
	// Own is the receiver whose sessions a policy service tells; empty: none.
	Own string
	// Collected are the receivers that tell of their sessions themselves.
	Collected []string
}

// Sensor counts sessions and lists the clients that cross a threshold. Its
// methods may be called at once.
type Sensor struct {
	c        Config
	settings atomic.Pointer[Settings] // in force
	engine   *sighting.Engine
	errors   errorLog
	queue    chan Report
	probes   struct{ taken, refused atomic.Int64 }

	sending sync.Mutex // held while edits are on their way
	mu      sync.Mutex
	batches map[*batch]struct{} // that are being counted
}

// New makes a Sensor and reads its own figures from the archive, which it
// renews if they are damaged. Close closes the archive.
func New(c Config) (*Sensor, error) {
	s := &Sensor{c: c, errors: errorLog{log: c.Log}, queue: make(chan Report, queued), batches: map[*batch]struct{}{}}
	s.settings.Store(&c.Settings)
	o := sighting.Options{Now: c.Book.Now, Rules: c.Book.Rules, Thresholds: c.Thresholds, Archive: c.Archive, Named: c.Named, Ended: s.ended, Probation: c.Probation, PerReceiver: c.PerReceiver}
	var err error
	if s.engine, err = sighting.New(o); errors.Is(err, listing.ErrCorrupt) {
		if err = c.Archive.Renew(err); err == nil {
			s.engine, err = sighting.New(o)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("starting the sensor: %w", err)
	}
	return s, nil
}

// Configure puts other settings in force.
func (s *Sensor) Configure(c Settings) error {
	if err := s.engine.SetThresholds(c.Thresholds); err != nil {
		return err
	}
	s.engine.SetReceivers(c.Probation, c.PerReceiver)
	s.settings.Store(&c)
	return nil
}

// Receivers are the mail servers that have reported.
func (s *Sensor) Receivers() []sighting.Receiver { return s.engine.Receivers() }

// Accept ends the probation of a receiver: what it told in the last 24 hours
// counts as if there had been none. It reports whether there was one.
func (s *Sensor) Accept(ctx context.Context, by, receiver string) (was bool, err error) {
	if was, err = s.engine.Accept(receiver); err != nil || !was {
		return was, err
	}
	s.c.Log.Info("a receiver is accepted", "receiver", receiver, "by", by)
	if err = s.engine.Flush(); err == nil {
		err = s.settle(ctx)
	}
	return was, err
}

// Thresholds are those in force.
func (s *Sensor) Thresholds() sighting.Thresholds { return s.settings.Load().Thresholds }

// Run counts and lists until ctx is done, and then counts the reports that
// wait. Tell must not be called after that.
func (s *Sensor) Run(ctx context.Context) {
	var counting, deciding sync.WaitGroup
	for range workers {
		counting.Go(func() {
			for r := range s.queue {
				s.take(ctx, r, nil)
			}
		})
	}
	known := make(chan struct{})
	deciding.Go(func() { s.follow(ctx, known) })
	deciding.Go(func() { s.decide(ctx, known) })
	deciding.Go(func() { s.store(ctx) })
	<-ctx.Done()
	close(s.queue)
	counting.Wait()
	deciding.Wait()
}

// Close stores what was counted and closes the archive.
func (s *Sensor) Close() error { return errors.Join(s.engine.Flush(), s.c.Archive.Close()) }

// Facts are what the counters know of a subject.
func (s *Sensor) Facts(of listing.Subject) (sighting.Facts, error) {
	f, err := s.engine.Facts(of)
	s.repair(err)
	return f, err
}

// Clean yields the senders that lately greeted as they should.
func (s *Sensor) Clean(within listing.Subject) iter.Seq2[sighting.Sender, error] {
	return func(yield func(sighting.Sender, error) bool) {
		var failed error
		for one, err := range s.engine.Clean(within) {
			failed = err
			if !yield(one, err) {
				break
			}
		}
		s.repair(failed) // after the scan has let go of the archive
	}
}

// Simulate holds what is stored against other thresholds than those in force.
func (s *Sensor) Simulate(ctx context.Context, other sighting.Thresholds) (sighting.Simulation, error) {
	if err := s.engine.Flush(); err != nil {
		return sighting.Simulation{}, err
	}
	stored := func(yield func(sighting.Stored, error) bool) {
		for n, err := range sighting.Recall(s.c.Archive) {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(n, err) || err != nil {
				return
			}
		}
	}
	return sighting.Simulate(stored, s.Thresholds(), other, s.engine.Status().Sole)
}

// Status is how the sensor does.
func (s *Sensor) Status() Status {
	return Status{Probes: Probes{Taken: s.probes.taken.Load(), Refused: s.probes.refused.Load()}, Status: s.engine.Status()}
}

// TakesLog refuses a log of a receiver whose sessions come another way: they
// would count twice.
func (s *Sensor) TakesLog(receiver string) error {
	in := s.settings.Load()
	e := &listing.Error{Kind: listing.ErrPolicy, Code: "receiver-has-source"}
	switch {
	case slices.Contains(in.Collected, receiver):
		e.Message = fmt.Sprintf("%s tells of its sessions itself: a log here would count them twice", listing.Quote(receiver))
		e.Hint = "name another mail server with --receiver, or leave this one out of receivers in [sensor.collect]"
	case receiver == in.Own && in.Own != "":
		e.Message = fmt.Sprintf("the sessions of %s come from its policy service: its log would count them twice", listing.Quote(receiver))
		e.Hint = "name another mail server with --receiver, or leave the policy service out of [sensor]"
	default:
		return nil
	}
	return e
}

// repair begins the counters anew when something in their file cannot be
// understood: they are losable, and one damaged value must not stop the rest.
func (s *Sensor) repair(err error) {
	if errors.Is(err, listing.ErrCorrupt) {
		s.LogError("the counters are damaged", errors.Join(err, s.c.Archive.Renew(err)))
	}
}

// LogError logs an error that may come over and over, once a minute.
func (s *Sensor) LogError(what string, err error) { s.errors.say(what, err) }

// errorLog logs each kind of error once a minute.
type errorLog struct {
	log  *slog.Logger
	mu   sync.Mutex
	said map[string]time.Time
	more map[string]int // since it was said
}

func (l *errorLog) say(what string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.said == nil {
		l.said, l.more = map[string]time.Time{}, map[string]int{}
	}
	if time.Since(l.said[what]) < time.Minute {
		l.more[what]++
		return
	}
	l.log.Error(what, "err", err, "times_before", l.more[what])
	l.said[what], l.more[what] = time.Now(), 0
}

// MemoryOnly is an Archive for counters that cannot be stored.
type MemoryOnly struct{}

// Scan yields nothing.
func (MemoryOnly) Scan(_, _ []byte) iter.Seq2[sighting.Item, error] {
	return func(func(sighting.Item, error) bool) {}
}

// Save keeps nothing.
func (MemoryOnly) Save([]sighting.Item) error { return nil }

// Renew has nothing to set aside.
func (MemoryOnly) Renew(error) error { return nil }

// Close closes nothing.
func (MemoryOnly) Close() error { return nil }
