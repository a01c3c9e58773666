package index_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"
)

// start runs Follow until the test ends.
func start(t *testing.T, s *memory) *index.Live {
	t.Helper()
	live := index.NewLive()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- live.Follow(ctx, s) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err == nil {
			t.Error("Follow ended without an error")
		}
	})
	return live
}

func isListed(s *index.Set, addr string) bool {
	return len(s.Lookup(netip.MustParseAddr(addr), 1000, nil)) > 0
}

func TestWaitReturnsWhenServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		first := s.commit(entry("192.0.2.1/32", ""))
		live := start(t, s)
		if err := live.Wait(t.Context(), first); err != nil || !isListed(live.Set(), "192.0.2.1") {
			t.Fatalf("after the load: %v", err)
		}
		waited := make(chan error, 1)
		go func() { waited <- live.Wait(t.Context(), first+2) }()
		synctest.Wait()
		select {
		case err := <-waited:
			t.Fatalf("returned before the revision was there: %v", err)
		default:
		}
		if r := s.commit(entry("192.0.2.2/32", "")); <-waited != nil || live.Set().Revision() != r || !isListed(live.Set(), "192.0.2.2") {
			t.Fatalf("revision %d, want %d", live.Set().Revision(), r)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := live.Wait(ctx, 1000); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting in vain: %v", err)
		}
	})
}

// Nothing of a revision shows before all of it does, however its changes
// arrive.
func TestRevisionsShowWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		live := start(t, s)
		synctest.Wait()
		var changes []listing.Change
		for n := range 20_000 {
			changes = append(changes, listed(198<<24|18<<16|uint32(n), listing.BareIP, "", 2000))
		}
		half := slices.Clone(changes[:10_000])
		for n := range half {
			half[n].Revision, half[n].Last = 1, false
		}
		s.mu.Lock()
		s.log = append(s.log, half...)
		s.wake()
		s.mu.Unlock()
		synctest.Wait()
		if got := live.Set().Stats().Hosts; got != 0 {
			t.Fatalf("%d hosts of half a revision are served", got)
		}
		last := changes[10_000]
		last.Revision, last.Last = 1, true
		s.mu.Lock()
		s.log = append(s.log, last)
		s.wake()
		s.mu.Unlock()
		if err := live.Wait(t.Context(), 1); err != nil || live.Set().Stats().Hosts != 10_001 {
			t.Fatalf("%d hosts: %v", live.Set().Stats().Hosts, err)
		}
	})
}

// In a storm of small revisions everyone who waits for one is let go when it
// is served.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		live := start(t, s)
		synctest.Wait()
		const storm = 1000
		var wait sync.WaitGroup
		for n := range storm {
			wait.Go(func() {
				r := s.commit(listed(198<<24|18<<16|uint32(n), listing.BareIP, "", 2000))
				if err := live.Wait(t.Context(), r); err != nil || live.Set().Revision() < r {
					t.Errorf("revision %d: %v", r, err)
				}
				if len(live.Set().Lookup(host(198<<24|18<<16|uint32(n)).Addr(), 1000, nil)) != 1 {
					t.Errorf("host %d is not served", n)
				}
			})
		}
		wait.Wait()
		if got := live.Set().Stats().Hosts; got != storm {
			t.Errorf("%d hosts, want %d", got, storm)
		}
	})
}

func TestFollowStartsAgainWhenCompacted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		live := index.NewLive()
		if err := live.Load(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		s.commit(entry("192.0.2.1/32", ""))
		r := s.commit(entry("192.0.2.2/32", ""))
		s.compact()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- live.Follow(ctx, s) }()
		if err := live.Wait(t.Context(), r); err != nil || !isListed(live.Set(), "192.0.2.1") || s.views != 2 {
			t.Errorf("%d views: %v", s.views, err)
		}
		r = s.commit(entry("192.0.2.3/32", ""))
		if err := live.Wait(t.Context(), r); err != nil || !isListed(live.Set(), "192.0.2.3") {
			t.Error(err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestFollowReportsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, live := newMemory(), index.NewLive()
		done := make(chan error)
		go func() { done <- live.Follow(t.Context(), s) }()
		waited := make(chan error)
		go func() { waited <- live.Wait(t.Context(), 1000) }()
		synctest.Wait()
		s.fails(listing.ErrCorrupt)
		if err := <-done; !errors.Is(err, listing.ErrCorrupt) {
			t.Errorf("ended with %v", err)
		}
		if err := <-waited; !errors.Is(err, listing.ErrCorrupt) {
			t.Errorf("whoever waits is told %v", err)
		}
		if live.Set() == nil {
			t.Error("what was loaded is not served any more")
		}
	})
}

