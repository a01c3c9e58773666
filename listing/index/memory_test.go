package index_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"dnsbld/listing"
	"dnsbld/listing/index"
)

// memory is a listing.Store in memory, as far as the index and the sweep use
// one. Its log can be compacted, and told to hold back.
type memory struct {
	listing.Store
	mu      sync.Mutex
	m       *model
	log     []listing.Change
	dropped int           // changes that were compacted
	more    chan struct{} // closed when there is more
	fail    error         // that Changes ends with
	views   int
	applied []int // edits of each request
}

func newMemory() *memory { return &memory{m: newModel(), more: make(chan struct{})} }

// commit makes changes one revision.
func (s *memory) commit(changes ...listing.Change) listing.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.m.revision + 2 // they need not be dense
	for n, c := range changes {
		c.Revision, c.Last = r, n == len(changes)-1
		s.m.apply(c)
		s.log = append(s.log, c)
	}
	s.wake()
	return r
}

func (s *memory) wake() {
	close(s.more)
	s.more = make(chan struct{})
}

func (s *memory) compact() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped += len(s.log)
	s.log = nil
}

func (s *memory) fails(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
	s.wake()
}

func (s *memory) View(_ context.Context, f func(listing.Snapshot) error) error {
	s.mu.Lock()
	s.views++
	m := s.m.clone()
	s.mu.Unlock()
	return f(snapshot{model: m})
}

// OwnChanges is not what a view follows.
func (s *memory) OwnChanges(context.Context, listing.Revision) iter.Seq2[listing.Change, error] {
	return func(func(listing.Change, error) bool) {}
}

func (s *memory) Changes(ctx context.Context, after listing.Revision) iter.Seq2[listing.Change, error] {
	return func(yield func(listing.Change, error) bool) {
		at := -1 // in the whole log
		for {
			s.mu.Lock()
			if at < 0 {
				at = s.dropped + slices.IndexFunc(append(slices.Clone(s.log), listing.Change{Revision: ^listing.Revision(0)}),
					func(c listing.Change) bool { return c.Revision > after })
				if s.dropped > 0 && (len(s.log) == 0 || s.log[0].Revision > after+2) && after < s.m.revision {
					at = -1
				}
			}
			var next []listing.Change
			if at >= s.dropped {
				next = slices.Clone(s.log[at-s.dropped:])
			}
			more, fail := s.more, s.fail
			s.mu.Unlock()
			switch {
			case at < 0:
				yield(listing.Change{}, fmt.Errorf("changes after %d: %w", after, listing.ErrCompacted))
				return
			case fail != nil:
				yield(listing.Change{}, fail)
				return
			}
			for _, c := range next {
				if !yield(c, nil) {
					return
				}
			}
			at += len(next)
			if len(next) > 0 {
				continue
			}
			select {
			case <-more:
			case <-ctx.Done():
				return
			}
		}
	}
}

// sweep does what a Book does with the edits of a sweep.
func (s *memory) sweep(live *index.Live) func(context.Context, []listing.Edit) error {
	return func(ctx context.Context, edits []listing.Edit) error {
		var changes []listing.Change
		for _, e := range edits {
			switch {
			case e.Source != "":
				changes = append(changes, endOfFeed(e.Source))
			case e.Subject.IsValid():
				changes = append(changes, listing.Change{Kind: listing.AllowChange, AllowBefore: &listing.Allow{Subject: e.Subject}})
			default:
				changes = append(changes, listing.Change{Kind: listing.EntryChange, Before: &listing.Entry{Key: e.Key}})
			}
		}
		r := s.commit(changes...)
		s.mu.Lock()
		s.applied = append(s.applied, len(edits))
		s.mu.Unlock()
		return live.Wait(ctx, r)
	}
}

// requests are how many edits each request of a sweep had.
func (s *memory) requests() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.applied)
}
