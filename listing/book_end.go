package listing

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Delist ends entries. An address that a feed lists is taken out of it by an
// exception, so that the next import does not bring it back. One that only a
// wider entry covers is left alone, and the error says both ways out.
//
// Support is bound by the judge, if there is one.
func (b *Book) Delist(ctx context.Context, who Caller, c Delist) (Result, error) {
	if b.judge == nil || who.Role != Support || c.may(b.Rules(), who) != nil || !c.Subject.IsHost() || !c.Because.given() {
		return b.run(ctx, who, c, nil)
	}
	may, err := b.judge.MayEnd(ctx, c)
	if err != nil {
		return Result{}, err
	}
	return b.run(ctx, who, c, func(s Snapshot) ([]Edit, error) { return nil, may(s) })
}

// Grant ends what a ticket asks to be ended. decide looks at the ticket on the
// snapshot that the end is planned on: it refuses, or returns the edits of the
// ticket, which are made in the same request. What another person grants on
// appeal, support may end for that.
func (b *Book) Grant(ctx context.Context, who Caller, c Delist, decide func(Snapshot) ([]Edit, error)) (Result, error) {
	c.appeal = c.Because == AppealUpheld
	return b.run(ctx, who, c, decide)
}

// given reports whether entries are delisted for it by command.
func (r DelistReason) given() bool { return slices.Contains(DelistReasons(), r) }

func (c Delist) check(p *planning) error {
	if !c.Because.given() {
		return &Error{Kind: ErrInvalid, Code: "unknown-delist-reason",
			Message: fmt.Sprintf("%s is not a reason to delist", Quote(string(c.Because))),
			Hint:    DidYouMean(string(c.Because), DelistReasons()) + "give --because one of " + strings.ReplaceAll(strings.Trim(fmt.Sprint(DelistReasons()), "[]"), " ", ", ")}
	}
	_, err := p.named(c.Subject, c.Reason)
	return err
}

func (c Delist) plan(p *planning) ([]Edit, error) {
	if err := c.check(p); err != nil {
		return nil, err
	}
	at, err := p.match(c.Subject, c.Reason, c.Within)
	if err != nil {
		return nil, err
	}
	if len(at) == 0 {
		p.warn(notListed(c.Subject, c.Reason))
	}
	var own, exceptions []Edit // in this order: both may be about one key
	fed := map[string]bool{}
	for _, e := range at {
		if err := p.rules.mayEnd(p.who, c, e); err != nil {
			return nil, err
		}
		switch {
		case e.Except:
		case e.Source == "":
			own = append(own, Edit{Op: OpDelist, Key: e.Key, Expect: expected(e, c.Options), Because: c.Because})
		default:
			fed[e.Source] = true
			exceptions = append(exceptions, c.except(e, p.rules.Policy))
		}
	}
	if len(own) == 0 && !c.Within {
		if err := p.warnOfInside(c.Subject); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(fed)) {
		p.warn(fmt.Sprintf("source %s lists it: an exception was made, so that the next import does not bring it back", name))
	}
	return append(own, exceptions...), nil
}

// notListed says of one of the subjects of a command that it was not there to be ended.
func notListed(s Subject, reason string) string {
	if reason == "" {
		return s.Text() + " is not listed"
	}
	return fmt.Sprintf("%s is not listed as %s", s.Text(), Printable(reason))
}

// warnOfInside says to whoever ends nothing at a prefix that there is something
// inside it.
func (p *planning) warnOfInside(s Subject) error {
	if s.IsHost() {
		return nil
	}
	sources, err := SourcesOf(p)
	if err != nil {
		return err
	}
	for e, err := range p.Each(s) {
		if err != nil {
			return err
		}
		if !e.Except && e.Subject != s && sources.InForce(e, p.now) {
			p.warn(fmt.Sprintf("what is listed inside %s stays: --within ends it", s.Text()))
			return nil
		}
	}
	return nil
}

// except is the edit that takes a fed entry out of its feed: for the shorter life
// where the sender asked for it and nobody looked.
func (c Delist) except(e Entry, policy Policy) Edit {
	life := policy.exception()
	if c.Because == SelfService {
		life.Base = policy.SelfExcept
	}
	return Edit{Op: OpList, Key: Key{Subject: e.Subject, Reason: e.Reason}, Except: true, Keep: true, Origin: ByOperator,
		Life: life,
		Note: takenOut(c.Because, e.Source), Ticket: Text(c.Ticket)}
}

// takenOut is the note of an exception that takes something out of a source.
func takenOut(because DelistReason, source string) string {
	return Printable(fmt.Sprintf("delisted (%s) from source %s", because, source))
}

