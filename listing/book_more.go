package listing

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// Permit adds an allow entry or takes one back.
func (b *Book) Permit(ctx context.Context, actor string, c Permit) (Result, error) {
	return b.permit(ctx, actor, c, approval{})
}

func (b *Book) permit(ctx context.Context, actor string, c Permit, second approval) (Result, error) {
	now := b.Now()
	edit, err := c.edit(now)
	if err != nil {
		return Result{}, err
	}
	edit.Expect = c.IfRevision
	h := Header{Time: now, Actor: actor, Note: Printable(c.Note)}
	return b.apply(ctx, order{Header: h, Options: c.Options, intent: IntentOf(c)}, append([]Edit{edit}, second.settle...))
}

func (c Permit) edit(now time.Time) (Edit, error) {
	switch {
	case !c.Subject.IsValid():
		return Edit{}, &Error{Kind: ErrInvalid, Code: "not-an-address", Message: "no prefix was given", Hint: "for example 192.0.2.0/24"}
	case c.Remove:
		return Edit{Op: OpDisallow, Subject: c.Subject}, nil
	case strings.TrimSpace(c.Owner) == "":
		return Edit{}, &Error{Kind: ErrInvalid, Code: "no-owner",
			Message: "an allow entry needs an owner: somebody who can be asked why it is there",
			Hint:    "repeat with --owner, for example --owner postmaster@example.test"}
	case !c.Until.IsZero() && !c.Until.After(now):
		return Edit{}, &Error{Kind: ErrInvalid, Code: "past", Message: c.Until.Format(time.RFC3339) + " is in the past",
			Hint: "give an end in the future, or none"}
	}
	return Edit{Op: OpAllow, Allow: &Allow{Subject: c.Subject, Owner: Printable(c.Owner),
		Until: c.Until.Truncate(time.Second), Note: Printable(c.Note)}}, nil
}

// Import replaces or extends a source with entries. Lines about addresses that
// are never listed, and those whose own end has come, are skipped and counted.
// Entries that no import may list go
// to bad, whose error stops the import and changes nothing; a nil error skips
// the entry.
func (b *Book) Import(ctx context.Context, actor string, c Import, entries iter.Seq2[Entry, error], bad func(Entry, error) error) (Result, error) {
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
	r := Request{Header: Header{Time: now, Actor: actor, Note: Printable(c.Note)}, Intent: IntentOf(c), DryRun: c.DryRun, Source: &edit}
	r.ID, r.Keyed = requestID(c.Options)

	in := importer{rules: rules, source: c.Source, now: now, bad: bad}
	v, err := b.store.Replace(ctx, r, in.check(entries))
	res := Result{Verdict: v, Skipped: in.skipped, Over: in.over}
	if err != nil {
		return Result{}, err
	}
	return res, b.served(ctx, v, c.Options)
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
				Hint:    "it was imported meanwhile: look at `blctl source show " + c.Source + "` and decide again"}
		}
		return err
	})
	return edit, err
}

type importer struct {
	rules   Rules
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
	if e.over(in.now) { // a sweep ended it already, or would at once
		in.over++
		return true, nil
	}
	e.Source, e.Origin = in.source, ByImport
	err = in.rules.Policy.CheckImport(e.Subject)
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

// DropSource ends a source and all its entries, each of which counts as a change:
// they are not kept, so that cannot be undone.
func (b *Book) DropSource(ctx context.Context, actor, name, note string, o Options) (Result, error) {
	by := order{Header: Header{Time: b.Now(), Actor: actor, Note: Printable(note)}, Options: o, intent: IntentOf(name)}
	var err error
	if by.earlier, err = b.decided(ctx, o); err != nil {
		return Result{}, err
	}
	if by.earlier.whole() {
		return b.apply(ctx, by, nil)
	}
	err = b.store.View(ctx, func(s Snapshot) error {
		sources, err := s.Sources()
		for _, have := range sources {
			if have.Name == name && have.Active(by.Time) {
				by.ends = have.Entries
				return err
			}
		}
		return errors.Join(err, &Error{Kind: ErrNotFound, Code: "no-source", Message: "there is no source " + Quote(name), Hint: "`blctl source list` names them"})
	})
	if err != nil {
		return Result{}, err
	}
	return b.apply(ctx, by, []Edit{{Op: OpEndSource, Source: name, Because: OperatorChoice, Expect: o.IfRevision}})
}
