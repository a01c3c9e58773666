package listing

import (
	"bytes"
	"fmt"
	"slices"
)

// draft is a state with the changes of one request laid over it, so that a
// later edit sees what an earlier one did.
type draft struct {
	state    State
	request  *Request
	revision Revision // of the changes, if there are any
	changes  []Change
	entries  []Entry

	at      map[Subject][]Entry
	pasts   map[Key]Past
	allows  map[Subject]*Allow
	sources map[string]*Source
	papers  map[[2]string]*Document
	ended   map[Key]bool // by this request
}

func newDraft(state State, r *Request) *draft {
	return &draft{state: state, request: r, revision: state.Head() + 1,
		at: map[Subject][]Entry{}, pasts: map[Key]Past{}, allows: map[Subject]*Allow{}, sources: map[string]*Source{}, papers: map[[2]string]*Document{}, ended: map[Key]bool{}}
}

func (d *draft) verdict() Verdict {
	if len(d.changes) == 0 {
		return Verdict{Revision: d.state.Head(), Entries: d.entries}
	}
	d.changes[len(d.changes)-1].Last = true
	return Verdict{Revision: d.revision, Changes: d.changes, Entries: d.entries}
}

func (d *draft) change(c Change) {
	c.Revision, c.Header = d.revision, &d.request.Header
	d.changes = append(d.changes, c)
}

// entriesAt are the list's own entries at a subject, as this request left them.
func (d *draft) entriesAt(s Subject) ([]Entry, error) {
	if at, ok := d.at[s]; ok {
		return at, nil
	}
	at, err := d.state.At(s)
	if err != nil {
		return nil, err
	}
	at = slices.Clone(at)
	d.at[s] = at
	return at, nil
}

// current is the entry that an edit names, if it is in force; one whose time
// has come is ended first. It fails if the edit expected another.
func (d *draft) current(e *Edit) (Entry, bool, error) {
	at, err := d.entriesAt(e.Key.Subject)
	if err != nil {
		return Entry{}, false, err
	}
	n := slices.IndexFunc(at, func(x Entry) bool { return x.Key == e.Key })
	if n >= 0 && !at[n].Active(d.request.Time) {
		if err := d.end(at[n], Expired); err != nil {
			return Entry{}, false, err
		}
		delete(d.ended, e.Key) // that was time, not a wish of this request
		n = -1
	}
	switch {
	case n < 0 && d.ended[e.Key]:
		return Entry{}, false, nil // as a companion ends with what it stood beside
	case n < 0:
		return Entry{}, false, e.expect(0)
	}
	return at[n], true, e.expect(at[n].Revision)
}

func (e *Edit) expect(is Revision) error {
	if e.Expect == nil || *e.Expect == is {
		return nil
	}
	now := fmt.Sprintf("is at revision %d", is)
	if is == 0 {
		now = "is not listed for this reason"
	}
	return &Error{Kind: ErrConflict, Code: "revision",
		Message: fmt.Sprintf("%s %s, not at revision %d", e.Key.Subject.Text(), now, *e.Expect),
		Names:   prefix(e.Key.Subject)}
}

// put writes an entry; before is nil when it is new.
func (d *draft) put(before *Entry, after Entry, because DelistReason) {
	if before != nil {
		b := *before
		before = &b
	}
	d.record(Change{Kind: EntryChange, Before: before, After: &after, Because: because})
	at := slices.DeleteFunc(d.at[after.Subject], func(x Entry) bool { return x.Key == after.Key })
	d.at[after.Subject] = append(at, after)
	d.entries = append(d.entries, after)
}

// end takes an entry out, and the companion that stood only beside it.
func (d *draft) end(cur Entry, because DelistReason) error {
	d.record(Change{Kind: EntryChange, Before: &cur, Because: because})
	d.ended[cur.Key] = true
	at := slices.DeleteFunc(d.at[cur.Subject], func(x Entry) bool { return x.Key == cur.Key })
	d.at[cur.Subject] = at
	d.entries = append(d.entries, cur)
	if cur.Reason == Repeat || slices.ContainsFunc(at, func(x Entry) bool {
		return x.Reason != Repeat && !x.Except && x.Level >= CompanionLevel
	}) {
		return nil
	}
	if n := slices.IndexFunc(at, func(x Entry) bool { return x.Reason == Repeat && !x.Except }); n >= 0 {
		return d.end(at[n], Superseded)
	}
	return nil
}

