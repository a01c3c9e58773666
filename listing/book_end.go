package listing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Delist ends entries. An address that a feed lists is taken out of it by an
// exception, so that the next import does not bring it back. One that only a
// wider entry covers is left alone, and the error says both ways out.
func (b *Book) Delist(ctx context.Context, actor string, c Delist) (Result, error) {
	return b.delist(ctx, actor, c, approval{})
}

func (c Delist) check() error {
	if !slices.Contains(DelistReasons(), c.Because) {
		return &Error{Kind: ErrInvalid, Code: "unknown-delist-reason",
			Message: fmt.Sprintf("%s is not a reason to delist", Quote(string(c.Because))),
			Hint:    fmt.Sprintf("give --because one of %v", DelistReasons())}
	}
	return nil
}

func (b *Book) delist(ctx context.Context, actor string, c Delist, second approval) (Result, error) {
	if err := c.check(); err != nil {
		return Result{}, err
	}
	match, err := b.matching(c.Subject, c.Reason, c.Within)
	if err != nil {
		return Result{}, err
	}
	var warnings []string
	plan := func(at []Entry, now time.Time) ([]Edit, error) {
		var own, exceptions []Edit // in this order: both may be about one key
		fed := map[string]bool{}
		for _, e := range at {
			switch {
			case e.Except:
			case e.Source == "":
				own = append(own, Edit{Op: OpDelist, Key: e.Key, Expect: expected(e, c.Options), Because: c.Because})
			default:
				fed[e.Source] = true
				exceptions = append(exceptions, b.except(e, c))
			}
		}
		warnings = exceptionWarnings(fed)
		return slices.Concat(own, exceptions, second.settle), nil
	}
	header := Header{Actor: actor, Note: Printable(c.Note), Ticket: Printable(c.Ticket)}
	res, err := b.end(ctx, order{Header: header, Options: c.Options, intent: IntentOf(c)}, match, plan)
	if err == nil && !c.Within && !res.Changed() && !res.Repeated {
		var stays []string
		stays, err = b.staysInside(ctx, c.Subject)
		warnings = append(warnings, stays...)
	}
	res.Warnings = append(res.Warnings, warnings...)
	return res, err
}

// staysInside warns whoever ended nothing at a prefix that there is something
// inside it.
func (b *Book) staysInside(ctx context.Context, s Subject) (warnings []string, err error) {
	if s.IsHost() {
		return nil, nil
	}
	err = b.store.View(ctx, func(snap Snapshot) error {
		live, err := liveSources(snap, b.Now())
		if err != nil {
			return err
		}
		for e, err := range snap.Each(s) {
			if err != nil {
				return err
			}
			if !e.Except && e.Subject != s && e.inForce(live, b.Now()) {
				warnings = []string{fmt.Sprintf("what is listed inside %s stays: --within ends it", s.Text())}
				return nil
			}
		}
		return nil
	})
	return warnings, err
}

func exceptionWarnings(fed map[string]bool) []string {
	var w []string
	for name := range fed {
		w = append(w, fmt.Sprintf("source %s lists it: an exception was made, so that the next import does not bring it back", name))
	}
	slices.Sort(w)
	return w
}

// except is the edit that takes a fed entry out of its feed.
func (b *Book) except(e Entry, c Delist) Edit {
	policy := b.Rules().Policy
	return Edit{Op: OpList, Key: Key{Subject: e.Subject, Reason: e.Reason}, Except: true, Keep: true, Origin: ByOperator,
		Life: Lifetime{Base: policy.Exception, Longest: policy.Longest, Repeat: 1},
		Note: Printable(fmt.Sprintf("delisted (%s) from source %s", c.Because, e.Source)), Ticket: Printable(c.Ticket)}
}

// Expire changes when entries end.
func (b *Book) Expire(ctx context.Context, actor string, c Expire) (Result, error) {
	return b.expire(ctx, actor, c, approval{})
}

func (b *Book) expire(ctx context.Context, actor string, c Expire, second approval) (Result, error) {
	match, err := b.matching(c.Subject, c.Reason, c.Within)
	if err != nil {
		return Result{}, err
	}
	plan := func(at []Entry, now time.Time) ([]Edit, error) {
		until := now
		switch {
		case !c.At.IsZero():
			until = c.At
		case c.In != 0:
			until = now.Add(c.In.Duration())
		}
		if err := b.checkExpire(c, at, until, now); err != nil {
			return nil, err
		}
		var edits []Edit
		for _, e := range at {
			if e.Source == "" {
				edits = append(edits, Edit{Op: OpExpire, Key: e.Key, Expect: expected(e, c.Options), Until: until, Note: Printable(c.Note)})
			}
		}
		if len(edits) == 0 && !c.Within {
			return nil, notListed(c.Subject)
		}
		return append(edits, second.settle...), nil
	}
	return b.end(ctx, order{Header: Header{Actor: actor, Note: Printable(c.Note)}, Options: c.Options, intent: IntentOf(c)}, match, plan)
}