// AskedFor reports whether an entry is the exception that a sender got for himself
// from a source.
func (e Entry) AskedFor(source string) bool {
	return e.Except && source != "" && e.Note == takenOut(SelfService, source)
}

// Expire changes when entries end.
func (b *Book) Expire(ctx context.Context, who Caller, c Expire) (Result, error) {
	return b.run(ctx, who, c, nil)
}

func (c Expire) check(p *planning) error {
	_, err := p.named(c.Subject, c.Reason)
	return err
}

func (c Expire) plan(p *planning) ([]Edit, error) {
	at, err := p.match(c.Subject, c.Reason, c.Within)
	if err != nil {
		return nil, err
	}
	until := p.now
	switch {
	case !c.At.IsZero():
		until = c.At
	case c.In != 0:
		until = p.now.Add(c.In.Duration())
	}
	var edits []Edit
	for _, e := range at {
		if err := c.checkEnd(p, e, until); err != nil {
			return nil, err
		}
		if e.Source == "" {
			edits = append(edits, Edit{Op: OpExpire, Key: e.Key, Expect: expected(e, c.Options), Until: until, Note: Text(c.Note)})
		}
	}
	if len(edits) == 0 && !c.Within {
		return nil, &Error{Kind: ErrNotFound, Code: "not-listed", Message: c.Subject.Text() + " is not listed",
			Names: prefix(c.Subject)}
	}
	return edits, nil
}

// checkEnd refuses an end over the cap of a reason, and entries that live and
// die with their source.
func (c Expire) checkEnd(p *planning, e Entry, until time.Time) error {
	info, known := p.rules.Reasons.Info(e.Reason)
	if !known {
		info = ReasonInfo{Symbol: p.rules.Reasons.Symbol(e.Reason), Longest: p.rules.Policy.Longest}
	}
	switch {
	case e.Source != "" && !c.Within:
		return &Error{Kind: ErrPolicy, Code: "sourced",
			Message: fmt.Sprintf("%s is listed by source %s and ends with it", e.Subject.Text(), e.Source),
			Names:   prefix(e.Subject)}
	case c.At.IsZero() && c.In == 0:
		return nil
	}
	return p.rules.Policy.checkEnd(info, until, p.now)
}

// expected makes an edit fail if the entry has changed since it was looked at.
func expected(e Entry, o Options) *Revision { return cmp.Or(o.IfRevision, &e.Revision) }

// named checks what a command names; the reason is 0 for all of them.
func (p *planning) named(s Subject, reason string) (Reason, error) {
	if !s.IsValid() {
		return 0, &Error{Kind: ErrInvalid, Code: "not-an-address", Message: "no prefix was given", Hint: "for example 192.0.2.7"}
	}
	if reason == "" {
		return 0, nil
	}
	info, err := p.rules.Reasons.Find(reason)
	return info.Code, err
}

// match finds the entries that a command names.
func (p *planning) match(s Subject, reason string, within bool) ([]Entry, error) {
	code, err := p.named(s, reason)
	switch {
	case err != nil:
		return nil, err
	case within:
		return p.within(s, code)
	}
	return p.exactly(s, code)
}

func (p *planning) within(s Subject, code Reason) ([]Entry, error) {
	sources, err := SourcesOf(p)
	if err != nil {
		return nil, err
	}
	var found []Entry
	for e, err := range p.Each(s) {
		if err != nil {
			return nil, err
		}
		if (code == 0 || e.Reason == code) && sources.InForce(e, p.now) {
			found = append(found, e)
		}
	}
	return found, nil
}

// exactly finds the entries at exactly s. If there are only wider ones it
// fails and names the widest.
func (p *planning) exactly(s Subject, code Reason) ([]Entry, error) {
	covering, err := p.Covering(s)
	if err != nil {
		return nil, err
	}
	sources, err := SourcesOf(p)
	if err != nil {
		return nil, err
	}
	var found []Entry
	var wider *Entry
	for _, e := range covering {
		switch {
		case (code != 0 && e.Reason != code) || !sources.InForce(e, p.now):
		case e.Subject == s:
			found = append(found, e)
		case !e.Except:
			wider = &e
		}
	}
	if len(found) == 0 && wider != nil {
		return nil, &Error{Kind: ErrNotFound, Code: "covered",
			Message: fmt.Sprintf("%s has no entry of its own; it is listed by %s", s.Text(), wider.Subject),
			Names:   map[string]string{"PREFIX": s.Text(), "REASON": p.rules.Reasons.Symbol(wider.Reason)}}
	}
	return found, nil
}
