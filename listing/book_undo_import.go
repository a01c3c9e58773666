package listing

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// undoImport puts a source back to what it held before an import.
func (b *Book) undoImport(ctx context.Context, o order, set changeSet) (Result, error) {
	c := set.source
	name := c.SourceAfter.Name
	switch last, err := b.lastOf(ctx, c); {
	case err != nil:
		return Result{}, err
	case last.Revision == c.Revision:
	case last.Header.Undoes == set.first:
		return b.apply(ctx, o, nil, 0) // it was taken back: nothing is left to do
	default:
		return Result{}, touchedSource(name, last)
	}
	if o.IfRevision != nil && *o.IfRevision != c.Revision {
		return Result{}, &Error{Kind: ErrConflict, Code: "revision",
			Message: fmt.Sprintf("source %s is at revision %d, not at revision %d", name, c.Revision, *o.IfRevision),
			Names:   map[string]string{"SOURCE": name}}
	}
	generation := c.SourceAfter.Generation
	if c.SourceBefore == nil || !c.SourceBefore.Active(o.Time) {
		return b.apply(ctx, o, []Edit{{Op: OpEndSource, Source: name, Because: Undone, Expect: &c.Revision}}, 0)
	}
	edit := SourceEdit{Name: name, Expect: &generation, Until: c.SourceBefore.Until}
	return b.replace(ctx, o, edit, b.contentsBefore(ctx, name, unlapsed(set.entries, o.Time)))
}

// unlapsed is what there was, less what would have ended by now.
func unlapsed(before map[Key]*Entry, now time.Time) map[Key]*Entry {
	for k, e := range before {
		if e != nil && !e.Active(now) {
			before[k] = nil
		}
	}
	return before
}

// lastOf finds the last change of the source that c imported: c itself, or later.
func (b *Book) lastOf(ctx context.Context, c *Change) (last Change, err error) {
	name := c.SourceAfter.Name
	from, to, err := b.sourceSpan(ctx, name, c.Revision)
	if err != nil {
		return last, err
	}
	for later, err := range b.store.OwnChanges(ctx, from-1) {
		if err != nil {
			return last, err
		}
		if later.importsOrEnds(name) {
			last = later
		}
		if later.Last && later.Revision >= to {
			break
		}
	}
	return last, nil
}

// sourceSpan are the revisions among which the last change of a source is: of one
// that stands its own alone, else all since an import of it.
func (b *Book) sourceSpan(ctx context.Context, name string, imported Revision) (from, to Revision, err error) {
	err = b.store.View(ctx, func(s Snapshot) error {
		from, to = imported, s.Revision()
		sources, err := s.Sources()
		for _, have := range sources {
			if have.Name == name {
				from, to = have.Revision, have.Revision
			}
		}
		return err
	})
	return from, to, err
}

// importsOrEnds reports whether a change imports a source or ends it; a sweep of
// lapsed entries does neither.
func (c Change) importsOrEnds(name string) bool {
	if c.SourceAfter != nil {
		return c.Because != Expired && c.SourceAfter.Name == name
	}
	return c.SourceBefore != nil && c.SourceBefore.Name == name
}

func touchedSource(name string, last Change) error {
	e := &Error{Kind: ErrConflict, Code: "touched", Message: fmt.Sprintf("revision %d has changed source %s since", last.Revision, name),
		Hint: fmt.Sprintf("undo revision %d first, or import the file that the source should hold", last.Revision)}
	if last.SourceAfter == nil {
		e.Message, e.Hint = fmt.Sprintf("revision %d ended source %s", last.Revision, name), "import the file that the source should hold"
	}
	return e
}

// contentsBefore streams what a source held before its entries were changed.
func (b *Book) contentsBefore(ctx context.Context, name string, before map[Key]*Entry) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for e, err := range b.sourceEntries(ctx, name) {
			if _, changed := before[e.Key]; changed && err == nil {
				continue
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		for _, e := range before {
			if e != nil && !yield(*e, nil) {
				return
			}
		}
	}
}

// sourceEntries streams the entries of a source. A goroutine of its own reads the
// snapshot and ends with the caller's loop, so that the snapshot is closed before
// the store writes.
func (b *Book) sourceEntries(ctx context.Context, name string) iter.Seq2[Entry, error] {
	type item struct {
		entry Entry
		err   error
	}
	return func(yield func(Entry, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		items := make(chan item, 1024)
		send := func(e Entry, err error) error {
			select {
			case items <- item{e, err}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		go func() {
			defer close(items)
			err := b.store.View(ctx, func(s Snapshot) error {
				for e, err := range s.Each(Subject{}) {
					if err == nil && e.Source == name {
						err = send(e, nil)
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				_ = send(Entry{}, err) // a caller who left needs no error
			}
		}()
		for i := range items {
			if !yield(i.entry, i.err) || i.err != nil {
				return
			}
		}
	}
}
