package listing

import (
	"cmp"
	"slices"
	"time"
)

// Sources are the feeds of a snapshot by name. What an entry of a feed does not
// say itself, it has from its source.
type Sources map[string]Source

// SourcesOf are the sources of a snapshot.
func SourcesOf(snap Snapshot) (Sources, error) {
	all, err := snap.Sources()
	by := make(Sources, len(all))
	for _, s := range all {
		by[s.Name] = s
	}
	return by, err
}

// End is when an entry of a source ends that has an end of its own at until, or
// none if that is zero: the earlier of its end and its source's. For an entry of
// this list's own it is until.
func (by Sources) End(source string, until time.Time) time.Time {
	s, fed := by[source]
	if fed && (until.IsZero() || s.Until.Before(until)) {
		return s.Until
	}
	return until
}

// InForce reports whether an entry counts: its time lasts, and its source's.
func (by Sources) InForce(e Entry, now time.Time) bool {
	return now.Before(by.End(e.Source, e.Until))
}

// Complete is an entry with its true end, and with what it has from its source:
// since, actor, origin and revision.
func (by Sources) Complete(e Entry) Entry {
	s, fed := by[e.Source]
	if !fed {
		return e
	}
	e.Until = by.End(e.Source, e.Until)
	if e.Since.IsZero() {
		e.Since = s.Since
	}
	e.Actor = cmp.Or(e.Actor, s.Actor)
	e.Origin = cmp.Or(e.Origin, ByImport)
	e.Revision = cmp.Or(e.Revision, s.Revision)
	return e
}

// Held is an entry in force at an instant, resolved: complete, with its line of
// the catalogue, and with why it does not list, if it does not.
type Held struct {
	Entry
	Info   ReasonInfo // also of a reason that is in no catalogue
	WhyNot WhyNot
}

// Lists reports whether what was asked about is listed for the entry.
func (h Held) Lists() bool { return !h.Except && h.WhyNot.Kind == Nothing }

// Obstacle is the kind of what keeps an entry from listing.
type Obstacle uint8

// Obstacles, the first of them that applies being the one that is told.
const (
	Nothing      Obstacle = iota
	IsUnanswered          // no zone answers its reason
	IsExcepted            // an exception takes the subject out of it
	IsOverridden          // a more specific entry of its source stands before it
	IsProtected           // the subject is on the never-list
	IsAllowed             // an allow entry hides the subject
)

// WhyNot is what keeps an entry from listing.
type WhyNot struct {
	Kind  Obstacle
	By    Subject   // of the exception, the entry, the allow entry, the protected prefix
	Until time.Time // when that ends; zero: for good
	Text  string    // of the never-list: "is private"
}

// String is what operators read: "excepted by 192.0.2.0/24".
func (w WhyNot) String() string {
	switch w.Kind {
	case IsUnanswered:
		return "no zone answers its reason"
	case IsExcepted:
		return "excepted by " + w.By.String()
	case IsOverridden:
		return "the entry for " + w.By.String() + " stands before it"
	case IsProtected:
		return w.By.Text() + " " + w.Text
	case IsAllowed:
		return "hidden by the allow entry for " + w.By.Text()
	}
	return ""
}

// Instant is what decides at one time which entries list. The served view
// (package index) and the sweep of package feed decide alike; tests hold them
// equal.
type Instant struct {
	Rules   Rules
	Now     time.Time
	Sources Sources
	Allows  []Allow
	Zones   [][]Reason // the reasons that each zone names; nil: no matter which zone answers
}

// InstantOf is a snapshot's instant.
func InstantOf(snap Snapshot, rules Rules, now time.Time) (i Instant, err error) {
	i = Instant{Rules: rules, Now: now}
	if i.Sources, err = SourcesOf(snap); err == nil {
		i.Allows, err = snap.Allows()
	}
	return i, err
}

