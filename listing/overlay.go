package listing

import (
	"bytes"
	"fmt"
	"slices"
)

// overlay is a state with the changes of one request laid over it, so that a
// later edit sees what an earlier one did.
type overlay struct {
	state    State
	request  *Request
	revision Revision // of the changes, if there are any
	changes  []Change
	entries  []Entry

	at        map[Subject][]Entry
	pasts     map[Key]Past
	allows    written[Subject, Allow]
	sources   written[string, Source]
	documents written[[2]string, Document] // by kind and ID
	ended     map[Key]bool                 // by this request
}

// written is what a request has left of things by their names; nil: it took the
// thing away. What it has not touched is as the state has it.
type written[K comparable, V any] map[K]*V

// get finds a thing that the request wrote, or else reads it.
func (w written[K, V]) get(name K, read func() (V, bool, error)) (V, bool, error) {
	v, touched := w[name]
	switch {
	case !touched:
		return read()
	case v == nil:
		var none V
		return none, false, nil
	}
	return *v, true, nil
}

func newOverlay(state State, r *Request) *overlay {
	revision := state.Head() + 1
	if r.Source != nil {
		revision = max(revision, r.Source.As)
	}
	return &overlay{state: state, request: r, revision: revision,
		at: map[Subject][]Entry{}, pasts: map[Key]Past{}, ended: map[Key]bool{},
		allows: written[Subject, Allow]{}, sources: written[string, Source]{}, documents: written[[2]string, Document]{}}
}

func (d *overlay) verdict() Verdict {
	if len(d.changes) == 0 {
		return Verdict{Revision: d.state.Head(), Entries: d.entries}
	}
	d.changes[len(d.changes)-1].Last = true
	return Verdict{Revision: d.revision, Changes: d.changes, Entries: d.entries}
}

func (d *overlay) change(c Change) {
	c.Revision, c.Header = d.revision, &d.request.Header
	d.changes = append(d.changes, c)
}

// entriesAt are the list's own entries at a subject, as this request left them.
func (d *overlay) entriesAt(s Subject) ([]Entry, error) {
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
func (d *overlay) current(e *Edit) (Entry, bool, error) {
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

// expect refuses the edit if it was planned on another revision of its entry.
func (e *Edit) expect(is Revision) error {
	return expect(e.Expect, is, e.Key.Subject.Text(), "is not listed for this reason", prefix(e.Key.Subject))
}

// expect fails with ErrConflict if a thing is not at the revision that an edit
// was planned on; 0: it is not there, which absent says in words. No expectation
// is always met.
func expect(planned *Revision, is Revision, thing, absent string, names map[string]string) error {
	if planned == nil || *planned == is {
		return nil
	}
	now := fmt.Sprintf("is at revision %d", is)
	if is == 0 {
		now = absent
	}
	return &Error{Kind: ErrConflict, Code: "revision", Names: names,
		Message: fmt.Sprintf("%s %s, not at revision %d", thing, now, *planned)}
}

// put writes an entry; before is nil when it is new.
func (d *overlay) put(before *Entry, after Entry, because DelistReason) {
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
func (d *overlay) end(cur Entry, because DelistReason) error {
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
func (d *overlay) record(c Change) {
	d.change(c)
	last := &d.changes[len(d.changes)-1]
	if past, ok := last.PastAfter(); ok {
		d.pasts[c.Before.Key] = past
	}
}

func (d *overlay) past(k Key) (Past, error) {
	if p, ok := d.pasts[k]; ok {
		return p, nil
	}
	return d.state.Past(k)
}

func (d *overlay) allowed(s Subject) (Allow, bool, error) {
	return d.allows.get(s, func() (Allow, bool, error) { return d.state.Allow(s) })
}

// allow writes an allow entry, or takes it away where the edit has none. One that
// says what the standing one says changes nothing.
func (d *overlay) allow(e *Edit) error {
	s, next := e.Subject, e.Allow
	if next != nil {
		s = next.Subject
	}
	cur, found, err := d.allowed(s)
	if err == nil {
		err = expect(e.Expect, cur.Revision, "the allow entry for "+s.Text(), "does not exist", map[string]string{"ALLOW": s.Text()})
	}
	if err != nil || !found && next == nil {
		return err
	}
	c := Change{Kind: AllowChange}
	if found {
		c.AllowBefore = &cur
	}
	if next != nil {
		if found && next.sameAs(cur) {
			return nil
		}
		after := *next
		after.Since, after.Actor, after.Revision = d.request.Time, d.request.Actor, d.revision
		if found {
			after.Since = cur.Since
		}
		c.AllowAfter = &after
	}
	d.change(c)
	d.allows[s] = c.AllowAfter
	return nil
}

// sameAs reports whether two allow entries for one subject say the same, whoever
// wrote them.
func (a Allow) sameAs(o Allow) bool {
	return a.Owner == o.Owner && a.Note == o.Note && a.Until.Equal(o.Until)
}

func (d *overlay) source(name string) (Source, bool, error) {
	return d.sources.get(name, func() (Source, bool, error) { return d.state.Source(name) })
}

func (d *overlay) endSource(name string, because DelistReason, planned *Revision) error {
	cur, found, err := d.source(name)
	if err == nil {
		err = expect(planned, cur.Revision, "source "+name, "does not exist", map[string]string{"SOURCE": name})
	}
	if err != nil || !found {
		return err
	}
	d.change(Change{Kind: SourceChange, SourceBefore: &cur, Because: because})
	d.sources[name] = nil
	return nil
}

// document writes a document, or removes it if the edit gives it no body.
func (d *overlay) document(e *Edit) error {
	name := [2]string{e.Document.Kind, e.Document.ID}
	cur, found, err := d.documents.get(name, func() (Document, bool, error) { return d.state.Document(name[0], name[1]) })
	if err != nil {
		return err
	}
	if e.Expect != nil && *e.Expect != cur.Revision {
		return &Error{Kind: ErrConflict, Code: "revision", Message: fmt.Sprintf("%s %s has changed meanwhile", name[0], name[1]),
			Hint: "look at it again and repeat"}
	}
	if bytes.Equal(cur.Body, e.Document.Body) { // also where there is none and none is written
		return nil
	}
	c := Change{Kind: DocumentChange}
	if found {
		c.DocumentBefore = &cur
	}
	if len(e.Document.Body) > 0 {
		c.DocumentAfter = &Document{Kind: name[0], ID: name[1], Body: e.Document.Body, Revision: d.revision}
	}
	d.change(c)
	d.documents[name] = c.DocumentAfter
	return nil
}