// checkExpire refuses an end over the cap of a reason, and entries that live
// and die with their source.
func (b *Book) checkExpire(c Expire, at []Entry, until, now time.Time) error {
	rules := b.Rules()
	for _, e := range at {
		info, known := rules.Reasons.Info(e.Reason)
		if !known {
			info = ReasonInfo{Symbol: rules.Reasons.Symbol(e.Reason), Longest: rules.Policy.Longest}
		}
		switch {
		case e.Source != "" && !c.Within:
			return &Error{Kind: ErrPolicy, Code: "sourced",
				Message: fmt.Sprintf("%s is listed by source %s and ends with it", e.Subject.Text(), e.Source),
				Names:   map[string]string{"PREFIX": e.Subject.Text()}}
		case c.At.IsZero() && c.In == 0:
			continue
		}
		if err := rules.Policy.checkEnd(info, until, now); err != nil {
			return err
		}
	}
	return nil
}

func notListed(s Subject) error {
	return &Error{Kind: ErrNotFound, Code: "not-listed", Message: s.Text() + " is not listed",
		Hint: "`blctl history " + s.Text() + "` says whether it was"}
}

// expected makes an edit fail if the entry has changed since it was looked at.
func expected(e Entry, o Options) *Revision {
	if o.IfRevision != nil {
		return o.IfRevision
	}
	return &e.Revision
}

// matching finds the entries that a command names, in one snapshot.
func (b *Book) matching(s Subject, reason string, within bool) (func(Snapshot, time.Time) ([]Entry, error), error) {
	code := Reason(0)
	if reason != "" {
		info, err := b.Rules().Reasons.Find(reason)
		if err != nil {
			return nil, err
		}
		code = info.Code
	}
	if !s.IsValid() {
		return nil, &Error{Kind: ErrInvalid, Code: "not-an-address", Message: "no prefix was given", Hint: "for example 192.0.2.7"}
	}
	return func(snap Snapshot, now time.Time) ([]Entry, error) {
		if within {
			return matchWithin(snap, s, code, now)
		}
		return matchExact(snap, s, code, now)
	}, nil
}

func matchWithin(snap Snapshot, s Subject, code Reason, now time.Time) ([]Entry, error) {
	live, err := liveSources(snap, now)
	if err != nil {
		return nil, err
	}
	var found []Entry
	for e, err := range snap.Each(s) {
		if err != nil {
			return nil, err
		}
		if (code == 0 || e.Reason == code) && e.inForce(live, now) {
			found = append(found, e)
		}
	}
	return found, nil
}

// matchExact finds the entries at exactly s. If there are only wider ones it
// fails and names the widest.
func matchExact(snap Snapshot, s Subject, code Reason, now time.Time) ([]Entry, error) {
	covering, err := snap.Covering(s)
	if err != nil {
		return nil, err
	}
	live, err := liveSources(snap, now)
	if err != nil {
		return nil, err
	}
	var found []Entry
	var wider *Entry
	for _, e := range covering {
		switch {
		case (code != 0 && e.Reason != code) || !e.inForce(live, now):
		case e.Subject == s:
			found = append(found, e)
		case !e.Except:
			wider = &e
		}
	}
	if len(found) == 0 && wider != nil {
		return nil, &Error{Kind: ErrNotFound, Code: "covered",
			Message: fmt.Sprintf("%s has no entry of its own; it is listed by %s", s.Text(), wider.Subject),
			Hint: fmt.Sprintf("`blctl add %s --reason %d --except` takes it out of that entry; `blctl allow add %s --owner NAME` keeps it out of every one",
				s.Text(), wider.Reason, s.Text())}
	}
	return found, nil
}

func liveSources(snap Snapshot, now time.Time) (map[string]bool, error) {
	sources, err := snap.Sources()
	if err != nil {
		return nil, err
	}
	live := map[string]bool{"": true}
	for _, s := range sources {
		live[s.Name] = s.Active(now)
	}
	return live, nil
}

// inForce reports whether the entry counts: its time and its source's last.
func (e Entry) inForce(live map[string]bool, now time.Time) bool {
	return live[e.Source] && !e.over(now)
}

// over reports whether the entry's own time has come; that of a source may have
// none.
func (e Entry) over(now time.Time) bool { return !e.Until.IsZero() && !e.Active(now) }

// end looks, plans and applies, again when another writer came between. A
// command that was decided earlier is not planned: its answer stands.
func (b *Book) end(ctx context.Context, o order,
	match func(Snapshot, time.Time) ([]Entry, error), plan func([]Entry, time.Time) ([]Edit, error)) (Result, error) {
	for attempt := 1; ; attempt++ {
		o.Time = b.Now()
		var edits []Edit
		err := b.store.View(ctx, func(s Snapshot) error {
			var err error
			if o.earlier, err = earlierOf(s, o.Options); err != nil || o.earlier.whole() {
				return err
			}
			at, err := match(s, o.Time)
			if err == nil {
				edits, err = plan(at, o.Time)
			}
			return err
		})
		if err != nil {
			return Result{}, err
		}
		res, err := b.apply(ctx, o, edits)
		if errors.Is(err, ErrConflict) && o.IfRevision == nil && o.IdempotencyKey == "" && attempt < retries {
			continue
		}
		return res, err
	}
}