// HeldAt are the entries of a snapshot that are in force and cover a subject,
// strongest first. The reasons that each zone names may be given, or nil.
func HeldAt(snap Snapshot, rules Rules, s Subject, now time.Time, zones [][]Reason) ([]Held, error) {
	covering, err := snap.Covering(s)
	if err != nil || len(covering) == 0 {
		return nil, err
	}
	i, err := InstantOf(snap, rules, now)
	i.Zones = zones
	return i.Resolve(s, covering), err
}

// Resolve says of the entries that cover a subject what they do there, strongest
// first; those that have ended are left out. Of one reason and source the most
// specific entry stands. An exception of this list's own also takes the subject
// out of other sources' entries that are as wide or wider. What is protected or
// allowed is never listed.
func (i Instant) Resolve(s Subject, covering []Entry) []Held {
	all := make([]Held, 0, len(covering))
	for _, e := range covering {
		if i.Sources.InForce(e, i.Now) {
			all = append(all, Held{Entry: i.Sources.Complete(e), Info: i.Rules.Reasons.Describe(e.Reason)})
		}
	}
	hidden := i.Hides(s)
	for n := range all {
		all[n].WhyNot = i.whyNot(&all[n], all)
		if all[n].Lists() {
			all[n].WhyNot = hidden
		}
	}
	slices.SortStableFunc(all, func(a, b Held) int {
		x, y := a.Served(), b.Served()
		return cmp.Or(i.Rules.Reasons.Compare(a.Reason, b.Reason), x.ComparePrecedence(&y))
	})
	return all
}

// ComparePrecedence orders entries of one reason that hold one address, and so
// decides which is answered where several list it: the more specific comes
// first, then this list's own, then the one that ends last, then the one whose
// source's name sorts first. The ends must be true ones.
func (s *Served) ComparePrecedence(o *Served) int {
	own := func(s *Served) int { return min(len(s.Source), 1) }
	return cmp.Or(cmp.Compare(o.Subject.Bits(), s.Subject.Bits()), own(s)-own(o), o.Until.Compare(s.Until), cmp.Compare(s.Source, o.Source))
}

// whyNot finds what stands before an entry, what hides its subject apart.
func (i Instant) whyNot(e *Held, all []Held) WhyNot {
	if !e.Except && i.Zones != nil && !slices.ContainsFunc(i.Zones, e.Info.AnsweredBy) {
		return WhyNot{Kind: IsUnanswered}
	}
	for n := range all {
		if kind := all[n].obstructs(e); kind != Nothing {
			return WhyNot{Kind: kind, By: all[n].Subject, Until: all[n].Until}
		}
	}
	return WhyNot{}
}

// obstructs says whether an entry keeps another that holds the same subject from
// listing it: a narrower one of the same source does, and an exception of this
// list's own besides that is no wider.
func (h *Held) obstructs(e *Held) Obstacle {
	narrower := h.Source == e.Source && h.Subject.Bits() > e.Subject.Bits()
	ownException := h.Source == "" && h.Except && h.Subject.Bits() >= e.Subject.Bits()
	switch {
	case h.Reason != e.Reason || h.Key == e.Key:
		return Nothing
	case h.Except && !e.Except && (narrower || ownException):
		return IsExcepted
	case narrower:
		return IsOverridden
	}
	return Nothing
}

// Hides is why a subject is never answered as listed, whatever is stored:
// because it is on the never-list, or by an allow entry in force.
func (i Instant) Hides(s Subject) WhyNot {
	if never, ok := i.Rules.Policy.Protects(s); ok {
		return WhyNot{Kind: IsProtected, By: never.Subject, Text: never.Why}
	}
	if over := AllowsOver(i.Allows, s, i.Now); len(over) > 0 {
		return WhyNot{Kind: IsAllowed, By: over[0].Subject, Until: over[0].Until}
	}
	return WhyNot{}
}

// Answered are those of resolved entries that a listing is answered with: of
// each reason the first that lists.
func Answered(all []Held) []Held {
	var first []Held
	for _, h := range all {
		if h.Lists() && (len(first) == 0 || first[len(first)-1].Reason != h.Reason) {
			first = append(first, h)
		}
	}
	return first
}
