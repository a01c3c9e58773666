package listing

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// Undo inverts what one revision did, as a change of its own that can be undone
// too. It is refused with ErrConflict, naming the later revision, if any of what
// the revision touched has changed since.
func (b *Book) Undo(ctx context.Context, actor string, id Revision, note string, o Options) (Result, error) {
	changes, err := b.changeSet(ctx, id)
	if err != nil {
		return Result{}, err
	}
	if first := changes.first; first.Kind == SourceChange {
		return b.undoImport(ctx, actor, first, changes, note, o)
	}
	var edits []Edit
	err = b.store.View(ctx, func(s Snapshot) error {
		for c := range changes.all() {
			if err := untouched(s, c); err != nil {
				return err
			}
			edits = append(edits, c.inverse()...)
		}
		return nil
	})
	if err != nil {
		return Result{}, err
	}
	header := Header{Time: b.Now(), Actor: actor, Note: Printable(note)}
	if header.Note == "" {
		header.Note = fmt.Sprintf("undoes revision %d", id)
	}
	return b.apply(ctx, order{header, o, IntentOf(id)}, edits)
}

// changeSet is what one revision changed.
type changeSet struct {
	first   Change
	entries []Change // without first
}

func (c changeSet) all() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		if !yield(c.first) {
			return
		}
		for _, e := range c.entries {
			if !yield(e) {
				return
			}
		}
	}
}

func (b *Book) changeSet(ctx context.Context, id Revision) (changeSet, error) {
	none := &Error{Kind: ErrNotFound, Code: "no-change", Message: fmt.Sprintf("revision %d changed nothing", id),
		Hint: "`blctl history PREFIX` shows the revision of each change"}
	status, err := b.store.Status(ctx)
	if err != nil || id == 0 || id > status.Head {
		return changeSet{}, joinNotNil(err, none)
	}
	var set changeSet
	for c, err := range b.store.Changes(ctx, id-1) {
		switch {
		case err != nil:
			return changeSet{}, err
		case c.Revision != id:
			return changeSet{}, none
		case set.first.Revision == 0:
			set.first = c
		default:
			set.entries = append(set.entries, c)
		}
		if c.Last {
			break
		}
	}
	if set.first.Kind == ConfigChange {
		return changeSet{}, &Error{Kind: ErrPolicy, Code: "configuration", Message: fmt.Sprintf("revision %d noted a change of the configuration", id),
			Hint: "change the configuration file back and reload it"}
	}
	return set, nil
}

