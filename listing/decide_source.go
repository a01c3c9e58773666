package listing

import "fmt"

// Diff counts how the entries of a request differ from those of its source.
type Diff struct{ Added, Removed, Altered, Kept int }

// DecideSource says what a request to replace or extend a source does to it,
// given how the entries differ. A source whose time has come counts as ended:
// the store compares against nothing, and the verdict ends it first. Like
// Decide it is a pure function.
//
// Of a sweep, diff counts what has ended. It leaves generation and end as they
// are: whoever prepares an import meanwhile is not disturbed.
func DecideSource(state State, r Request, diff Diff) (Verdict, error) {
	if err := r.validateSource(); err != nil {
		return Verdict{}, err
	}
	d := newOverlay(state, &r)
	if r.Source.Sweep {
		return d.sweepSource(r.Source.Name, diff.Removed)
	}
	cur, found, err := d.activeSource(r.Source.Name)
	if err == nil {
		err = r.Source.admit(cur, found, diff)
	}
	if err != nil {
		return Verdict{}, err
	}
	c := Change{Kind: SourceChange, SourceAfter: r.Source.after(cur, found, diff, &r, d.revision)}
	if found {
		c.SourceBefore = &cur
	}
	d.change(c)
	v := d.verdict()
	v.Added, v.Removed, v.Altered, v.Kept = diff.Added, diff.Removed, diff.Altered, diff.Kept
	return v, nil
}

func (r *Request) validateSource() error {
	if r.Source == nil || r.Source.Name == "" || (!r.Source.Sweep && !r.Source.Until.After(r.Time)) {
		return fmt.Errorf("import without a source and its end: %w", ErrInvalid)
	}
	return r.Validate()
}

// activeSource finds a source that is in force; one whose time has come is ended
// first.
func (d *overlay) activeSource(name string) (Source, bool, error) {
	cur, found, err := d.source(name)
	if err == nil && found && !cur.Active(d.request.Time) {
		return Source{}, false, d.endSource(name, Expired, nil)
	}
	return cur, found, err
}

// sweepSource takes out of a source the entries that have ended. With the source
// itself another sweep deals.
func (d *overlay) sweepSource(name string, ended int) (Verdict, error) {
	cur, found, err := d.source(name)
	if err != nil || !found || !cur.Active(d.request.Time) || ended == 0 {
		return d.verdict(), err
	}
	next := cur
	next.Entries -= ended
	next.Swept = d.revision
	d.change(Change{Kind: SourceChange, SourceBefore: &cur, SourceAfter: &next, Because: Expired})
	v := d.verdict()
	v.Removed = ended
	return v, nil
}

func (s *SourceEdit) after(cur Source, found bool, diff Diff, r *Request, revision Revision) *Source {
	next := Source{Name: s.Name, Since: r.Time}
	if found {
		next = cur
	}
	if !found || diff.Added+diff.Removed+diff.Altered > 0 {
		next.Generation++
	}
	if !s.Add || s.Until.After(next.Until) {
		next.Until = s.Until
	}
	next.Entries += diff.Added - diff.Removed
	next.Refreshed, next.Actor, next.Revision = r.Time, r.Actor, revision
	if r.Note != "" {
		next.Note = r.Note
	}
	return &next
}

// admit refuses an import made against another generation, and one that
// changes more than it may.
func (s *SourceEdit) admit(cur Source, found bool, diff Diff) error {
	is := uint64(0)
	if found {
		is = cur.Generation
	}
	if s.Expect != nil && *s.Expect != is {
		return &Error{Kind: ErrConflict, Code: "generation",
			Message: fmt.Sprintf("source %s is at generation %d, not %d", s.Name, is, *s.Expect),
			Hint:    "another import of it came first: run this one again"}
	}
	if n := diff.Added + diff.Removed + diff.Altered; s.MaxChanges > 0 && n > s.MaxChanges {
		return &Error{Kind: ErrPolicy, Code: "too-many-changes",
			Message: fmt.Sprintf("this import would change %d entries of source %s, more than %d", n, s.Name, s.MaxChanges),
			Hint:    fmt.Sprintf("look at the file; if it is right, run it with --max-changes %d", n)}
	}
	const few = 100
	if s.MaxRemoved > 0 && diff.Removed > few && float64(diff.Removed) > s.MaxRemoved*float64(cur.Entries) {
		return &Error{Kind: ErrPolicy, Code: "shrunk",
			Message: fmt.Sprintf("this import would remove %d of the %d entries of source %s", diff.Removed, cur.Entries, s.Name),
			Hint:    fmt.Sprintf("look at the file; if it is right, run it with --max-changes %d", diff.Added+diff.Removed+diff.Altered)}
	}
	return nil
}
