package index

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dnsbld/listing"
)

// Sweeper ends what is due, at the boundary of each second. No query needs it:
// what has ended is not answered. But what it ends is gone, so a clock that is
// wrong for a second must not have it end the list. Where the time is in doubt it
// settles first, and more ends than usual wait.
type Sweeper struct {
	Live  *Live
	Clock *Clock
	Log   *slog.Logger

	// Apply sends edits, at most listing.MaxEdits of them, as a request, and
	// returns when the result is served. It is called from several goroutines. After
	// an error, which is Apply's to report, Sweeper tries again a second later.
	Apply func(context.Context, []listing.Edit) error

	// Last is when the list was last changed, as its log says; zero: never.
	Last time.Time

	// Settle is how long to wait where more than a day lies between Last and the
	// clock, or the clock jumps by as much.
	Settle time.Duration

	// Usual counts what was ended before; nil: everything is usual.
	Usual *listing.Hourly

	began    time.Time     // by the monotonic clock
	drift    time.Duration // of Clock against that, since the beginning
	settled  time.Time     // when the wait is over, by the monotonic clock
	held     time.Time     // since when more than usual waits, by the same; zero: nothing does
	released atomic.Bool
	passing  bool // what was held is let go on
}

const (
	// inFlight is how many requests of a sweep are sent at once: the store makes
	// them durable together.
	inFlight = 8
	// sweepLimit is how many edits are looked for at once.
	sweepLimit = inFlight * listing.MaxEdits

	saidJump     = time.Hour // a jump of the clock that is said
	settlingJump = 24 * time.Hour
	heldFor      = time.Hour // that more than usual waits
)

// Run sweeps until ctx is done.
func (s *Sweeper) Run(ctx context.Context) {
	s.begin()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		s.watch()
		for !time.Now().Before(s.settled) && s.once(ctx) {
		}
		timer.Reset(untilNext(s.Clock.now()))
	}
}

// Release lets a sweep go on that waits because it would end more than usual.
func (s *Sweeper) Release() { s.released.Store(true) }

// begin compares the clock with the log.
func (s *Sweeper) begin() {
	s.began = time.Now()
	s.drift = s.driftNow()
	if s.Last.IsZero() {
		return
	}
	gap := s.Clock.now().Sub(s.Last)
	if gap < -saidJump {
		s.Log.Error("the clock is behind the last change of the list: is it right?", "last_change", s.Last, "clock", s.Clock.now())
	}
	if gap.Abs() > settlingJump {
		s.settle("there was no change for more than a day, or the clock is wrong", gap)
	}
}

// driftNow is how far the clock is from where the monotonic clock would have it.
func (s *Sweeper) driftNow() time.Duration {
	return s.Clock.now().Round(0).Sub(s.began.Round(0).Add(time.Since(s.began)))
}

// watch looks whether the clock has jumped since it was last looked at.
func (s *Sweeper) watch() {
	drift := s.driftNow()
	jump := drift - s.drift
	s.drift = drift
	if jump.Abs() > saidJump {
		s.Log.Error("the clock has jumped: is it right?", "by", jump.Round(time.Second), "clock", s.Clock.now())
	}
	if jump.Abs() > settlingJump {
		s.settle("the clock has jumped", jump)
	}
}

func (s *Sweeper) settle(why string, by time.Duration) {
	s.settled = time.Now().Add(s.Settle)
	s.Log.Warn("nothing is ended for a while; what has ended is not answered", "why", why, "by", by.Round(time.Second), "wait", s.Settle)
}

// once sends one round of requests, and reports whether more is due and there is
// hope of ending it now.
func (s *Sweeper) once(ctx context.Context) bool {
	set := s.Live.Set()
	if set == nil {
		return false
	}
	edits, ended := set.due(seconds(s.Clock.now()), sweepLimit)
	if !s.allowed(len(edits), ended) {
		return false
	}
	var wait sync.WaitGroup
	failed := make(chan error, inFlight)
	for part := range slices.Chunk(edits, listing.MaxEdits) {
		wait.Go(func() {
			if err := s.Apply(ctx, part); err != nil {
				failed <- err
			}
		})
	}
	wait.Wait()
	if s.Usual != nil && len(failed) == 0 {
		s.Usual.Count += len(edits) - ended
	}
	return len(edits) == sweepLimit && len(failed) == 0 && ctx.Err() == nil && s.Live.Set().Revision() > set.Revision()
}

// allowed reports whether a sweep of some edits, by which some sources end, may go
// on. One source that ends at its time is as announced, however large it is.
func (s *Sweeper) allowed(edits, ended int) bool {
	release := s.released.Swap(false)
	if s.Usual == nil || edits == 0 {
		s.held, s.passing = time.Time{}, false
		return true
	}
	waited := !s.held.IsZero() && (release || time.Since(s.held) >= heldFor)
	switch usual := ended < 2 && s.Usual.Fits(s.Clock.now(), edits-ended); {
	case usual, s.passing, waited:
		s.held, s.passing = time.Time{}, !usual && edits == sweepLimit
		return true
	case s.held.IsZero():
		s.held = time.Now()
		s.Log.Error("more would be ended at once than usual: it waits an hour; is the clock right? `systemctl reload` lets it go on",
			"ends", edits, "sources", ended, "usual", s.Usual.Limit(), "clock", s.Clock.now())
	}
	return false
}
