package index

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"dnsbld/listing"

	"github.com/gaissmai/bart"
)

// Live is the served view as it is now. Its methods may be called from
// everywhere at once; Load and Follow by one goroutine.
type Live struct {
	set atomic.Pointer[Set]

	mu      sync.Mutex // held while a set is published
	never   *bart.Lite
	waiters []*waiter
}

// waiter waits for a revision.
type waiter struct {
	revision listing.Revision
	served   chan struct{} // closed when it is, or cannot be:
	err      error         // why
}

// NewLive returns a view that has nothing to serve until Load.
func NewLive() *Live { return &Live{never: new(bart.Lite)} }

// Set is the newest set, nil until there is one.
func (l *Live) Set() *Set { return l.set.Load() }

// Load serves what the store holds.
func (l *Live) Load(ctx context.Context, store listing.Store) error {
	var next *Set
	err := store.View(ctx, func(snap listing.Snapshot) (err error) {
		next, err = FromSnapshot(snap)
		return err
	})
	if err != nil {
		return fmt.Errorf("loading the index: %w", err)
	}
	l.Publish(next)
	l.settle()
	return nil
}

// settle gives back what making a large set took, which is more than what
// serving it takes, and has what stays lie in few pages.
func (l *Live) settle() {
	debug.FreeOSMemory()
	if s := l.Set(); s != nil {
		s.useHugePages()
	}
}

// Publish serves a set from now on, under the never-list that is in force.
func (l *Live) Publish(s *Set) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.publish(s.guarded(l.never))
}

// Protect replaces the never-list.
func (l *Live) Protect(never []listing.Protected) {
	table := new(bart.Lite)
	for _, n := range never {
		table.Insert(n.Subject.Prefix)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.never = table
	if s := l.set.Load(); s != nil {
		l.publish(s.guarded(table))
	}
}

// guarded is the set with another never-list.
func (s *Set) guarded(never *bart.Lite) *Set {
	if s.never == never {
		return s
	}
	next := *s
	next.never = never
	return &next
}

// publish puts a set in force and lets go who waits for it.
func (l *Live) publish(s *Set) {
	l.set.Store(s)
	l.waiters = slices.DeleteFunc(l.waiters, func(w *waiter) bool {
		if w.revision > s.revision {
			return false
		}
		close(w.served)
		return true
	})
}

// Wait returns when a set is served that has a revision.
func (l *Live) Wait(ctx context.Context, r listing.Revision) error {
	if s := l.Set(); s != nil && s.revision >= r {
		return nil
	}
	w := l.await(r)
	select {
	case <-w.served:
		return w.err
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiters = slices.DeleteFunc(l.waiters, func(x *waiter) bool { return x == w })
	return fmt.Errorf("waiting for revision %d to be served: %w", r, ctx.Err())
}

// giveUp tells all who wait why nothing comes.
func (l *Live) giveUp(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.waiters {
		w.err = why
		close(w.served)
	}
	l.waiters = nil
}

func (l *Live) await(r listing.Revision) *waiter {
	w := &waiter{revision: r, served: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.Set(); s != nil && s.revision >= r {
		close(w.served)
	} else {
		l.waiters = append(l.waiters, w)
	}
	return w
}

// Follow serves every revision as the store yields it, until ctx is done or
// the store fails: then whoever waits is told. It begins with Load if nothing is
// served yet, and again if the changes it needs are no longer kept.
func (l *Live) Follow(ctx context.Context, store listing.Store) (err error) {
	defer func() { l.giveUp(err) }()
	for reload := l.Set() == nil; ; reload = true {
		if reload {
			if err := l.Load(ctx, store); err != nil {
				return err
			}
		}
		if err := l.follow(ctx, store); !errors.Is(err, listing.ErrCompacted) {
			return fmt.Errorf("following the list: %w", err)
		}
	}
}