// joinNotNil is the first error if there is one, else the other.
func joinNotNil(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// untouched fails if anything later changed what c changed.
func untouched(s Snapshot, c Change) error {
	subject, key := c.subject()
	last := c.Revision
	for later, err := range s.History(subject) {
		if err != nil {
			return err
		}
		if _, k := later.subject(); k == key && later.Kind == c.Kind {
			last = max(last, later.Revision)
		}
	}
	if last == c.Revision {
		return nil
	}
	return &Error{Kind: ErrConflict, Code: "touched",
		Message: fmt.Sprintf("revision %d has changed %s since", last, subject.Text()),
		Hint:    fmt.Sprintf("undo revision %d first, or change %s as it should be", last, subject.Text())}
}

// subject is what the change is about: of an entry its key too.
func (c Change) subject() (Subject, Key) {
	switch {
	case c.Before != nil:
		return c.Before.Subject, c.Before.Key
	case c.After != nil:
		return c.After.Subject, c.After.Key
	case c.AllowBefore != nil:
		return c.AllowBefore.Subject, Key{}
	case c.AllowAfter != nil:
		return c.AllowAfter.Subject, Key{}
	}
	return Subject{}, Key{}
}

// inverse is the edit that takes the change back.
func (c Change) inverse() []Edit {
	subject, key := c.subject()
	is := Revision(0)
	switch c.Kind {
	case EntryChange:
		if c.After != nil {
			is = c.After.Revision
		}
		return []Edit{{Op: OpRestore, Key: key, Expect: &is, Restore: c.Before}}
	case AllowChange:
		if c.AllowBefore == nil {
			return []Edit{{Op: OpDisallow, Subject: subject}}
		}
		return []Edit{{Op: OpAllow, Allow: c.AllowBefore}}
	}
	return nil
}

// undoImport puts a source back to what it held before an import.
func (b *Book) undoImport(ctx context.Context, actor string, c Change, set changeSet, note string, o Options) (Result, error) {
	now := b.Now()
	header := Header{Time: now, Actor: actor, Note: Printable(note)}
	if header.Note == "" {
		header.Note = fmt.Sprintf("undoes revision %d", c.Revision)
	}
	if c.SourceAfter == nil {
		return Result{}, &Error{Kind: ErrPolicy, Code: "source-ended",
			Message: fmt.Sprintf("revision %d ended source %s, whose entries are no longer kept", c.Revision, c.SourceBefore.Name),
			Hint:    "import its file again"}
	}
	name := c.SourceAfter.Name
	if err := b.sourceUntouched(ctx, c); err != nil {
		return Result{}, err
	}
	if c.SourceBefore == nil || !c.SourceBefore.Active(now) {
		return b.apply(ctx, order{header, o, IntentOf(c.Revision)}, []Edit{{Op: OpEndSource, Source: name, Because: Undone}})
	}
	generation := c.SourceAfter.Generation
	r := Request{Header: header, Intent: IntentOf(c.Revision), DryRun: o.DryRun,
		Source: &SourceEdit{Name: name, Expect: &generation, Until: c.SourceBefore.Until}}
	r.ID, r.Keyed = requestID(o, 0)
	v, err := b.store.Replace(ctx, r, b.contentsBefore(ctx, name, set))
	if err != nil {
		return Result{}, err
	}
	return Result{Verdict: v}, b.served(ctx, v, o)
}

func (b *Book) sourceUntouched(ctx context.Context, c Change) error {
	return b.store.View(ctx, func(s Snapshot) error {
		sources, err := s.Sources()
		if err != nil {
			return err
		}
		for _, have := range sources {
			if have.Name == c.SourceAfter.Name && have.Revision == c.Revision {
				return nil
			}
		}
		return &Error{Kind: ErrConflict, Code: "touched",
			Message: fmt.Sprintf("source %s was imported again or ended after revision %d", c.SourceAfter.Name, c.Revision),
			Hint:    "`blctl source show " + c.SourceAfter.Name + "` says when; import the file that it should hold"}
	})
}

// contentsBefore streams what a source held before a change-set. The snapshot
// is read by a goroutine of its own, so that it is closed before the store
// writes.
func (b *Book) contentsBefore(ctx context.Context, name string, set changeSet) iter.Seq2[Entry, error] {
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
		changed := make(map[Key]bool, len(set.entries))
		for _, c := range set.entries {
			_, key := c.subject()
			changed[key] = true
		}
		go func() {
			defer close(items)
			err := b.store.View(ctx, func(s Snapshot) error {
				for e, err := range s.Each(Subject{}) {
					if err != nil {
						return err
					}
					if e.Source == name && !changed[e.Key] && !send(item{entry: e}) {
						return ctx.Err()
					}
				}
				return nil
			})
			if err != nil {
				send(item{err: err})
			}
		}()
		for i := range items {
			if !yield(i.entry, i.err) || i.err != nil {
				return
			}
		}
		for _, c := range set.entries {
			if c.Before != nil && !yield(*c.Before, nil) {
				return
			}
		}
	}
}

// restore puts an entry back as it was, or takes it out as if it had not been.
func (d *draft) restore(e *Edit) error {
	cur, found, err := d.current(e)
	switch {
	case err != nil:
		return err
	case e.Restore == nil && found:
		return d.end(cur, Undone)
	case e.Restore == nil || !e.Restore.Until.After(d.request.Time.Truncate(time.Second)):
		return nil
	}
	next := *e.Restore
	next.Actor, next.Revision = d.request.Actor, d.revision
	if found {
		d.put(&cur, next, Undone)
	} else {
		d.put(nil, next, Undone)
	}
	return nil
}
