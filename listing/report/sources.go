package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"dnsbld/listing"
)

// Source is an imported feed: in force, or one that ended lately.
type Source struct {
	listing.Source
	listing.SourceNote
	Ended   time.Time            `json:"ended,omitzero"`
	Because listing.DelistReason `json:"because,omitempty"` // it ended; expired: it was not imported in time
}

// Lapsed reports whether a source ended because it was not imported in time. What it
// listed vanished then, and nobody had decided so.
func (s Source) Lapsed() bool { return s.Because == listing.Expired }

// keepEnded is how long a source that ended is remembered.
const keepEnded = 30 * listing.Day

// AllSources are the sources in force by name, then those that ended in the last 30
// days, the newest first. A store forgets a source that ends; the log of changes
// does not.
func AllSources(ctx context.Context, store listing.Store, now time.Time) ([]Source, error) {
	all, ended := []Source{}, map[string]Source{}
	head, err := endedSince(ctx, store, now.Add(-keepEnded), ended)
	if err != nil {
		return nil, err
	}
	err = store.View(ctx, func(snap listing.Snapshot) error {
		sources, err := snap.Sources()
		for _, s := range sources {
			said, err := listing.SourceNoteOf(snap, s.Name)
			if err != nil {
				return err
			}
			if s.Active(now) {
				all = append(all, Source{Source: s, SourceNote: said})
			}
			if s.Active(now) || s.Changed() > head {
				delete(ended, s.Name)
			}
			if !s.Active(now) { // the sweep is about to end it
				ended[s.Name] = Source{s, said, s.Until, listing.Expired}
			}
		}
		return err
	})
	var past []Source
	for _, s := range ended {
		past = append(past, s)
	}
	slices.SortFunc(past, func(a, b Source) int { return cmp.Or(b.Ended.Compare(a.Ended), cmp.Compare(a.Name, b.Name)) })
	return append(all, past...), err
}

// endedSince finds the sources whose last change since a time was their end, and the
// revision up to which it looked.
func endedSince(ctx context.Context, store listing.Store, since time.Time, ended map[string]Source) (listing.Revision, error) {
	status, err := store.Status(ctx)
	if err != nil {
		return 0, err
	}
	after, err := Before(ctx, store, since)
	if err != nil || after >= status.Head {
		return status.Head, err
	}
	for c, err := range store.OwnChanges(ctx, after) {
		if err != nil {
			return 0, err
		}
		if c.Kind == listing.SourceChange {
			noteEnd(c, ended)
		}
		if c.Last && c.Revision >= status.Head {
			break
		}
	}
	return status.Head, nil
}

// noteEnd keeps the end of a source, until it is imported again.
func noteEnd(c listing.Change, ended map[string]Source) {
	if c.SourceAfter != nil {
		delete(ended, c.SourceAfter.Name)
		return
	}
	s := Source{Source: *c.SourceBefore, Ended: c.Header.Time, Because: c.Because}
	if s.Lapsed() {
		s.Ended = s.Until
	}
	ended[s.Name] = s
}

// Lapsing are the sources that somebody should look at: those that end within a
// time unless they are imported again, and those that lapsed within it.
func Lapsing(all []Source, now time.Time, within time.Duration) []Source {
	return slices.DeleteFunc(slices.Clone(all), func(s Source) bool {
		if s.Ended.IsZero() {
			return s.Until.Sub(now) > within
		}
		return !s.Lapsed() || now.Sub(s.Ended) > within
	})
}

// Warning is what there is to say of a source that lapses.
func (s Source) Warning() string {
	imported := s.Refreshed.UTC().Format(time.RFC3339)
	if s.Ended.IsZero() {
		return fmt.Sprintf("source %s ends on %s unless it is imported again: its last import was on %s", s.Name, s.Until.UTC().Format(time.RFC3339), imported)
	}
	return fmt.Sprintf("source %s ended on %s, and its %d entries with it: its last import was on %s", s.Name, s.Ended.UTC().Format(time.RFC3339), s.Entries, imported)
}
