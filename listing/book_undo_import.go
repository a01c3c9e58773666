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
	var head Revision
	from := c.Revision
	err = b.store.View(ctx, func(s Snapshot) error {
		head = s.Revision()
		sources, err := s.Sources()
		for _, have := range sources {
			if have.Name == c.SourceAfter.Name {
				from, head = have.Revision, have.Revision // what comes after has not changed it
			}
		}
		return err
	})
	if err != nil {
		return last, err
	}
	for later, err := range b.store.OwnChanges(ctx, from-1) {
		if err != nil {
			return last, err
		}
		imported := later.SourceAfter != nil && later.Because != Expired && later.SourceAfter.Name == c.SourceAfter.Name
		ended := later.SourceBefore != nil && later.SourceAfter == nil && later.SourceBefore.Name == c.SourceAfter.Name
		if imported || ended {
			last = later
		}
		if later.Last && later.Revision >= head {
			break
		}
	}
	return last, nil
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
// The snapshot is read by a goroutine of its own, so that it is closed before
// the store writes.
func (b *Book) contentsBefore(ctx context.Context, name string, before map[Key]*Entry) iter.Seq2[Entry, error] {
	type item struct {
		entry Entry
		err   error
	}
	return func(yield func(Entry, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		items := make(chan item, 1024)
		send := func(i item) bool {
			select {
			case items <- i:
				return true
			case <-ctx.Done():
				return false
			}
		}
		go func() {
			defer close(items)
			if err := b.store.View(ctx, func(s Snapshot) error {
				for e, err := range s.Each(Subject{}) {
					if err != nil {
						return err
					}
					if _, changed := before[e.Key]; e.Source == name && !changed && !send(item{entry: e}) {
						return ctx.Err()
					}
				}
				return nil
			}); err != nil {
				send(item{err: err})
			}
		}()
		for i := range items {
			if !yield(i.entry, i.err) || i.err != nil {
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
