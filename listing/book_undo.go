package listing

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// Undo inverts what one revision did, as a change of its own that can be undone
// too; if it is one of several that a command over MaxEdits took, all that the
// command did. It is refused with ErrConflict, naming the later revision, if any
// of that has changed since. An undo of several requests that was cut short goes
// on where it ended when it is asked for again; one that was done is done.
//
// Proposals and tickets that the revision wrote stay as they are. The end of a
// source cannot be undone: what it held is no longer there.
func (b *Book) Undo(ctx context.Context, who Caller, id Revision, note string, o Options) (Result, error) {
	if err := b.Rules().Roles.Require(who, Operator, ""); err != nil {
		return Result{}, err
	}
	by := order{Header: Header{Time: b.Now(), Actor: who.Name, Note: Text(note)}, Options: o, intent: IntentOf(id)}
	switch done, err := b.decided(ctx, by); {
	case err != nil:
		return Result{}, err
	case done:
		return b.plan(ctx, who, by, nil)
	}
	set, err := b.changeSet(ctx, id)
	if err != nil {
		return Result{}, err
	}
	by.Undoes = set.first
	if by.Note == "" {
		by.Note = set.undoing()
	}
	if set.source != nil {
		return b.undoImport(ctx, by, set)
	}
	return b.plan(ctx, who, by, func(p *planning) ([]Edit, error) { return set.inverses(p, o.IfRevision) })
}

// inverses plans an undo: everything is looked at before anything is changed.
func (set *changeSet) inverses(p *planning, expect *Revision) (edits []Edit, err error) {
	var touched []Change
	for _, c := range slices.Backward(set.changes) { // a companion before what it stands beside
		past, later, err := set.since(p, c)
		switch {
		case err != nil:
			return nil, err
		case later.Revision == 0:
		case later.Header.Undoes == set.first:
			continue // it was taken back: nothing is left to do
		default:
			touched = append(touched, later)
			continue
		}
		edits = append(edits, c.inverse(past, expect)...)
		p.warnings = append(p.warnings, c.lapsed(p.now)...)
	}
	if len(touched) > 0 {
		return nil, touchedSince(touched)
	}
	return edits, nil
}

// touchedSince says which later changes stand before an undo.
func touchedSince(later []Change) error {
	const most = 5
	var revisions, subjects []string
	slices.SortStableFunc(later, func(a, b Change) int { return cmp.Compare(b.Revision, a.Revision) })
	for _, c := range later {
		subject, _ := c.subject()
		if text := subject.Text(); !slices.Contains(subjects, text) {
			subjects = append(subjects, text)
		}
		if text := fmt.Sprint(c.Revision); !slices.Contains(revisions, text) {
			revisions = append(revisions, text)
		}
	}
	e := &Error{Kind: ErrConflict, Code: "touched", Message: fmt.Sprintf("revision %s has changed %s since", revisions[0], some(subjects, most)),
		Hint: fmt.Sprintf("undo revision %s first, or change %s as it should be", revisions[0], subjects[0])}
	if len(revisions) > 1 {
		e.Message = fmt.Sprintf("revisions %s have changed %s since", some(revisions, most), some(subjects, most))
		e.Hint = fmt.Sprintf("undo these first, beginning with %s, or change the entries as they should be", revisions[0])
	}
	return e
}

// some names the first of many.
func some(names []string, most int) string {
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// changeSet is what one command changed.
type changeSet struct {
	first, last Revision       // of those that it took
	changes     []Change       // of this list's own entries and of allow entries
	source      *Change        // an import, if it was one
	entries     map[Key]*Entry // of that source, as they were before; nil: not there
}

func (set *changeSet) undoing() string {
	if set.first == set.last {
		return fmt.Sprintf("undoes revision %d", set.first)
	}
	return fmt.Sprintf("undoes what one command did in the revisions from %d to %d", set.first, set.last)
}

// changeSet reads what a revision changed, and all that its command did.
func (b *Book) changeSet(ctx context.Context, id Revision) (changeSet, error) {
	set := changeSet{first: id, last: id, entries: map[Key]*Entry{}}
	documents := 0
	for c, err := range b.changesOf(ctx, id) {
		if err == nil && c.Kind == DocumentChange {
			documents++
			continue
		}
		if err == nil {
			err = set.add(c)
		}
		if err != nil {
			return set, err
		}
		if set.wholeSource() {
			break
		}
	}
	switch {
	case len(set.changes) > 0 && set.changes[0].Header.Set != "":
		err := b.gather(ctx, &set)
		return set, err
	case documents > 0 && len(set.changes) == 0:
		return set, &Error{Kind: ErrPolicy, Code: "document", Message: fmt.Sprintf("revision %d wrote a proposal or a ticket, which is not undone", id)}
	}
	return set, nil
}

// changesOf yields the changes of one revision; it fails with ErrNotFound if that
// changed nothing.
func (b *Book) changesOf(ctx context.Context, id Revision) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		none := &Error{Kind: ErrNotFound, Code: "no-change", Message: fmt.Sprintf("revision %d changed nothing", id)}
		status, err := b.store.Status(ctx)
		if err == nil && (id == 0 || id > status.Head) {
			err = none // Changes would wait for it
		}
		if err != nil {
			yield(Change{}, err)
			return
		}
		for c, err := range b.store.Changes(ctx, id-1) {
			if err == nil && c.Revision != id {
				err = none
			}
			if !yield(c, err) || err != nil || c.Last {
				return
			}
		}
	}
}

