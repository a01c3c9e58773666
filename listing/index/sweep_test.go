package index_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"
)

// sweeper is one to whom everything is usual.
func sweeper(live *index.Live, apply func(context.Context, []listing.Edit) error, clock *index.Clock) *index.Sweeper {
	return &index.Sweeper{Live: live, Clock: clock, Apply: apply, Log: slog.New(slog.DiscardHandler)}
}

// sweeping is a list that is swept by a clock that can be wrong.
type sweeping struct {
	*index.Sweeper
	store *memory
	ahead atomic.Int64 // nanoseconds that the clock is
	log   bytes.Buffer
}

// sweeping begins with entries that end after some seconds each.
func newSweeping(t *testing.T, ends ...time.Duration) *sweeping {
	s := &sweeping{store: newMemory()}
	var changes []listing.Change
	for n, after := range ends {
		changes = append(changes, listed(198<<24|18<<16|uint32(n), listing.BareIP, "", uint32(time.Now().Add(after).Unix())))
	}
	s.store.commit(changes...)
	live := start(t, s.store)
	now := func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
	s.Sweeper = &index.Sweeper{Live: live, Clock: index.NewClock(now), Apply: s.store.sweep(live), Log: slog.New(slog.NewTextHandler(&s.log, nil)),
		Last: time.Now(), Settle: 10 * time.Minute, Usual: new(listing.Hourly)}
	return s
}

// run sweeps in the background until the test ends.
func (s *sweeping) run(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
}

// after waits, and says how many hosts are left.
func (s *sweeping) after(d time.Duration) int {
	time.Sleep(d)
	synctest.Wait()
	return s.Live.Set().Stats().Hosts
}

func many(n int, after time.Duration) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = after
	}
	return all
}

// A clock that is a year ahead at the start, and right a moment later, ends
// nothing: the sweep settles first.
func TestSweepAfterAStartWithAWrongClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSweeping(t, 365*24*time.Hour/2, 20*time.Minute)
		s.ahead.Store(int64(365 * 24 * time.Hour))
		s.run(t)
		if n := s.after(9 * time.Minute); n != 2 {
			t.Errorf("%d left while it settles, want 2", n)
		}
		s.ahead.Store(0)
		if n := s.after(10 * time.Minute); n != 2 {
			t.Errorf("%d left after the clock was put right, want 2", n)
		}
		if n := s.after(10 * time.Minute); n != 1 {
			t.Errorf("%d left, want 1: the sweep goes on", n)
		}
		if said := s.log.String(); !strings.Contains(said, "more than a day") || strings.Count(said, "the clock has jumped: is it right?") != 1 {
			t.Errorf("said:\n%s", said)
		}
	})
}

// A clock that jumps while the list is served is said; by a day or more, nothing
// is ended for a while.
func TestSweepWhenTheClockJumps(t *testing.T) {
	for _, c := range []struct {
		jump    time.Duration
		said    bool
		settles bool
	}{{30 * time.Minute, false, false}, {2 * time.Hour, true, false}, {-2 * time.Hour, true, false}, {48 * time.Hour, true, true}, {-48 * time.Hour, true, true}} {
		synctest.Test(t, func(t *testing.T) {
			s := newSweeping(t, time.Minute+c.jump, time.Hour+c.jump)
			s.run(t)
			s.after(time.Second)
			s.ahead.Store(int64(c.jump))
			if n, want := s.after(2*time.Minute), map[bool]int{true: 2, false: 1}[c.settles]; n != want && c.jump > 0 {
				t.Errorf("%s: %d left, want %d", c.jump, n, want)
			}
			if n := s.after(10 * time.Minute); n != 1 && c.jump > 0 {
				t.Errorf("%s: %d left after it settled, want 1", c.jump, n)
			}
			if settles := strings.Contains(s.log.String(), "nothing is ended for a while"); settles != c.settles {
				t.Errorf("%s: settles: %t", c.jump, settles)
			}
			if said := strings.Contains(s.log.String(), "has jumped: is it right?"); said != c.said {
				t.Errorf("%s: said: %t\n%s", c.jump, said, s.log.String())
			}
		})
	}
}

// More ends than usual wait for an hour, or for an operator; what comes due
// meanwhile waits too. A usual number does not.
func TestSweepOfMoreThanUsual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSweeping(t, append(many(100, 10*time.Second), many(101, 2*time.Hour)...)...)
		s.run(t)
		if n := s.after(15 * time.Second); n != 101 {
			t.Errorf("%d left, want 101: a hundred are usual", n)
		}
		if n := s.after(2 * time.Hour); n != 101 || !strings.Contains(s.log.String(), "ends=101") {
			t.Errorf("%d left, want 101: more than usual wait\n%s", n, s.log.String())
		}
		if n := s.after(time.Hour); n != 0 {
			t.Errorf("%d left after an hour", n)
		}
		if n := strings.Count(s.log.String(), "more would be ended"); n != 1 {
			t.Errorf("said %d times", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newSweeping(t, many(25_000, 10*time.Second)...)
		s.run(t)
		if n := s.after(time.Minute); n != 25_000 {
			t.Errorf("%d left, want all", n)
		}
		s.Release()
		if n := s.after(2 * time.Second); n != 0 {
			t.Errorf("%d left after the release, which is for all that waited", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newSweeping(t, many(150, 10*time.Second)...)
		for h := range 7 * 24 { // thirty an hour
			s.Usual.Turn(time.Now().Add(time.Duration(h-7*24) * time.Hour))
			s.Usual.Count = 30
		}
		s.run(t)
		if n := s.after(15 * time.Second); n != 0 {
			t.Errorf("%d left of what is usual in this list", n)
		}
	})
}

// One source ends when it said it would, however large it is; several at once are
// more than usual.
func TestSweepOfSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSweeping(t)
		now := uint32(time.Now().Unix())
		for n, name := range []string{"alpha", "beta", "gamma"} {
			s.store.commit(feed(name, now+[]uint32{10, 20, 20}[n]))
		}
		synctest.Wait()
		s.run(t)
		s.after(15 * time.Second)
		if n := s.Live.Set().Stats().Sources; n != 2 {
			t.Errorf("%d sources left, want 2", n)
		}
		s.after(15 * time.Second)
		if n := s.Live.Set().Stats().Sources; n != 2 {
			t.Errorf("%d sources left, want 2: they wait", n)
		}
		s.after(time.Hour)
		if n := s.Live.Set().Stats().Sources; n != 0 {
			t.Errorf("%d sources left", n)
		}
	})
}