func TestProtect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		live := index.NewLive()
		never := func(prefix string) { live.Protect([]listing.Protected{{Subject: subject(prefix)}}) }
		never("192.0.2.0/28") // before anything is served
		if live.Set() != nil {
			t.Error("a set is served that nobody loaded")
		}
		s.commit(entry("192.0.2.0/24", ""))
		if err := live.Load(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		older := live.Set()
		if isListed(older, "192.0.2.1") || !isListed(older, "192.0.2.77") {
			t.Error("the never-list is not in force after the load")
		}
		never("192.0.2.64/28")
		if !isListed(live.Set(), "192.0.2.1") || isListed(live.Set(), "192.0.2.77") || isListed(older, "192.0.2.1") {
			t.Error("the never-list was not replaced, or an older set changed")
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- live.Follow(ctx, s) }()
		synctest.Wait()
		never("192.0.2.80/28") // while a set is in the making
		r := s.commit(entry("192.0.2.0/25", ""))
		if err := live.Wait(ctx, r); err != nil || isListed(live.Set(), "192.0.2.81") || !isListed(live.Set(), "192.0.2.77") {
			t.Errorf("the never-list was lost with the next revision: %v", err)
		}
		cancel()
		<-done
	})
}

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(700 * time.Millisecond) // not at a boundary
		const offset = 36 * time.Hour
		now := func() time.Time { return time.Now().Add(offset) }
		c := index.NewClock(now)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { c.Run(ctx); close(done) }()
		for range 10 {
			synctest.Wait()
			if got, want := c.Now(), uint32(now().Unix()); got != want {
				t.Errorf("at %s: %d, want %d", now(), got, want)
			}
			time.Sleep(300 * time.Millisecond)
		}
		cancel()
		<-done
	})
}

// The sweep ends entries, allow entries and sources in the second in which
// their time has come, in requests of the size that is allowed.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		end := uint32(time.Now().Unix()) + 10
		const many = 25_000
		var changes []listing.Change
		for n := range many {
			changes = append(changes, listed(198<<24|18<<16|uint32(n), listing.BareIP, "", end))
		}
		changes = append(changes, feed("alpha", end), listed(1, listing.BareIP, "alpha", end), entry("192.0.2.0/24", "", until(end)),
			entry("2001:db8::7/128", "", until(end+5)), entry("192.0.2.9/32", "", until(end+500)),
			listing.Change{Kind: listing.AllowChange, AllowAfter: &listing.Allow{Subject: subject("192.0.2.0/28"), Until: at(end)}})
		s.commit(changes...)
		live := start(t, s)
		clock := index.NewClock(time.Now)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { sweeper(live, s.sweep(live), clock).Run(ctx); close(done) }()

		time.Sleep(9*time.Second + 999*time.Millisecond)
		synctest.Wait()
		if got := s.requests(); len(got) != 0 {
			t.Errorf("%v edits before anything was due", got)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		want := index.Stats{Hosts: 2}
		got := live.Set().Stats()
		if got.Bytes = 0; got != want {
			t.Errorf("left in that second: %+v, want %+v", got, want)
		}
		if got := s.requests(); slices.Max(got) > listing.MaxEdits {
			t.Errorf("requests of %v edits", got)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := live.Set().Stats().Hosts; got != 1 {
			t.Errorf("%d hosts left, want 1", got)
		}
		cancel()
		<-done
	})
}

// An end that cannot be stored now is tried again a second later, not at once.
func TestSweepTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemory()
		s.commit(entry("192.0.2.9/32", "", until(uint32(time.Now().Unix()))))
		live := start(t, s)
		synctest.Wait()
		var calls atomic.Int32
		var broken atomic.Bool
		broken.Store(true)
		apply := func(ctx context.Context, edits []listing.Edit) error {
			if calls.Add(1); broken.Load() {
				return listing.ErrUnavailable
			}
			return s.sweep(live)(ctx, edits)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { sweeper(live, apply, index.NewClock(time.Now)).Run(ctx); close(done) }()
		time.Sleep(2500 * time.Millisecond)
		broken.Store(false)
		time.Sleep(5 * time.Second)
		if calls.Load() != 4 || live.Set().Stats().Hosts != 0 {
			t.Errorf("tried %d times, want 4; %d hosts left", calls.Load(), live.Set().Stats().Hosts)
		}
		cancel()
		<-done
	})
}