// gather adds what the other requests of the command changed, in their order.
// They are known for 30 days.
func (b *Book) gather(ctx context.Context, set *changeSet) error {
	id, own, header := set.first, set.changes, set.changes[0].Header
	var before, after []Change
	err := b.store.View(ctx, func(s Snapshot) error {
		for n, of := 0, header.Of; n < of; n++ {
			v, known, err := s.Decided(partID(header.Set, n))
			if err != nil {
				return err
			}
			if !known || v.Revision == id || len(v.Changes) == 0 || v.Changes[0].Header.Set != header.Set {
				continue
			}
			of = max(of, v.Changes[0].Header.Of)
			set.first, set.last = min(set.first, v.Revision), max(set.last, v.Revision)
			changes := slices.DeleteFunc(v.Changes, func(c Change) bool { return c.Kind == DocumentChange })
			if v.Revision < id {
				before = append(before, changes...)
			} else {
				after = append(after, changes...)
			}
		}
		return nil
	})
	set.changes = slices.Concat(before, own, after)
	return err
}

// wholeSource reports whether an import began its source: what it held need not
// be known to take it back.
func (c *changeSet) wholeSource() bool { return c.source != nil && c.source.SourceBefore == nil }

func (set *changeSet) add(c Change) error {
	switch {
	case c.Kind == ConfigChange:
		return &Error{Kind: ErrPolicy, Code: "configuration", Message: fmt.Sprintf("revision %d noted a change of the configuration", c.Revision),
			Hint: "change the configuration file back and reload it"}
	case c.Kind == SourceChange && c.SourceAfter != nil && c.Because == Expired:
		return &Error{Kind: ErrPolicy, Code: "expired",
			Message: fmt.Sprintf("revision %d ended entries of source %s whose time had come", c.Revision, c.SourceAfter.Name),
			Hint:    "import a file that gives them a later end"}
	case c.Kind == SourceChange && c.SourceAfter != nil:
		set.source = &c
	case c.Kind == SourceChange && c.Because == Expired && !c.Last:
		// The source had lapsed: the import that follows began it anew.
	case c.Kind == SourceChange:
		return &Error{Kind: ErrPolicy, Code: "source-ended",
			Message: fmt.Sprintf("revision %d ended source %s, whose entries are no longer kept", c.Revision, c.SourceBefore.Name),
			Hint:    "import its file again"}
	case set.source != nil:
		_, key := c.subject()
		set.entries[key] = c.Before
	default:
		set.changes = append(set.changes, c)
	}
	return nil
}

// since finds the last change, later than the set, of what c changed; its
// revision is 0 if there is none. It also returns why the listing before c ended,
// if c began one.
func (set *changeSet) since(s Snapshot, c Change) (ended DelistReason, last Change, err error) {
	subject, key := c.subject()
	for other, err := range s.History(subject) {
		if err != nil {
			return "", last, err
		}
		_, k := other.subject()
		if k != key || other.Kind != c.Kind {
			continue
		}
		if other.Revision > c.Revision && (other.Header.Set == "" || other.Header.Set != c.Header.Set) {
			last = other
		}
		if other.Revision < c.Revision && other.After == nil {
			ended = other.Because
		}
	}
	return ended, last, nil
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

// inverse is the edit that takes the change back. One that had itself taken an
// end back ends the entry again as it had ended then, so that the same is
// remembered of it. expect takes the place of what the change left.
func (c Change) inverse(ended DelistReason, expect *Revision) []Edit {
	subject, key := c.subject()
	is := Revision(0)
	switch c.Kind {
	case EntryChange:
		if c.After != nil {
			is = c.After.Revision
		}
		e := Edit{Op: OpRestore, Key: key, Expect: cmp.Or(expect, &is), Restore: c.Before, Because: Undone}
		if c.Because == Undone && c.Before == nil {
			e.Because = cmp.Or(ended, Undone)
		}
		return []Edit{e}
	case AllowChange:
		if c.AllowAfter != nil {
			is = c.AllowAfter.Revision
		}
		if c.AllowBefore == nil {
			return []Edit{{Op: OpDisallow, Subject: subject, Expect: cmp.Or(expect, &is)}}
		}
		return []Edit{{Op: OpAllow, Allow: c.AllowBefore, Expect: cmp.Or(expect, &is)}}
	}
	return nil
}

// lapsed says that there is nothing to be put back, because its time has come.
func (c Change) lapsed(now time.Time) []string {
	if c.Kind != EntryChange || c.Before == nil || c.Before.Until.After(now.Truncate(time.Second)) {
		return nil
	}
	return []string{fmt.Sprintf("%s is not put back: it would have ended on %s", c.Before.Subject.Text(), c.Before.Until.Format(time.RFC3339))}
}

// restore puts an entry back as it was, or takes it out as if it had not been.
func (d *overlay) restore(e *Edit) error {
	cur, found, err := d.current(e)
	switch {
	case err != nil:
		return err
	case e.Restore == nil && found:
		return d.end(cur, cmp.Or(e.Because, Undone))
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