// record keeps a change of an entry and what it leaves to be remembered.
func (d *draft) record(c Change) {
	d.change(c)
	last := &d.changes[len(d.changes)-1]
	if past, ok := last.PastAfter(); ok {
		d.pasts[c.Before.Key] = past
	}
}

func (d *draft) past(k Key) (Past, error) {
	if p, ok := d.pasts[k]; ok {
		return p, nil
	}
	return d.state.Past(k)
}

func (d *draft) allowed(s Subject) (Allow, bool, error) {
	if a, ok := d.allows[s]; ok {
		if a == nil {
			return Allow{}, false, nil
		}
		return *a, true, nil
	}
	return d.state.Allow(s)
}

func (d *draft) allow(e *Edit) error {
	s, next := e.Subject, e.Allow
	if next != nil {
		s = next.Subject
	}
	cur, found, err := d.allowed(s)
	if err != nil {
		return err
	}
	if err := e.expectAllow(s, cur.Revision); err != nil || (!found && next == nil) {
		return err
	}
	c := Change{Kind: AllowChange}
	if found {
		c.AllowBefore = &cur
	}
	if next != nil {
		a := *next
		a.Since, a.Actor, a.Revision = d.request.Time, d.request.Actor, d.revision
		if found {
			a.Since = cur.Since
		}
		if found && a.Owner == cur.Owner && a.Note == cur.Note && a.Until.Equal(cur.Until) {
			return nil
		}
		c.AllowAfter = &a
	}
	d.change(c)
	d.allows[s] = c.AllowAfter
	return nil
}

func (e *Edit) expectAllow(s Subject, is Revision) error {
	if e.Expect == nil || *e.Expect == is {
		return nil
	}
	now := fmt.Sprintf("is at revision %d", is)
	if is == 0 {
		now = "does not exist"
	}
	return &Error{Kind: ErrConflict, Code: "revision",
		Message: fmt.Sprintf("the allow entry for %s %s, not at revision %d", s.Text(), now, *e.Expect),
		Names:   map[string]string{"ALLOW": s.Text()}}
}

func (d *draft) source(name string) (Source, bool, error) {
	if s, ok := d.sources[name]; ok {
		if s == nil {
			return Source{}, false, nil
		}
		return *s, true, nil
	}
	return d.state.Source(name)
}

func (d *draft) endSource(name string, because DelistReason, expect *Revision) error {
	cur, found, err := d.source(name)
	if err != nil {
		return err
	}
	if expect != nil && *expect != cur.Revision {
		return &Error{Kind: ErrConflict, Code: "revision",
			Message: fmt.Sprintf("source %s is at revision %d, not at revision %d", name, cur.Revision, *expect),
			Names:   map[string]string{"SOURCE": name}}
	}
	if !found {
		return nil
	}
	d.change(Change{Kind: SourceChange, SourceBefore: &cur, Because: because})
	d.sources[name] = nil
	return nil
}

// document writes a document, or removes it if the edit gives it no body.
func (d *draft) document(e *Edit) error {
	name := [2]string{e.Paper.Kind, e.Paper.ID}
	before := d.papers[name]
	if _, drafted := d.papers[name]; !drafted {
		cur, found, err := d.state.Document(name[0], name[1])
		if err != nil {
			return err
		}
		if found {
			before = &cur
		}
	}
	is := Revision(0)
	if before != nil {
		is = before.Revision
	}
	if e.Expect != nil && *e.Expect != is {
		return &Error{Kind: ErrConflict, Code: "revision", Message: fmt.Sprintf("%s %s has changed meanwhile", e.Paper.Kind, e.Paper.ID),
			Hint: "look at it again and repeat"}
	}
	var after *Document
	if len(e.Paper.Body) > 0 {
		after = &Document{Kind: name[0], ID: name[1], Body: e.Paper.Body, Revision: d.revision}
	}
	if (before == nil && after == nil) || (before != nil && after != nil && bytes.Equal(before.Body, after.Body)) {
		return nil
	}
	d.change(Change{Kind: PaperChange, PaperBefore: before, PaperAfter: after})
	d.papers[name] = after
	return nil
}
