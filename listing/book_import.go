package listing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Import replaces or extends a source with entries. Lines about addresses that
// are never listed, and those whose own end has come, are skipped and counted.
// Entries that no import may list go
// to bad, whose error stops the import and changes nothing; a nil error skips
// the entry.
func (b *Book) Import(ctx context.Context, who Caller, c Import, entries iter.Seq2[Entry, error], bad func(Entry, error) error) (Result, error) {
	if err := b.Rules().Roles.Require(who, Operator, ""); err != nil {
		return Result{}, err
	}
	rules, now := b.Rules(), b.Now()
	if c.Source == "" {
		c.Source = "import"
	}
	if !isSymbol(c.Source) {
		return Result{}, &Error{Kind: ErrInvalid, Code: "bad-source", Message: Quote(c.Source) + " cannot name a source",
			Hint: "use lower-case letters, digits and hyphens, such as ipsum"}
	}
	life := c.For
	if life == 0 {
		life = ImportLife
	}
	if life > rules.Policy.Longest {
		return Result{}, &Error{Kind: ErrPolicy, Code: "life-over-cap",
			Message: fmt.Sprintf("%s is longer than a source may go without a refresh, which is %s", life, rules.Policy.Longest),
			Hint:    "give --for " + rules.Policy.Longest.String() + " or less"}
	}
	edit, err := b.sourceEdit(ctx, c, now)
	if err != nil {
		return Result{}, err
	}
	edit.Until = now.Add(life.Duration()).Truncate(time.Second)
	in := importer{rules: rules, near: rules.Policy.nearby(), source: c.Source, now: now, bad: bad}
	o := order{Header: Header{Time: now, Actor: who.Name, Note: Text(c.Note)}, Options: c.Options, intent: IntentOf(c)}
	res, err := b.replace(ctx, o, edit, in.check(entries))
	res.Skipped, res.Over = in.skipped, in.over
	return res, err
}

// replace sends a request about a source and waits until what it did is served.
func (b *Book) replace(ctx context.Context, o order, edit SourceEdit, entries iter.Seq2[Entry, error]) (Result, error) {
	if err := b.Rules().Writable(); err != nil {
		return Result{}, err
	}
	return b.rewrite(ctx, o, edit, entries)
}

func (b *Book) rewrite(ctx context.Context, o order, edit SourceEdit, entries iter.Seq2[Entry, error]) (Result, error) {
	r := Request{Header: o.Header, Intent: o.intent, DryRun: o.DryRun, Source: &edit, Keyed: o.IdempotencyKey != ""}
	r.ID = o.id()
	v, err := b.store.Replace(ctx, r, entries)
	if err != nil {
		return Result{}, err
	}
	return Result{Verdict: v}, b.served(ctx, v, o.Options)
}

// sourceEdit looks at what generation the import is made against.
func (b *Book) sourceEdit(ctx context.Context, c Import, now time.Time) (SourceEdit, error) {
	const mostRemoved = 0.5 // a file half of which is missing was cut short
	edit := SourceEdit{Name: c.Source, Add: !c.Replace, MaxChanges: c.MaxChanges, Expect: new(uint64)}
	if c.MaxChanges == 0 {
		edit.MaxRemoved = mostRemoved
	}
	err := b.store.View(ctx, func(s Snapshot) error {
		sources, err := s.Sources()
		is := Revision(0)
		for _, have := range sources {
			if have.Name == c.Source && have.Active(now) {
				*edit.Expect, is = have.Generation, have.Revision
			}
		}
		if err == nil && c.IfRevision != nil && *c.IfRevision != is {
			err = &Error{Kind: ErrConflict, Code: "revision",
				Message: fmt.Sprintf("source %s is at revision %d, not at revision %d", c.Source, is, *c.IfRevision),
				Names:   map[string]string{"SOURCE": c.Source}}
		}
		return err
	})
	return edit, err
}

type importer struct {
	rules   Rules
	near    *nearby
	source  string
	now     time.Time
	bad     func(Entry, error) error
	skipped int
	over    int
}

// check passes on what may be imported, as entries of the source.
func (in *importer) check(entries iter.Seq2[Entry, error]) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for e, err := range entries {
			if err == nil {
				var skip bool
				if skip, err = in.admit(&e); skip {
					continue
				}
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func (in *importer) admit(e *Entry) (skip bool, err error) {
	if !e.Active(in.now) { // a sweep ended it already, or would at once
		in.over++
		return true, nil
	}
	e.Source, e.Origin = in.source, ByImport
	if in.near.has(e.Subject) {
		err = in.rules.Policy.CheckImport(e.Subject)
	} else {
		err = in.rules.Policy.checkImportWidth(e.Subject)
	}
	var refused *Error
	switch {
	case err == nil || e.Except:
		return false, nil
	case errors.As(err, &refused) && refused.Code == "never-list":
		in.skipped++
		return true, nil
	case in.bad == nil:
		return false, err
	}
	err = in.bad(*e, err)
	return err == nil, err
}

// nearby tells by the first two octets of a subject whether a policy protects something
// there, or has a canary there: hardly a line of an import is near one.
type nearby struct{ v4, v6 [1 << 16]bool }

func (p Policy) nearby() *nearby {
	n := new(nearby)
	mark := func(s Subject) {
		if cells, at := n.cells(s); s.IsValid() {
			for wide := 1 << (16 - min(s.Bits(), 16)); wide > 0; wide-- {
				cells[at+wide-1] = true
			}
		}
	}
	for _, never := range p.NeverList() {
		mark(never.Subject)
	}
	for _, canary := range p.Canaries {
		mark(canary)
	}
	return n
}

// has reports whether a subject may be, hold or lie in one of those.
func (n *nearby) has(s Subject) bool {
	cells, at := n.cells(s)
	return s.Bits() < 16 || cells[at]
}

// cells are those of the family of a subject, and which of them it begins in.
func (n *nearby) cells(s Subject) (cells *[1 << 16]bool, at int) {
	if s.Addr().Is4() {
		return &n.v4, int(s.V4() >> 16)
	}
	a := s.Addr().As16()
	return &n.v6, int(a[0])<<8 | int(a[1])
}

// DropSource ends a source and all its entries, each of which counts as a change:
// they are not kept, so that cannot be undone.
func (b *Book) DropSource(ctx context.Context, who Caller, name, note string, o Options) (Result, error) {
	if err := b.Rules().Roles.Require(who, Operator, ""); err != nil {
		return Result{}, err
	}
	by := order{Header: Header{Actor: who.Name, Note: Text(note)}, Options: o, intent: IntentOf(name)}
	return b.plan(ctx, who, by, func(p *planning) ([]Edit, error) {
		sources, err := p.Sources()
		for _, have := range sources {
			if have.Name == name && have.Active(p.now) {
				p.ends = have.Entries
				return []Edit{{Op: OpEndSource, Source: name, Because: OperatorChoice, Expect: o.IfRevision}}, err
			}
		}
		return nil, cmp.Or(err, error(&Error{Kind: ErrNotFound, Code: "no-source", Message: "there is no source " + Quote(name)}))
	})
}
